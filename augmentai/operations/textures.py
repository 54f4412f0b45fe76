"""Random textures, each from a seed alone: clouds, and particles in the air at several distances.

They are made at a limited size and enlarged, so that they take as long for an image of any size and look the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Plane = np.ndarray[Any, Any]

MOST_PX = 640  # long side at which particles are drawn
_SHIFT = 3  # OpenCV's fixed point: eighths of a pixel
_MOST_ELONGATED = 4
_SHADES = 4  # of the particles of one layer
SMOOTH_PX = 96  # long side at which what is smooth is computed


def uniform(seed: int, *shape: int) -> Plane:
    """Random numbers from 0 to 1, the same for a seed in every version of NumPy.

    Example:
        >>> bool((uniform(7, 100) < 1).all()), uniform(7, 2, 3).shape
        (True, (2, 3))
    """
    raw = np.random.PCG64(seed).random_raw(int(np.prod(shape)))
    return np.asarray((raw >> np.uint64(11)) * 2.0**-53).reshape(shape)


def random_bytes(seed: int, *shape: int) -> Plane:
    """Random values of 8 bits, the same for a seed in every version of NumPy.

    Example:
        >>> random_bytes(7, 2, 3).shape, random_bytes(7, 2, 3).dtype.name
        ((2, 3), 'uint8')
    """
    count = int(np.prod(shape))
    raw = np.random.PCG64(seed).random_raw(-(-count // 8))
    return np.asarray(raw.astype("<u8", copy=False).view(np.uint8)[:count]).reshape(shape)


def small_size(size_wh: tuple[int, int], most_px: int = MOST_PX) -> tuple[int, int]:
    """A size of the same proportions whose long side is at most `most_px`.

    Example:
        >>> small_size((4000, 3000)), small_size((30, 20))
        ((640, 480), (30, 20))
    """
    scale = min(1.0, most_px / max(size_wh))
    return max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))


def enlarged(plane: Plane, size_wh: tuple[int, int]) -> Plane:
    """A plane at another size, smoothly.

    Shape:
        plane: (height, width) of float32, as is the result.
    """
    import cv2

    if plane.shape == size_wh[::-1]:
        return plane
    return np.asarray(cv2.resize(plane, size_wh, interpolation=cv2.INTER_LINEAR))


def softened(plane: Plane, radius_px: float) -> Plane:
    """A plane blurred by about this radius, much faster than by a Gaussian: by two boxes.

    Shape:
        plane: (height, width) of uint8 or float32, as is the result.
    """
    import cv2

    side = 2 * round(radius_px) + 1
    for _ in range(2 if side > 1 else 0):
        plane = np.asarray(cv2.blur(plane, (side, side)))
    return plane


def clouds(seed: int, size_wh: tuple[int, int], cells: float, octaves: int = 3) -> Plane:
    """A smooth random field, as of mist: several fields of finer and finer grain.

    Args:
        seed: of its random numbers.
        size_wh: width and height in pixels.
        cells: of the coarsest grain along the long side.
        octaves: how many fields; each has half the grain of the one before, and half its weight.

    Returns:
        0 to 1, about 0.5 on average.

    Shape:
        output: (height, width) of float32.

    Example:
        >>> field = clouds(7, (64, 48), cells=3)
        >>> field.shape, bool(field.min() >= 0), bool(field.max() <= 1)
        ((48, 64), True, True)
    """
    import cv2

    made, weight, total = np.zeros(size_wh[::-1], np.float32), 1.0, 0.0
    for octave in range(octaves):
        grain = cells * 2**octave / max(size_wh)
        grid = [max(2, round(side * grain) + 1) for side in size_wh]
        numbers = uniform(seed + octave, grid[1], grid[0]).astype(np.float32)
        made += np.float32(weight) * cv2.resize(numbers, size_wh, interpolation=cv2.INTER_CUBIC)
        total, weight = total + weight, weight / 2
    return (made / np.float32(total)).clip(0, 1)


@dataclass(frozen=True)
class Particles:
    """Drops or flakes at about one distance. Lengths are shares of the image's shorter side.

    Attributes:
        count: in an area of the shorter side squared.
        length: of the streak that each leaves while the shutter is open, on average.
        thickness: of the thickest; there is no limit to how thin they are but a pixel.
        opacity: of the most visible ones, 0 to 1.
        blur: how far they are out of focus.
        flutter_deg: how far the direction of each may differ from that of all.
    """

    count: float
    length: float
    thickness: float
    opacity: float
    blur: float = 0.0
    flutter_deg: float = 0.0


def falling(layers: Sequence[Particles], seed: int, slant_deg: float, size_wh: tuple[int, int]) -> Plane:
    """How opaque particles in the air are, in layers from far to near.

    Args:
        layers: what falls.
        seed: of the places, lengths and shades.
        slant_deg: degrees from the vertical; above 0 they fall towards the left.
        size_wh: of the image; in a large one they are drawn smaller and enlarged.

    Shape:
        output: (height, width) of float32, 0 to 1.

    Example:
        >>> float(falling([Particles(50, 0.1, 0, 0.5)], 7, 0, (64, 48)).max()) < 0.51
        True
    """
    import cv2

    small = small_size(size_wh)
    most = np.zeros(small[::-1], np.uint8)
    for number, layer in enumerate(layers):
        canvas = np.zeros_like(most)
        _draw(canvas, layer, seed + 10 * (number + 1), slant_deg)
        most = cv2.max(most, softened(canvas, layer.blur * _unit(small)))
    return enlarged(most.astype(np.float32) * np.float32(1 / 255), size_wh)


def _unit(size: tuple[int, ...]) -> float:
    """The shorter side, but not that of a narrow strip, which would be full of tiny particles."""
    return max(min(size), max(size) / _MOST_ELONGATED)


def _draw(canvas: Plane, layer: Particles, seed: int, slant_deg: float) -> None:
    import cv2

    size, unit = np.array(canvas.shape[::-1]), _unit(canvas.shape)
    numbers = uniform(seed, max(1, round(layer.count * canvas.size / unit**2)), 4)
    slant = np.deg2rad(slant_deg + layer.flutter_deg * (2 * numbers[:, 3] - 1))
    reach = np.stack([-np.sin(slant), np.cos(slant)], 1) * layer.length * unit * (0.6 + 0.8 * numbers[:, 2:3])
    start = numbers[:, :2] * (size + np.abs(reach)) - np.maximum(reach, 0)
    ends = np.rint(np.stack([start, start + reach], 1) * (1 << _SHIFT)).astype(np.int32)
    for shade in range(_SHADES):  # lines of one shade are drawn at once
        share = (shade + 1) / _SHADES
        level, thickness = (
            round(255 * layer.opacity * (0.4 + 0.6 * share)),
            max(1, round(layer.thickness * unit * share)),
        )
        cv2.polylines(canvas, list(ends[shade::_SHADES]), False, level, thickness, cv2.LINE_AA, _SHIFT)
