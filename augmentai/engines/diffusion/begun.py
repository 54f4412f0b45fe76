"""Work that is handed to the device and may still be going on there."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from augmentai.engines.diffusion.shots import Painted


class Begun:
    """A batch whose work is handed to the device, which may still be busy with it. `finish` waits for the results.

    overflow: what to say of pictures that are not finite. device: where the work is done. narrow: the VAE's numbers are
    of 16 bits and a small range.
    """

    def __init__(self, overflow: str, device: str, narrow: bool = False) -> None:
        self._overflow, self._narrow = overflow, narrow
        self._parts: list[tuple[int, int, Tensor, Tensor, Sequence[bool]]] = []
        self._clock = _GpuClock(device) if device.startswith("cuda") else _CpuClock()

    def add(self, wanted: int, steps: int, pixels: Tensor, finite: Tensor, held: Sequence[bool]) -> None:
        """One part of the batch: pictures (B, H, W, 3) uint8, which of them are finite, which are held back (both B).

        wanted: how many of them, from the first. steps: denoising steps. The copies to main memory are queued behind
        the work, so that the GPU goes on meanwhile.
        """
        self._parts.append((wanted, steps, _queued_to_cpu(pixels), _queued_to_cpu(finite), held))
        self._clock.stop()

    def finish(self) -> list[Painted]:
        """All shots in their order. Waits for the device."""
        seconds = self._clock.seconds() / max(1, sum(wanted for wanted, *_ in self._parts))
        painted = []
        for wanted, steps, pixels, finite, held in self._parts:
            for row in range(wanted):
                overflowed = not finite[row]
                reason = self._overflow if overflowed else ""
                if held[row] and not reason:
                    reason = "the model's own safety checker held the picture back"
                kept = None if reason else pixels[row].numpy()
                painted.append(Painted(kept, reason, wanted, steps, seconds, overflowed and self._narrow))
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
