"""Pipelines that are handed whole images, one at a time: the families of 2025 and later.

Their latents are packed, normalised and ordered in ways of their own, and some take the image as a condition beside the
noise instead of noising it. So nothing of that is taken apart here: the pipeline encodes, paints and decodes. What is
known of each is in `families`.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from augmentai.engines.diffusion.families import SamplingPlan
from augmentai.engines.diffusion.model import Model, OnStep, Stopped
from augmentai.engines.diffusion.paint_request import PaintRequest, StoppedError
from augmentai.engines.diffusion.pending_batch import Decoded, PendingBatch


class CalledModel(Model):
    """A pipeline that is handed whole images. Batches would save little: its networks fill a GPU with one image."""

    def sampling_plan(self, strength: float) -> SamplingPlan:
        """An editor runs all its steps, whatever the strength."""
        return SamplingPlan(self.steps, 1.0, None, self.steps) if self.family.edits else super().sampling_plan(strength)

    def use_float32_vae(self) -> bool:
        """Not for these, which are made for bfloat16."""
        return False

    def _submit_chunk(
        self, pending: PendingBatch, requests: Sequence[PaintRequest], stopped: Stopped, on_step: OnStep
    ) -> None:
        for request in requests:
            with torch.inference_mode():
                painted, steps = self._painted(request, stopped, on_step)
                pending.add(1, steps, _decoded(painted))

    def _painted(self, request: PaintRequest, stopped: Stopped, on_step: OnStep) -> tuple[Tensor, int]:
        """One image: (1, 3, H, W), 0 to 1; and how many steps were run."""
        planned, steps_run = self.sampling_plan(request.strength), 0

        def after_step(pipe: Any, step: int, timestep: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            nonlocal steps_run
            steps_run += 1
            if stopped():
                raise StoppedError
            on_step(steps_run, planned.effective)
            return tensors

        pipe = self.pipe if request.mask is None else self._in_part()
        height, width = request.pixels.shape[:2]
        known = inspect.signature(pipe.__call__).parameters
        source = Image.fromarray(request.pixels)
        arguments: dict[str, Any] = {
            "image": source,
            "prompt": request.prompt,
            "height": height,
            "width": width,
            "num_inference_steps": planned.steps,
            self.family.guidance_name: self.guidance,
            "generator": torch.Generator("cpu").manual_seed(request.seed),
            "callback_on_step_end": after_step,
            "output_type": "pt",
            "return_dict": False,
        }
        if "strength" in known:
            arguments["strength"] = planned.strength
        if self.reads_negative_prompt:
            arguments["negative_prompt"] = request.negative_prompt or " "  # with none there would be no guidance
        if request.mask is not None and "mask_image" in known:
            arguments["mask_image"] = Image.fromarray(request.mask.astype(np.uint8) * 255)
        if self.family.edits and "image_reference" in known:
            arguments["image_reference"] = source
        if "_auto_resize" in known:  # FLUX Kontext would choose a size of its own
            arguments |= {"_auto_resize": False, "max_area": height * width}
        painted = pipe(**arguments)[0]
        if painted.shape[-2:] != (height, width):  # Qwen-Image-Edit chooses a size of its own for a part
            painted = F.interpolate(painted.float(), (height, width), mode="bicubic", antialias=True).clamp(0, 1)
        return painted, steps_run

    def _in_part(self) -> Any:
        """The pipeline that paints a part, of the same networks; the usual one if there is none."""
        if not self.family.in_part:
            return self.pipe
        if self._part_pipe is None:
            import diffusers

            kind = getattr(diffusers, self.family.in_part)
            wanted = inspect.signature(kind.__init__).parameters
            given = {
                **self.pipe.components,
                **{name: self.pipe.config[name] for name in ("is_distilled",) if name in wanted},
            }
            self._part_pipe = kind(**{name: one for name, one in given.items() if name in wanted})
            self._part_pipe.set_progress_bar_config(disable=True)
        return self._part_pipe

    _part_pipe: Any = None


def _decoded(painted: Tensor) -> Decoded:
    finite = torch.isfinite(painted).flatten(1).all(1)
    eight_bit = (painted.float().nan_to_num() * 255).round_().clamp_(0, 255).to(torch.uint8)
    return Decoded(eight_bit.permute(0, 2, 3, 1).contiguous(), finite, torch.zeros_like(finite), [False] * len(painted))
