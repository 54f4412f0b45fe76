"""One loaded pipeline: images to latents, noise, denoising, and back to pixels, a batch at a time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augmentai.engines.diffusion.families import Family, SamplingPlan, plan_sampling
from augmentai.engines.diffusion.kept_part import kept_part
from augmentai.engines.diffusion.openvino_networks import OpenVinoNetworks
from augmentai.engines.diffusion.paint_request import ModelError, PaintRequest, PaintResult, Pixels, StoppedError
from augmentai.engines.diffusion.pending_batch import Decoded, PendingBatch
from augmentai.engines.diffusion.placement import free_memory
from augmentai.engines.diffusion.text_embeddings import TextEmbeddings

_MAX_COMPILED_SHAPES = 4  # of batches; each takes a minute or more, and torch gives up after eight per network

Stopped = Callable[[], bool]
OnStep = Callable[[int, int], None]  # denoising steps done, and of how many


def _never_stopped() -> bool:
    return False


def _ignore_step(done: int, total: int) -> None:
    return


@dataclass
class Model:
    """A pipeline on its device. Not thread-safe.

    Args:
        pipe: The diffusers pipeline.
        family: Its family.
        name: For the manifest.
        device: As torch names it.
        dtype: What the denoising network computes in.
        steps: Denoising steps at strength 1.
        guidance: Guidance scale; off up to 1.
        batch: Batch size; reduced if memory does not suffice.
        exact: The pipeline is given noise levels one by one, see `plan_sampling`.
        compiled: The networks are compiled. Batches are then filled up to `batch`, since every new shape would be
            compiled again; after the first few shapes, others run uncompiled.
        not_compiled: Why not, if it was asked for.
        placement: See `placement.choose_placement`.
        float32_vae: See `use_float32_vae`.
        in_place_of: The model whose place it takes, since that can no longer be had.
        backend: What computes the networks, if it is not torch.
        not_converted: Why torch does, if something else was asked for.
    """

    pipe: Any
    family: Family
    name: str
    device: str
    dtype: torch.dtype
    steps: int
    guidance: float
    batch: int
    exact: bool = False
    compiled: bool = False
    not_compiled: str = ""
    placement: str = "whole"
    float32_vae: bool = False
    in_place_of: str = ""
    backend: OpenVinoNetworks | None = None
    not_converted: str = ""
    _shapes: set[tuple[int, ...]] = field(default_factory=set, repr=False)  # compiled (batch, height, width)

    @property
    def area_px(self) -> int:
        """The area that the network was trained at, in pixels."""
        network = getattr(self.pipe, "unet", None) or self.pipe.transformer
        # FLUX does not state its size; diffusers assumes 128 latents too.
        cells = getattr(network.config, "sample_size", None) or 128
        return int(cells * self.pipe.vae_scale_factor) ** 2

    @property
    def grid_px(self) -> int:
        """Sides are multiples of this: four latents, which all families can halve as often as they need."""
        return 4 * int(self.pipe.vae_scale_factor)

    @property
    def reads_negative_prompt(self) -> bool:
        """Whether a negative prompt has any effect."""
        return self.family.negative_prompt and self.guidance > 1

    @cached_property
    def _embeddings(self) -> TextEmbeddings:
        return TextEmbeddings(self.family.pipeline, self.guidance > 1)

    def sampling_plan(self, strength: float) -> SamplingPlan:
        """Plan the denoising steps for a strength."""
        return plan_sampling(strength, self.steps, self.family.rounds_up, self.exact)

    def paint(
        self, requests: Sequence[PaintRequest], stopped: Stopped = _never_stopped, on_step: OnStep = _ignore_step
    ) -> list[PaintResult]:
        """Paint all requests and wait for the results, in their order; see `submit`.

        Those that overflow in the VAE are painted once more with a float32 VAE.
        """
        results = self.submit(requests, stopped, on_step).wait()
        overflowed = [row for row, result in enumerate(results) if result.overflowed]
        if overflowed and self.use_float32_vae():
            repainted = self.submit([requests[row] for row in overflowed], stopped, on_step).wait()
            for row, result in zip(overflowed, repainted, strict=True):
                results[row] = result
        return results

    def use_float32_vae(self) -> bool:
        """Let the VAE compute in float32 from now on: a model that overflowed once will do so again.

        Returns:
            False if that is not possible.
        """
        if self.placement == "layers":  # its weights are elsewhere
            return False
        if any(weight.dtype != torch.float32 for weight in self.pipe.vae.parameters()):
            self._free_memory()
            try:
                self.pipe.vae.float()
            except torch.OutOfMemoryError:  # some of it was converted already
                self.pipe.vae.half()
                return False
            if self.compiled:  # the float16 code is no longer used, but counts among the compiled shapes
                torch.compiler.reset()
                self._shapes.clear()
        self.float32_vae = True
        return True

    def submit(
        self, requests: Sequence[PaintRequest], stopped: Stopped = _never_stopped, on_step: OnStep = _ignore_step
    ) -> PendingBatch:
        """Submit requests to the device without waiting for the results. Out of memory halves the batch and continues.

        Args:
            requests: All of one size and one strength.
            stopped: Polled after every denoising step.
            on_step: Called after every denoising step.

        Raises:
            ModelError: Even a batch of one does not fit into memory.
            StoppedError: `stopped()` was true.
        """
        dtype = str(self.dtype).removeprefix("torch.")
        overflow = f"{self.name} overflowed in {dtype}; set AUGMENTAI_DIFFUSION_DTYPE=bfloat16 or float32"
        if self.float32_vae:
            self.use_float32_vae()
        pending = PendingBatch(overflow, self.device, self.pipe.vae.dtype)
        position = 0
        while position < len(requests):
            chunk = requests[position : position + self.batch]
            try:
                self._submit_chunk(pending, chunk, stopped, on_step)
                position += len(chunk)
                continue
            except torch.OutOfMemoryError:
                pass  # the exception keeps the frames that hold the memory alive: leave its scope before freeing
            self._free_memory()
            size = self.batch if self.compiled else len(chunk)
            if size == 1:
                raise ModelError(
                    f"the GPU has too little memory for {self.name} even with a batch size of 1; "
                    "close other programs that use it or set a smaller AUGMENTAI_DIFFUSION_MODEL"
                )
            self.batch = size // 2
        return pending

    def needs_compiling(self, requests: Sequence[PaintRequest]) -> bool:
        """Is the shape of these requests new to a compiled model, so that compiling takes a minute or more first?"""
        return self._runs_compiled(requests) and self._shape(requests) not in self._shapes

    def _shape(self, requests: Sequence[PaintRequest]) -> tuple[int, ...]:
        return (self.batch, *requests[0].pixels.shape[:2])

    def _runs_compiled(self, requests: Sequence[PaintRequest]) -> bool:
        has_room = len(self._shapes) < _MAX_COMPILED_SHAPES
        return self.compiled and (has_room or self._shape(requests) in self._shapes)

    def _submit_chunk(
        self, pending: PendingBatch, requests: Sequence[PaintRequest], stopped: Stopped, on_step: OnStep
    ) -> None:
        count = len(requests)
        stance: AbstractContextManager[Any] = nullcontext()
        if self._runs_compiled(requests):
            self._shapes.add(self._shape(requests))
            requests = [*requests, *[requests[-1]] * (self.batch - count)]
        elif self.compiled:
            stance = torch.compiler.set_stance("force_eager")
        with torch.inference_mode(), stance:
            encoded = self.encode([(request.source, request.pixels) for request in requests])  # (B, C, h, w)
            latents, steps = self._denoise(encoded, requests, stopped, on_step)
            pending.add(count, steps, self.decode(latents, _finite(encoded)))

    def encode(self, images: Sequence[tuple[str, Pixels]]) -> Tensor:
        """Encode images to latents, scaled as the network expects; an image that occurs twice is encoded once.

        The mode of the VAE's distribution is used: its spread is far below one level of 8 bits, and sampling from it
        would cost an encode for every variation.

        Args:
            images: Pairs of (source, pixels), all of one size.

        Shape:
            pixels: uint8 (H, W, 3); output: (B, C, h, w).
        """
        unique = dict(images)
        stack = np.stack([*unique.values()])  # (U, H, W, 3)
        if self.compiled and 1 < len(stack) < self.batch == len(images):
            stack = np.concatenate([stack, np.repeat(stack[-1:], self.batch - len(stack), 0)])
        vae = self.pipe.vae
        pixels = self._to_device(torch.from_numpy(stack)).permute(0, 3, 1, 2)  # (U, 3, H, W), channels last
        encoded = vae.encode(pixels.to(vae.dtype) / 127.5 - 1)
        latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents  # (U, C, h, w)
        shift, scale = self._latent_range(latents)
        latents = ((latents - shift) * scale).to(self.dtype)
        rows = {source: row for row, source in enumerate(unique)}
        return latents[self._to_device(torch.tensor([rows[source] for source, _ in images]))]

    def decode(self, latents: Tensor, encoded_finite: Tensor) -> Decoded:
        """Decode latents to images.

        Args:
            latents: From the denoising.
            encoded_finite: Whose latents were finite before the denoising.

        Shape:
            latents: (B, C, h, w); encoded_finite: bool (B,).
        """
        vae = self.pipe.vae
        shift, scale = self._latent_range(latents)
        images = vae.decode((latents / scale + shift).to(vae.dtype), return_dict=False)[0]  # (B, 3, H, W), -1 to 1
        finite = _finite(images)
        vae_overflowed = ~encoded_finite | (_finite(latents) & ~finite)
        flagged = [False] * len(images)
        if getattr(self.pipe, "safety_checker", None) is not None:
            flagged = [bool(flag) for flag in self.pipe.run_safety_checker(images.clone(), self.device, self.dtype)[1]]
        eight_bit = ((images.float().nan_to_num() + 1) * 127.5).round_().clamp_(0, 255).to(torch.uint8)
        return Decoded(eight_bit.permute(0, 2, 3, 1).contiguous(), finite, vae_overflowed, flagged)

    def _to_device(self, tensor: Tensor) -> Tensor:
        """Copy to the device. From pinned memory this does not wait for work that is queued before it."""
        if not self.device.startswith("cuda"):
            return tensor.to(self.device)
        return tensor.pin_memory().to(self.device, non_blocking=True)

    def _latent_range(self, like: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """The VAE's shift and scale: the network sees (latents - shift) * scale."""
        config = self.pipe.vae.config
        mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if mean is not None and std is not None:
            mean, std = (torch.tensor(v, device=like.device, dtype=like.dtype).view(1, -1, 1, 1) for v in (mean, std))
            return mean, config.scaling_factor / std
        return getattr(config, "shift_factor", None) or 0.0, config.scaling_factor

    def _denoise(
        self, latents: Tensor, requests: Sequence[PaintRequest], stopped: Stopped, on_step: OnStep
    ) -> tuple[Tensor, int]:
        """Add noise and remove it again: (B, C, h, w) -> (B, C, h, w), and the steps that were run."""
        planned = self.sampling_plan(requests[0].strength)
        kept = kept_part(self.pipe, latents, requests)
        steps_run = 0

        def after_step(pipe: Any, step: int, timestep: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            nonlocal steps_run
            steps_run += 1
            if stopped():
                raise StoppedError
            on_step(steps_run, planned.effective)
            return tensors if kept is None else {**tensors, "latents": kept.put_into(tensors["latents"], step)}

        height, width = requests[0].pixels.shape[:2]
        prompts = [(one.prompt, one.negative_prompt if self.reads_negative_prompt else "") for one in requests]
        arguments: dict[str, Any] = self._embeddings.batch(self.pipe, self.device, prompts)
        if planned.timesteps is not None:
            arguments["timesteps"] = list(planned.timesteps)
        else:
            arguments["num_inference_steps"] = planned.steps
        if not hasattr(self.pipe, "unet"):
            arguments |= {"height": height, "width": width}
        out = self.pipe(
            image=latents,
            strength=planned.strength,
            guidance_scale=self.guidance,
            # A list: schedulers that add noise in the loop draw it for each image from its own generator.
            generator=[torch.Generator("cpu").manual_seed(request.seed) for request in requests],
            callback_on_step_end=after_step,
            output_type="latent",
            return_dict=False,
            **arguments,
        )[0]
        if self.family.pipeline.startswith("Flux"):
            out = self.pipe._unpack_latents(out, height, width, self.pipe.vae_scale_factor)
        return out, steps_run

    def _free_memory(self) -> None:
        gc.collect()
        free_memory(self.device)


def _finite(batch: Tensor) -> Tensor:
    """Are all values of an element finite? (B, ...) -> bool (B,)."""
    return torch.isfinite(batch).flatten(1).all(1)
