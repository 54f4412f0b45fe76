"""One loaded pipeline: photographs to latents, noise, denoising, and back to pixels, a batch at a time."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augmentai.engines.diffusion.families import Family, Plan, plan
from augmentai.engines.diffusion.paint_request import ModelError, Painted, Pixels, Shot, StoppedError
from augmentai.engines.diffusion.pending_batch import Begun, Decoded

_PROMPTS_KEPT = 256
_SHAPES_COMPILED = 4  # of batches; each takes a minute or more, and torch gives up altogether after eight of a network


@dataclass
class Model:
    """A pipeline on its device. Not for two threads at once.

    name: for the manifest. batch: the largest that memory allowed so far. exact: the pipeline is told noise levels one
    by one. compiled: batches are filled up to `batch`, since every new shape would be compiled again; after the first
    few shapes the others run as they are. not_compiled: why not, where it was asked for. placement: "whole" on the
    device, or "parts" or "layers" that are moved in when they are used. wide_vae: see `widen`.
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
    wide_vae: bool = False
    _prompts: OrderedDict[tuple[str, str], dict[str, Tensor]] = field(default_factory=OrderedDict, repr=False)
    _shapes: set[tuple[int, ...]] = field(default_factory=set, repr=False)  # batch, height, width that were compiled

    @property
    def area_px(self) -> int:
        """The area that the network was trained at, in pixels."""
        network = getattr(self.pipe, "unet", None) or self.pipe.transformer
        # FLUX says nothing of its size; diffusers takes 128 latents for it too.
        cells = getattr(network.config, "sample_size", None) or 128
        return int(cells * self.pipe.vae_scale_factor) ** 2

    @property
    def grid_px(self) -> int:
        """Sides are multiples of this: four latents, which all the families can halve as often as they do."""
        return 4 * int(self.pipe.vae_scale_factor)

    @property
    def reads_negative_prompt(self) -> bool:
        return self.family.negative and self.guidance > 1

    def plan(self, strength: float) -> Plan:
        return plan(strength, self.steps, self.family.rounds_up, self.exact)

    def paint(
        self,
        shots: Sequence[Shot],
        stopped: Callable[[], bool] = lambda: False,
        on_step: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[Painted]:
        """All shots, which share one size and one strength, in their order; see `begin`.

        Those that overflow in the VAE are painted once more with a wide one.
        """
        painted = self.begin(shots, stopped, on_step).finish()
        lost = [row for row, one in enumerate(painted) if one.overflowed]
        if lost and self.widen():
            made = self.begin([shots[row] for row in lost], stopped, on_step).finish()
            for row, one in zip(lost, made, strict=True):
                painted[row] = one
        return painted

    def widen(self) -> bool:
        """Let the VAE compute in 32 bits from now on: a model that overflowed once will do so again.

        False where that cannot be.
        """
        if self.placement == "layers":  # whose weights lie elsewhere
            return False
        if any(weight.dtype != torch.float32 for weight in self.pipe.vae.parameters()):
            self._free()
            try:
                self.pipe.vae.float()
            except torch.OutOfMemoryError:  # some of it was widened already
                self.pipe.vae.half()
                return False
            if self.compiled:  # the code of the narrow one is of no more use, but counts among the shapes
                torch.compiler.reset()
                self._shapes.clear()
        self.wide_vae = True
        return True

    def begin(
        self,
        shots: Sequence[Shot],
        stopped: Callable[[], bool] = lambda: False,
        on_step: Callable[[int, int], None] = lambda done, total: None,
    ) -> Begun:
        """Hand all shots, which share one size and one strength, to the GPU without waiting for the last of its work.

        Out of memory halves the batch and goes on. on_step: told how many of the denoising steps are done, and of how
        many. Raises ModelError where even a batch of one is too large, and StoppedError as soon as `stopped()` is true.
        """
        numbers = str(self.dtype).removeprefix("torch.")
        overflow = f"{self.name} overflowed in {numbers}; set AUGMENTAI_DIFFUSION_DTYPE=bfloat16 or float32"
        if self.wide_vae:
            self.widen()
        begun = Begun(overflow, self.device, self.pipe.vae.dtype)
        at = 0
        while at < len(shots):
            chunk = shots[at : at + self.batch]
            try:
                self._begin(begun, chunk, stopped, on_step)
                at += len(chunk)
                continue
            except torch.OutOfMemoryError:
                pass  # the exception holds the frames that hold the memory, so it must be gone before it is freed
            self._free()
            size = self.batch if self.compiled else len(chunk)
            if size == 1:
                raise ModelError(
                    f"the GPU has too little memory for {self.name} even at one picture at a time; "
                    "close other programs on it or set a smaller AUGMENTAI_DIFFUSION_MODEL"
                )
            self.batch = size // 2
        return begun

    def compiles(self, shots: Sequence[Shot]) -> bool:
        """Will these shots be of a shape that is new to a compiled model, so that a minute or more is spent first?"""
        return self._runs_compiled(shots) and self._shape(shots) not in self._shapes

    def _shape(self, shots: Sequence[Shot]) -> tuple[int, ...]:
        return (self.batch, *shots[0].pixels.shape[:2])

    def _runs_compiled(self, shots: Sequence[Shot]) -> bool:
        return self.compiled and (len(self._shapes) < _SHAPES_COMPILED or self._shape(shots) in self._shapes)

    def _begin(
        self, begun: Begun, shots: Sequence[Shot], stopped: Callable[[], bool], on_step: Callable[[int, int], None]
    ) -> None:
        wanted = len(shots)
        stance: AbstractContextManager[Any] = nullcontext()
        if self._runs_compiled(shots):
            self._shapes.add(self._shape(shots))
            shots = [*shots, *[shots[-1]] * (self.batch - wanted)]
        elif self.compiled:
            stance = torch.compiler.set_stance("force_eager")
        with torch.inference_mode(), stance:
            encoded = self.encode([(shot.source, shot.pixels) for shot in shots])  # (B, C, h, w)
            latents, steps = self._denoise(encoded, shots, stopped, on_step)
            begun.add(wanted, steps, self.decode(latents, _finite(encoded)))

    def encode(self, pictures: Sequence[tuple[str, Pixels]]) -> Tensor:
        """(B, C, h, w) latents, scaled as the network wants them. A picture that comes twice is encoded once.

        The middle of the VAE's distribution is taken: its spread is far below one step of 8 bits, and drawing from it
        would cost an encode for every variation.
        """
        unique = dict(pictures)
        stack = np.stack([*unique.values()])
        if self.compiled and 1 < len(stack) < self.batch == len(pictures):
            stack = np.concatenate([stack, np.repeat(stack[-1:], self.batch - len(stack), 0)])
        vae = self.pipe.vae
        pixels = self._sent(torch.from_numpy(stack)).permute(0, 3, 1, 2)  # (B, 3, H, W), channels last
        encoded = vae.encode(pixels.to(vae.dtype) / 127.5 - 1)
        latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents
        shift, scale = self._latent_range(latents)
        latents = ((latents - shift) * scale).to(self.dtype)
        rows = {source: row for row, source in enumerate(unique)}
        return latents[self._sent(torch.tensor([rows[source] for source, _ in pictures]))]

    def decode(self, latents: Tensor, encoded_well: Tensor) -> Decoded:
        """Latents (B, C, h, w) to pictures. encoded_well: (B,), whose latents were finite before the denoising."""
        vae = self.pipe.vae
        shift, scale = self._latent_range(latents)
        images = vae.decode((latents / scale + shift).to(vae.dtype), return_dict=False)[0]  # (B, 3, H, W), -1 to 1
        finite = _finite(images)
        vae_lost = ~encoded_well | (_finite(latents) & ~finite)
        held = [False] * len(images)
        if getattr(self.pipe, "safety_checker", None) is not None:
            held = [bool(flag) for flag in self.pipe.run_safety_checker(images.clone(), self.device, self.dtype)[1]]
        eight_bit = ((images.float().nan_to_num() + 1) * 127.5).round_().clamp_(0, 255).to(torch.uint8)
        return Decoded(eight_bit.permute(0, 2, 3, 1).contiguous(), finite, vae_lost, held)

    def _sent(self, tensor: Tensor) -> Tensor:
        """On the device. From pinned memory nobody waits for the work that is queued before it."""
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
        self, latents: Tensor, shots: Sequence[Shot], stopped: Callable[[], bool], on_step: Callable[[int, int], None]
    ) -> tuple[Tensor, int]:
        planned = self.plan(shots[0].strength)
        steps_run = 0

        def after_step(pipe: Any, step: int, timestep: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            nonlocal steps_run
            steps_run += 1
            if stopped():
                raise StoppedError
            on_step(steps_run, planned.effective)
            return tensors

        height, width = shots[0].pixels.shape[:2]
        request: dict[str, Any] = self._embedded(shots)
        if planned.timesteps is not None:
            request["timesteps"] = list(planned.timesteps)
        else:
            request["num_inference_steps"] = planned.steps
        if not hasattr(self.pipe, "unet"):
            request |= {"height": height, "width": width}
        out = self.pipe(
            image=latents,
            strength=planned.strength,
            guidance_scale=self.guidance,
            # A list: schedulers that add noise in the loop draw it for each picture from its own generator.
            generator=[torch.Generator("cpu").manual_seed(shot.seed) for shot in shots],
            callback_on_step_end=after_step,
            output_type="latent",
            return_dict=False,
            **request,
        )[0]
        if self.family.pipeline.startswith("Flux"):
            out = self.pipe._unpack_latents(out, height, width, self.pipe.vae_scale_factor)
        return out, steps_run

    def _embedded(self, shots: Sequence[Shot]) -> dict[str, Tensor]:
        """What the text encoders make of the prompts, joined over the batch. Each prompt is encoded once, by itself."""
        each = [self._prompt(shot.prompt, shot.negative_prompt if self.reads_negative_prompt else "") for shot in shots]
        return {name: torch.cat([one[name] for one in each]) for name in each[0]}

    def _prompt(self, prompt: str, negative: str) -> dict[str, Tensor]:
        key = (prompt, negative)
        if key not in self._prompts:
            self._prompts[key] = self._encode_prompt(prompt, negative)
            while len(self._prompts) > _PROMPTS_KEPT:
                self._prompts.popitem(last=False)
        self._prompts.move_to_end(key)
        return self._prompts[key]

    def _encode_prompt(self, prompt: str, negative: str) -> dict[str, Tensor]:
        pipe, guided = self.pipe, self.guidance > 1
        common: dict[str, Any] = {"prompt": prompt, "device": self.device, "num_images_per_prompt": 1}
        names = ["prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds"]
        if self.family.pipeline.startswith("Flux"):
            values = pipe.encode_prompt(prompt_2=None, **common)
            names = ["prompt_embeds", "pooled_prompt_embeds"]
        else:
            common |= {"do_classifier_free_guidance": guided, "negative_prompt": negative or None}
            if self.family.pipeline.startswith("StableDiffusionXL"):
                common["prompt_2"] = None
            elif self.family.pipeline.startswith("StableDiffusion3"):
                common |= {"prompt_2": None, "prompt_3": None}
            values = pipe.encode_prompt(**common)
        return {name: value for name, value in zip(names, values, strict=False) if value is not None}

    def _free(self) -> None:
        gc.collect()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()


def _finite(batch: Tensor) -> Tensor:
    """(B, ...) to (B,): is every number of it one?"""
    return torch.isfinite(batch).flatten(1).all(1)
