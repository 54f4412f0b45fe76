"""A batch that was submitted to the device, which may still be working on it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from augmentai.engines.diffusion.paint_request import PaintResult


@dataclass(frozen=True)
class Decoded:
    """Decoded images on the device, with one flag per image.

    Args:
        pixels: The images.
        finite: All values are finite.
        vae_overflowed: Some values are not finite, and the first of those came from the VAE.
        flagged: The model's safety checker withholds the image.

    Shape:
        pixels: uint8 (B, H, W, 3); the others: (B,).
    """

    pixels: Tensor
    finite: Tensor
    vae_overflowed: Tensor
    flagged: Sequence[bool]


class PendingBatch:
    """Results of a batch that the device may still be computing; `wait` returns them.

    Args:
        overflow_reason: The reason given for images with values that are not finite.
        device: Where the work is done.
        vae_dtype: What the VAE computes in.
    """

    def __init__(self, overflow_reason: str, device: str, vae_dtype: torch.dtype) -> None:
        self._overflow_reason, self._vae_dtype = overflow_reason, vae_dtype
        self._parts: list[tuple[int, int, Decoded]] = []
        self._clock = _GpuClock(device) if device.startswith("cuda") else _CpuClock()

    def add(self, count: int, steps: int, decoded: Decoded) -> None:
        """Add one part of the batch; copies to main memory are queued behind its work, so that the GPU never waits.

        Args:
            count: How many of its images were asked for; any after them only fill the batch.
            steps: Denoising steps that were run.
            decoded: Its images.
        """
        pixels, finite, overflowed = (
            _queue_copy_to_cpu(tensor) for tensor in (decoded.pixels, decoded.finite, decoded.vae_overflowed)
        )
        self._parts.append((count, steps, Decoded(pixels, finite, overflowed, decoded.flagged)))
        self._clock.stop()

    def wait(self) -> list[PaintResult]:
        """Wait for the device and return all results, in the order of the requests."""
        seconds = self._clock.seconds() / max(1, sum(count for count, *_ in self._parts))
        vae_dtype = str(self._vae_dtype).removeprefix("torch.")
        results = []
        for count, steps, decoded in self._parts:
            for row in range(count):
                reason = "" if decoded.finite[row] else self._overflow_reason
                if decoded.flagged[row] and not reason:
                    reason = "the model's own safety checker flagged the image"
                overflowed = bool(decoded.vae_overflowed[row]) and self._vae_dtype == torch.float16
                pixels = None if reason else decoded.pixels[row].numpy()
                results.append(PaintResult(pixels, reason, count, steps, seconds, vae_dtype, overflowed))
        return results


class _CpuClock:
    def __init__(self) -> None:
        self._started = self._stopped = time.perf_counter()

    def stop(self) -> None:
        self._stopped = time.perf_counter()

    def seconds(self) -> float:
        return self._stopped - self._started


class _GpuClock:
    """Time on the GPU itself, from when it reaches this work: work queued before it is not counted."""

    def __init__(self, device: str) -> None:
        self._stream = torch.cuda.current_stream(device)
        self._started, self._stopped = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self._started.record(self._stream)

    def stop(self) -> None:
        self._stopped.record(self._stream)

    def seconds(self) -> float:
        """Wait until the GPU has passed the last stop."""
        self._stopped.synchronize()
        return self._started.elapsed_time(self._stopped) / 1000


def _queue_copy_to_cpu(tensor: Tensor) -> Tensor:
    """A copy in main memory, complete once the GPU has reached it. Only pinned memory can be written asynchronously."""
    if not tensor.is_cuda:
        return tensor
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)
