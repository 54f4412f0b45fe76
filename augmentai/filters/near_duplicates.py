"""Near-duplicates among many images: by perceptual hash, and again by lightness, 264 bytes per image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmentai.filters.features import ImageFeatures

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

MOST_BITS = 4  # of 64, in which the hashes of two near-duplicates may differ
_MIN_CORRELATION = 0.95
_SIDE = 16  # of the grid of lightness that is kept of each image
_MOST_COMPARED = 200  # of the nearest by hash: of images that are all alike, more would take forever


@dataclass(frozen=True, slots=True)
class Thumbprint:
    """What is kept of one image.

    Attributes:
        hash: 64-bit perceptual hash.
        light: mean lightness of a grid of 16 x 16, a byte each.
        plain: the image shows nothing, so it resembles every other one that does not.
    """

    hash: int
    light: bytes
    plain: bool


def thumbprint(features: ImageFeatures) -> Thumbprint:
    """The thumbprint of an image, from its features."""
    grey = features.coarse.mean(-1)
    cells = grey.reshape(_SIDE, grey.shape[0] // _SIDE, _SIDE, grey.shape[1] // _SIDE).mean((1, 3))
    return Thumbprint(features.hash, cells.round().astype(np.uint8).tobytes(), features.plain)


def correlation(one: Thumbprint, other: Thumbprint) -> float:
    """Correlation of the lightness of two images: -1 to 1.

    Example:
        >>> from PIL import Image
        >>> from augmentai.filters.features import image_features
        >>> gradient = thumbprint(image_features(Image.linear_gradient("L")))
        >>> round(correlation(gradient, gradient), 6)
        1.0
    """
    a, b = (np.frombuffer(each.light, np.uint8) for each in (one, other))
    return float(_correlation(a, b[None])[0])


class NearDuplicates:
    """Finds images that are nearly the same among those that were added.

    Example:
        >>> from PIL import Image
        >>> from augmentai.filters.features import image_features
        >>> found = NearDuplicates()
        >>> gradient = Image.linear_gradient("L")
        >>> for image in (gradient, gradient.resize((90, 90)), gradient.rotate(90)):
        ...     _ = found.add(thumbprint(image_features(image)))
        >>> found.groups()
        [[0, 1]]
    """

    def __init__(self) -> None:
        self._hashes: list[int] = []
        self._light = bytearray()
        self._plain: list[bool] = []

    def add(self, one: Thumbprint) -> int:
        """Add an image. Returns its number, which counts from 0."""
        self._hashes.append(one.hash)
        self._light += one.light
        self._plain.append(one.plain)
        return len(self._hashes) - 1

    def pairs(self, most_bits: int = MOST_BITS) -> Iterator[tuple[int, int]]:
        """Every two images that are nearly the same, as their numbers, the lower one first."""
        hashes = np.array(self._hashes, np.uint64)
        light = np.frombuffer(bytes(self._light), np.uint8).reshape(-1, _SIDE * _SIDE)
        usable = ~np.array(self._plain, bool)
        for i in range(len(hashes) - 1):
            if not usable[i]:
                continue
            bits = np.bitwise_count(hashes[i + 1 :] ^ hashes[i])
            near = np.flatnonzero((bits <= most_bits) & usable[i + 1 :])
            if len(near) > _MOST_COMPARED:
                near = np.sort(near[np.argsort(bits[near], kind="stable")[:_MOST_COMPARED]])
            for j in near[_correlation(light[i], light[i + 1 + near]) >= _MIN_CORRELATION] if len(near) else ():
                yield i, i + 1 + int(j)

    def groups(self, most_bits: int = MOST_BITS) -> list[list[int]]:
        """Images that are nearly the same, or are so by way of others: each group sorted, of two or more."""
        return grouped(len(self._hashes), lambda: self.pairs(most_bits))


def grouped(count: int, pairs: Callable[[], Iterator[tuple[int, int]]]) -> list[list[int]]:
    """The connected groups of two or more among `count` numbers, sorted.

    Example:
        >>> grouped(5, lambda: iter([(3, 1), (1, 4)]))
        [[1, 3, 4]]
    """
    above = list(range(count))

    def top(number: int) -> int:
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    for one, other in pairs():
        first, second = sorted((top(one), top(other)))
        above[second] = first
    found: dict[int, list[int]] = defaultdict(list)
    for number in range(count):
        found[top(number)].append(number)
    return [group for group in found.values() if len(group) > 1]


def _correlation(one: Bytes, others: Bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Correlation of one row, (cells,), with each of several, (n, cells): (n,), -1 to 1."""
    a = one.astype(np.float32) - one.mean()
    b = others.astype(np.float32)
    b -= b.mean(1, keepdims=True)
    scale = np.sqrt((a * a).sum() * (b * b).sum(1))
    result: np.ndarray[Any, np.dtype[np.float32]] = (b @ a) / np.maximum(scale, 1e-6)
    return result
