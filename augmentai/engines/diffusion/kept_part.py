"""Painting a part of an image with any image-to-image pipeline: after each step the rest is the source again.

What is kept is the source's latents with as much noise as the next step expects, the same noise that the painting began
with. So the network sees the surroundings at every step and paints what fits them, as diffusers' own inpaint pipelines
do with a network of four channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from augmentai.engines.diffusion.paint_request import PaintRequest


@dataclass(frozen=True)
class KeptPart:
    """The latents that stay while a batch is painted.

    Args:
        pipe: The pipeline that paints.
        latents: Of the sources.
        noise: That the painting begins with.
        painted: 1 where latents are painted anew, else 0.

    Shape:
        latents, noise: (B, C, h, w)
        painted: (B, 1, h, w)
    """

    pipe: Any
    latents: Tensor
    noise: Tensor
    painted: Tensor

    def put_into(self, painting: Tensor, step: int) -> Tensor:
        """The latents after a step, with what stays put back.

        Args:
            painting: Latents after the step.
            step: Its number, from 0.

        Shape:
            painting, output: (B, C, h, w), or (B, N, D) as FLUX packs them
        """
        kept, painted = self._noised(step), self.painted.expand_as(self.latents)
        if painting.ndim == 3:
            kept, painted = self._packed(kept), self._packed(painted)
        return (kept * (1 - painted) + painting * painted).to(painting.dtype)

    def _noised(self, step: int) -> Tensor:
        """The source with the noise of the step after this one; none after the last."""
        scheduler, count = self.pipe.scheduler, self.pipe.num_timesteps
        if step >= count - 1:
            return self.latents
        following = scheduler.timesteps[len(scheduler.timesteps) - count + step + 1].reshape(1)
        if hasattr(scheduler, "scale_noise"):  # flow matching
            return scheduler.scale_noise(self.latents, following, self.noise)
        return scheduler.add_noise(self.latents, self.noise, following)

    def _packed(self, latents: Tensor) -> Tensor:
        return self.pipe._pack_latents(latents, *latents.shape)


def kept_part(pipe: Any, latents: Tensor, requests: Sequence[PaintRequest]) -> KeptPart | None:
    """What stays of a batch.

    Args:
        pipe: The pipeline that paints.
        latents: Of the sources.
        requests: With a mask where a part is painted.

    Returns:
        None if all images are painted entirely.

    Shape:
        latents: (B, C, h, w)
    """
    if all(request.mask is None for request in requests):
        return None
    from diffusers.utils.torch_utils import randn_tensor

    whole = np.ones(requests[0].pixels.shape[:2], bool)
    masks = np.stack([whole if request.mask is None else request.mask for request in requests])  # (B, H, W)
    painted = torch.from_numpy(masks[:, None].astype(np.float32)).to(latents.device)
    generators = [torch.Generator("cpu").manual_seed(request.seed) for request in requests]
    noise = randn_tensor(latents.shape, generator=generators, device=latents.device, dtype=latents.dtype)
    cells = adaptive_max_pool2d(painted, latents.shape[-2:]).to(latents.dtype)  # a cell with any of it is painted
    return KeptPart(pipe, latents, noise, cells)
