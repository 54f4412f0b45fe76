"""Colour transforms as what is left to do per pixel, and the same on images as small as a thumbnail."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from augmentai.gan.layout import KNOTS, LUMA_WEIGHTS
from augmentai.gan.runtime.arrays import Array, bilinear_weights, blur, luma


def as_hinge_functions(change: Array, white: float = 255) -> Array:
    """Rewrite a change so that less remains to be done per pixel: (28, gh, gw) -> (25, gh, gw), for pixels in 0..white.

    A piecewise linear tone curve over six knots is its value at black, plus its first slope times luma (which is one
    more colour matrix), plus, at each inner knot, the change of slope times what luma exceeds that knot by. The image
    itself and its detail, gain times (x - blur x), are folded into the matrix as well. Order of the planes: for each of
    the source's red, green and blue and of the four inner knots its effect on the three channels; 3 at black; the gain.
    """
    grid = change.shape[1:]
    matrix, tone, gain = change[:9].reshape(3, 3, *grid), change[9:-1].reshape(3, KNOTS, *grid), change[-1:]
    slopes = np.diff(tone, axis=1) * np.float32(KNOTS - 1)  # per unit of luma over the full scale
    weights = np.array(LUMA_WEIGHTS, np.float32).reshape(1, 3, 1, 1)
    eye = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
    matrix = matrix + slopes[:, :1] * weights + eye * (1 + gain)
    by_source = np.concatenate([matrix, np.diff(slopes, axis=1)], 1).swapaxes(0, 1)  # (7, 3, gh, gw)
    return np.concatenate([by_source.reshape(21, *grid), tone[:, 0] * np.float32(white), gain])


def apply_change(x: Array, change: Array) -> Array:
    """Apply a change to a small image, without clamping or rounding: `gan.network.apply_change` without torch.

    Shape:
        x, output: float32 (3, h, w) in 0..1; change: (28, gh, gw)

    Example:
        >>> x = np.linspace(0, 1, 3 * 32 * 32, dtype=np.float32).reshape(3, 32, 32)
        >>> bool(np.allclose(apply_change(x, np.zeros((28, 2, 2), np.float32)), x, atol=1e-6))
        True
    """
    return apply_to_parts(parts_of(x), blur(x), change)


def apply_to_parts(parts: Array, blurred: Array, change: Array) -> Array:
    """The same, for an image that more than one change is applied to.

    Shape:
        parts: float32 (7, 1, h, w), from `parts_of`; blurred, output: (3, h, w); change: (28, gh, gw)
    """
    hinges = as_hinge_functions(change, white=1)
    down, across = enlarging(change.shape[1:], blurred.shape[1:])
    planes = np.matmul(down, np.matmul(hinges, across))  # (25, h, w)
    total = planes[21:24]
    for row, part in enumerate(parts):
        total += planes[3 * row : 3 * row + 3] * part[0]
    total -= planes[24] * blurred
    return np.asarray(total)


def parts_of(x: Array) -> Array:
    """What the planes of hinge functions are multiplied by: the channels, and what luma exceeds each inner knot by.

    Shape:
        x: float32 (3, h, w) in 0..1; output: (7, 1, h, w)
    """
    light = luma(x)
    beyond = [np.maximum(light - np.float32(knot / (KNOTS - 1)), 0) for knot in range(1, KNOTS - 1)]
    return np.stack([*x, *beyond])[:, None]


@lru_cache(maxsize=16)
def enlarging(grid: tuple[int, ...], size: tuple[int, ...]) -> tuple[Array, Array]:
    """The matrices that enlarge a grid to a size, bilinearly: down @ grid @ across; (h, gh) and (gw, w)."""
    down, across = (bilinear_weights(*pair) for pair in zip(grid, size, strict=True))
    return down, np.ascontiguousarray(across.T)
