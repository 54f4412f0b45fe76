"""The shifted test set: the same images as another camera on another day would have recorded them.

There are six kinds of shift, applied in turn, each at a random strength. The kinds are common ones of robustness
benchmarks; the ranges are our own choice, made by eye at 64 px: plainly visible and still easy for a person.
"""

from __future__ import annotations

import torch
from torch import Tensor

KINDS = ("colour cast", "exposure", "contrast", "haze", "blur", "noise")


def shifted(images: Tensor, seed: int) -> Tensor:
    """Apply one shift to each image; the same seed gives the same shifts.

    Shape:
        images, output: uint8 (N, 3, H, W)

    Example:
        >>> images = torch.full((6, 3, 8, 8), 128, dtype=torch.uint8)
        >>> bool((shifted(images, seed=1) != images).any())
        True
    """
    rng = torch.Generator().manual_seed(seed)
    out = torch.empty_like(images)
    for index, image in enumerate(images):
        x = image.float() / 255
        out[index] = (shift(x, KINDS[index % len(KINDS)], rng).clamp(0, 1) * 255).round().byte()
    return out


def shift(x: Tensor, kind: str, rng: torch.Generator) -> Tensor:
    """Apply one kind of shift to one image, without clamping.

    Args:
        x: The image, in 0..1.
        kind: One of `KINDS`.
        rng: Draws the strength.

    Shape:
        x, output: float (3, H, W)
    """

    def drawn(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=rng))

    if kind == "colour cast":  # gains on linear light, mean brightness kept
        gains = torch.tensor([2 ** drawn(-0.7, 0.7) for _ in range(3)])
        return (x.clamp(1e-4, 1) ** 2.2 * (gains / gains.mean())[:, None, None]).clamp(0, 1) ** (1 / 2.2)
    if kind == "exposure":  # stops, up or down
        stops = drawn(0.7, 1.6) * (1 if drawn(0, 1) < 0.5 else -1)
        return (x.clamp(1e-4, 1) ** 2.2 * 2**stops).clamp(0, 1) ** (1 / 2.2)
    if kind == "contrast":
        middle = x.mean()
        return middle + (x - middle) * drawn(0.35, 0.7)
    if kind == "haze":
        air = drawn(0.25, 0.55)
        return x * (1 - air) + air * drawn(0.7, 0.95)
    if kind == "blur":
        from kornia.filters import gaussian_blur2d

        sigma = drawn(0.7, 1.5)
        return gaussian_blur2d(x[None], (9, 9), (sigma, sigma))[0]
    return x + torch.randn(x.shape, generator=rng) * drawn(0.05, 0.12)
