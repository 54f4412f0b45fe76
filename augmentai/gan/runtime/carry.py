"""Carrying a change, which is a coarse grid of colour transforms, to every pixel of an image of any size.

Per pixel 25 coefficients are interpolated and applied. Two ways do the same sums in the same order, so that they give
the same pixels: a compiled kernel, at a few nanoseconds a pixel, and NumPy, where that kernel cannot be compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from augmentai.gan.layout import LUMA_WEIGHTS
from augmentai.gan.runtime.arrays import Array, aligned, bilinear_places, blur
from augmentai.gan.runtime.hinges import as_hinge_functions
from augmentai.gan.runtime.kernel import INNER_KNOTS_LEVELS, LANES, Kernel, compiled_kernel
from augmentai.gan.runtime.pixels import base_thumbnail, channels, to_image, to_words
from augmentai.images.strips import strips

_STRIP_PX = 1 << 13  # pixels that NumPy processes at a time: their planes stay in the CPU cache
_KEPT_PX = 8_000_000  # words of a larger image are made strip by strip, again for each of its variations


@dataclass(frozen=True)
class Rows:
    """Planes that were enlarged along rows; between two of these rows they are interpolated.

    Attributes:
        values: Of each row of the grid.
        steps: From each row to the next.

    Shape:
        values, steps: float32 (gh, W / 16, C, 16), W padded; the pixels of a block side by side.
    """

    values: Array
    steps: Array

    def places(self, height: int) -> tuple[Array, Array]:
        """Between which two rows each of `height` rows of pixels lies, and how far."""
        return _rows(len(self.values), height)


@lru_cache(maxsize=4)
def _rows(grid_height: int, height: int) -> tuple[Array, Array]:
    first, share = bilinear_places(grid_height, height)
    return first.astype(np.int64), share


@dataclass(frozen=True)
class Canvas:
    """An image at full size, prepared once for all its variations.

    Attributes:
        image: RGB.
        words: Its pixels, see `pixels.to_words`; None of a large image, which is not kept twice.
        base: The image without its detail.
    """

    image: Image.Image
    words: Array | None
    base: Rows

    @property
    def width(self) -> int:
        """In pixels."""
        return self.image.width

    @property
    def strips(self) -> Iterator[tuple[slice, Array]]:
        """Rows and their words: of the whole image, or of one strip after the other."""
        if self.words is not None:
            yield slice(0, self.image.height), self.words
            return
        for rows in strips((self.image.height, self.width)):
            yield rows, to_words(self.image.crop((0, rows.start, self.width, rows.stop)))

    @classmethod
    def of(cls, image: Image.Image) -> Canvas:
        """Prepare an RGB image."""
        return cls.with_base(image, base_thumbnail(image))

    @classmethod
    def with_base(cls, image: Image.Image, small: Image.Image) -> Canvas:
        """Prepare an RGB image of which `pixels.base_thumbnail` is known already."""
        levels = np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1)).astype(np.float32)
        words = to_words(image) if image.width * image.height <= _KEPT_PX else None
        return cls(image, words, widened(blur(levels), image.width, compiled_kernel()))


def effect_of(strength: float) -> float:
    """Convert a recipe's strength to the share of the change that is applied.

    Eased, because the last third of a change is the hardest to see: 0.4, the usual strength, gives a good half of it.

    Args:
        strength: 0 to 1.

    Returns:
        0 at 0, 1 at 1, strictly increasing.

    Example:
        >>> effect_of(0.0), round(effect_of(0.4), 2), effect_of(1.0)
        (0.0, 0.54, 1.0)
    """
    return 1.0 - (1.0 - strength) ** 1.5


def apply_full_size(canvas: Canvas, change: Array, strength: float) -> Image.Image:
    """Apply `strength` times a change to an image.

    Every pixel moves further the higher the strength.

    Args:
        canvas: The image.
        change: From `network.smoothed_change`.
        strength: 0 gives the image itself, 1 the whole change.

    Returns:
        The changed image, RGB.

    Shape:
        change: float32 (28, gh, gw)

    Example:
        >>> canvas = Canvas.of(Image.new("RGB", (64, 48), (100, 100, 100)))
        >>> change = np.zeros((28, 3, 4), np.float32)
        >>> change[0] = 0.5  # the red channel gains half of itself
        >>> apply_full_size(canvas, change, 1.0).getpixel((0, 0))
        (150, 100, 100)
    """
    if strength == 0:
        return canvas.image.copy()
    kernel = compiled_kernel()
    hinges = as_hinge_functions(change.astype(np.float32) * np.float32(strength))
    planes = widened(hinges, canvas.width, kernel)
    if canvas.words is not None:
        return to_image(carried(canvas, canvas.words, planes, kernel), canvas.width)
    made = Image.new("RGB", canvas.image.size)
    for rows, words in canvas.strips:
        made.paste(to_image(carried(canvas, words, planes, kernel, rows), canvas.width), (0, rows.start))
    return made


def widened(grid: Array, width: int, kernel: Kernel | None) -> Rows:
    """Enlarge planes along rows, bilinearly, to `width` pixels: (C, gh, gw) -> rows.

    Args:
        grid: The planes.
        width: Of the image.
        kernel: None computes the same in NumPy.
    """
    planes, grid_height, grid_width = grid.shape
    blocks = -(-width // LANES)
    rows = np.ascontiguousarray(grid.transpose(1, 0, 2), np.float32)  # (gh, C, gw)
    if grid_height == 1:
        rows = rows.repeat(2, axis=0)  # so that there is a step to the next
    if kernel is None:
        first, share, following = _columns(grid_width, width)
        wide = rows[..., first] * (1 - share) + rows[..., following] * share  # (gh, C, W)
        values = np.ascontiguousarray(wide.reshape(*rows.shape[:2], blocks, LANES).swapaxes(1, 2))
    else:
        values = aligned((len(rows), blocks, planes, LANES), np.float32)
        kernel.widen(rows, *_weights(grid_width, width), values)
    steps = aligned(values.shape, np.float32)
    np.subtract(values[1:], values[:-1], out=steps[:-1])
    steps[-1] = 0
    return Rows(values, steps)


@lru_cache(maxsize=4)
def _columns(grid_width: int, width: int) -> tuple[Array, Array, Array]:
    """Between which two columns of the grid each column of pixels lies, and how far: (W,), padded to whole blocks."""
    padding = (0, -width % LANES)
    first, share = (np.pad(part, padding, mode="edge") for part in bilinear_places(grid_width, width))
    return first, share, np.minimum(first + 1, grid_width - 1)


@lru_cache(maxsize=4)
def _weights(grid_width: int, width: int) -> tuple[Array, Array, Array]:
    """What each column of the grid gives to each column of pixels, and which reach each block; see `Kernel.widen`."""
    first, share, following = _columns(grid_width, width)
    weights = np.zeros((grid_width, len(first)), np.float32)
    columns = np.arange(len(first))
    weights[first, columns] = 1 - share
    weights[following, columns] += share
    return weights, first[::LANES].astype(np.int64), following[LANES - 1 :: LANES].astype(np.int64)


def carried(canvas: Canvas, words: Array, planes: Rows, kernel: Kernel | None, rows: slice = slice(None)) -> Array:
    """Pixels of an image after the planes are applied.

    Args:
        canvas: The image.
        words: All of its pixels, or those of some rows.
        planes: 25 of them, from `as_hinge_functions`.
        kernel: None computes the same in NumPy.
        rows: Which rows these are.

    Shape:
        words, output: uint32 (H, W), W padded
    """
    height, base = canvas.image.height, canvas.base
    out = aligned(words.shape, np.uint32)
    places, base_places = ([part[rows] for part in each.places(height)] for each in (planes, base))
    if kernel is not None:
        kernel.carry(words, out, planes.values, planes.steps, *places, base.values, base.steps, *base_places)
        return out
    step = max(1, _STRIP_PX // words.shape[1])
    for top in range(0, len(words), step):
        strip = slice(top, top + step)
        coefficients = _between(planes, *(part[strip] for part in places))
        base_levels = _between(base, *(part[strip] for part in base_places))
        out[strip] = _applied(words[strip], coefficients, base_levels)
    return out


def _between(rows: Rows, first: Array, share: Array) -> Array:
    """Planes of some rows of pixels: (C, r, W)."""
    found = rows.steps[first]
    found *= share.reshape(-1, 1, 1, 1)
    found += rows.values[first]  # (r, blocks, C, 16)
    return np.ascontiguousarray(found.transpose(2, 0, 1, 3)).reshape(found.shape[2], len(first), -1)


def _applied(words: Array, planes: Array, base: Array) -> Array:
    """Apply planes to a strip: words (r, W), planes (25, r, W), base (3, r, W) -> (r, W)."""
    rgb = channels(words).astype(np.float32)
    red, green, blue = (np.float32(weight) * x for weight, x in zip(LUMA_WEIGHTS, rgb, strict=True))
    luma = red + green + blue
    beyond = [np.maximum(luma - np.float32(level), 0) for level in INNER_KNOTS_LEVELS]
    total = planes[21:24]  # at black
    for row, part in enumerate((*rgb, *beyond)):
        total += planes[3 * row : 3 * row + 3] * part
    total -= planes[24] * base
    levels = np.rint(total).clip(0, 255).astype(np.uint32)
    made: Array = levels[0] | levels[1] << np.uint32(8) | levels[2] << np.uint32(16) | np.uint32(255 << 24)
    return made
