"""Work that is handed to the device and may still be going on there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from augmentai.engines.diffusion.paint_request import Painted


@dataclass(frozen=True)
class Decoded:
    """Pictures on the device. pixels: (B, H, W, 3) uint8. All else is one flag for each.

    finite: no number was lost. vae_lost: numbers were lost, and first in the VAE. held: the model's safety checker
    holds the picture back.
    """

    pixels: Tensor
    finite: Tensor
    vae_lost: Tensor
    held: Sequence[bool]


class Begun:
    """A batch whose work is handed to the device, which may still be busy with it. `finish` waits for the results.

    overflow: what to say of pictures that are not finite. device: where the work is done. vae_dtype: what its VAE
    computes in.
    """

    def __init__(self, overflow: str, device: str, vae_dtype: torch.dtype) -> None:
        self._overflow, self._vae_dtype = overflow, vae_dtype
        self._parts: list[tuple[int, int, Decoded]] = []
        self._clock = _GpuClock(device) if device.startswith("cuda") else _CpuClock()

    def add(self, wanted: int, steps: int, decoded: Decoded) -> None:
        """One part of the batch. wanted: how many of its pictures, from the first. steps: denoising steps.

        The copies to main memory are queued behind the work, so that the GPU goes on meanwhile.
        """
        pixels, finite, lost = (_queued_to_cpu(tensor) for tensor in (decoded.pixels, decoded.finite, decoded.vae_lost))
        self._parts.append((wanted, steps, Decoded(pixels, finite, lost, decoded.held)))
        self._clock.stop()

    def finish(self) -> list[Painted]:
        """All shots in their order. Waits for the device."""
        seconds = self._clock.seconds() / max(1, sum(wanted for wanted, *_ in self._parts))
        vae_dtype = str(self._vae_dtype).removeprefix("torch.")
        painted = []
        for wanted, steps, decoded in self._parts:
            for row in range(wanted):
                reason = "" if decoded.finite[row] else self._overflow
                if decoded.held[row] and not reason:
                    reason = "the model's own safety checker held the picture back"
                overflowed = bool(decoded.vae_lost[row]) and self._vae_dtype == torch.float16
                pixels = None if reason else decoded.pixels[row].numpy()
                painted.append(Painted(pixels, reason, wanted, steps, seconds, vae_dtype, overflowed))
        return painted


class _CpuClock:
    def __init__(self) -> None:
        self._begun = self._ended = time.perf_counter()

    def stop(self) -> None:
        self._ended = time.perf_counter()

    def seconds(self) -> float:
        return self._ended - self._begun


class _GpuClock:
    """Time on the GPU itself, from when it has come to this work: what is queued before it is not counted."""

    def __init__(self, device: str) -> None:
        self._stream = torch.cuda.current_stream(device)
        self._begun, self._ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self._begun.record(self._stream)

    def stop(self) -> None:
        self._ended.record(self._stream)

    def seconds(self) -> float:
        """Waits until the GPU has passed the last stop."""
        self._ended.synchronize()
        return self._begun.elapsed_time(self._ended) / 1000


def _queued_to_cpu(tensor: Tensor) -> Tensor:
    """A copy in main memory that is there as soon as the GPU has come to it: only pinned memory is written that way."""
    if not tensor.is_cuda:
        return tensor
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)
