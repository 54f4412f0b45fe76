"""Pixels resampled through a homography, by bicubic interpolation (Keys 1981, with a slope of -0.75) or the nearest.

Two ways do the same sums in the same order, so that they give the same pixels: compiled loops, and NumPy, where those
cannot be compiled or a homography has places that are no numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from augmentai.images.strips import strips
from augmentai.operations.homography import Matrix, translation
from augmentai.operations.resample_kernel import Kernel, compiled_kernel, is_regular
from augmentai.operations.resample_loops import SLOPE

_STRIP_PX = 1 << 14  # output pixels computed at a time: what is computed for them stays in the CPU cache
_MAX_VALUES = 1 << 24  # larger images are warped channel by channel: as floats they would take gigabytes
_EXACT_IN_FLOAT32 = {"uint8", "uint16", "int16", "float32", "bool"}

Planes = np.ndarray[Any, Any]


def warped_image(image: Image.Image, matrix: Matrix, mode: str) -> Image.Image:
    """An image of any mode, warped.

    Args:
        image: of any mode.
        matrix: (3, 3), from the source to the output, in pixels; the first pixel covers 0 to 1.
        mode: "bicubic" or "nearest".

    Returns:
        An image of the same size and mode, with the same palette.
    """
    if image.mode == "1":
        values = np.asarray(image).astype(np.uint8)[None]
        return _like(image, np.packbits(warped_planes(values, matrix, mode)[0], axis=-1))
    if image.mode == "RGB" and mode != "nearest":
        back = _inverse(matrix)
        if (kernel := _kernel_for(back, image.size[::-1])) is not None:
            return _warped_colours(image, back, kernel)
    if mode != "nearest" and image.mode in {"LA", "RGBA"}:
        return _warped_by_opacity(image, matrix, mode)
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        values = values.astype(np.uint16)  # in this machine's byte order
    planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    warped = warped_planes(planes, matrix, mode)
    return _like(image, warped[0] if values.ndim == 2 else warped.transpose(1, 2, 0))


def _warped_colours(image: Image.Image, back: Matrix, kernel: Kernel) -> Image.Image:
    """An RGB image, warped."""
    width, height = image.size
    words = np.frombuffer(image.tobytes("raw", "RGBX"), np.uint32).reshape(height, width)
    out = np.empty_like(words)
    kernel.colours(words, back, out)
    del words  # as much as the image
    return Image.frombytes("RGB", image.size, out.data, "raw", "RGBX")


class WarpedColours:
    """Colours of 16 bits per channel, warped: some rows at a time, each when it is asked for.

    A large image is hundreds of megabytes, and so is what it is warped to; an encoder takes a few rows at a time.
    It may be read like an array.

    Args:
        values: (H, W, 3); not changed as long as rows are asked for.
        matrix: (3, 3), from the source to the output, in pixels; the first pixel covers 0 to 1.

    Shape:
        (H, W, 3), uint16
    """

    def __init__(self, values: Planes, matrix: Matrix) -> None:
        self.shape = values.shape
        self._values, self._back, self._kernel = np.ascontiguousarray(values), _inverse(matrix), None
        if (kernel := _kernel_for(self._back, self.shape[:2])) is None:
            planes = [warped_planes(plane[None], matrix, "bicubic")[0] for plane in np.moveaxis(values, -1, 0)]
            self._values = np.stack(planes, axis=-1)
            return
        self._kernel = kernel
        channels = [self._values[..., channel] for channel in range(3)]
        self._low, self._high = (np.array([end(one) for one in channels], np.float32) for end in (np.min, np.max))

    def __getitem__(self, rows: slice) -> Planes:
        """Some rows; `rows` has a start and an end."""
        if self._kernel is None:
            return self._values[rows]
        out = np.empty((rows.stop - rows.start, *self.shape[1:]), np.uint16)
        for part in strips(out.shape, _STRIP_PX):
            warped = np.empty(out[part].shape, np.float32)
            self._kernel.fine_colours(self._values, self._back, rows.start + part.start, warped)
            np.rint(warped.clip(self._low, self._high, out=warped), out=warped)  # bicubic overshoots at edges
            out[part] = warped
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Planes:
        """All values at once."""
        values = self[slice(0, self.shape[0])]
        return values if dtype is None else values.astype(dtype)


def _like(image: Image.Image, values: Planes) -> Image.Image:
    """An image with these values, and the mode and palette of `image`."""
    if image.mode.startswith("I;16"):
        return Image.fromarray(values)
    made = image.copy()
    made.frombytes(np.ascontiguousarray(values).tobytes())
    return made


def _warped_by_opacity(image: Image.Image, matrix: Matrix, mode: str) -> Image.Image:
    """8-bit colours with their opacity last; colours are weighted by it (premultiplied alpha).

    Floats of a large image take as much memory as all of its channels, so that there are never more than of two.
    """
    warped_alpha = warped_planes(_channel(image, -1)[None], matrix, mode)[0]
    warped_alpha.clip(0, 255, out=warped_alpha)
    bands = []
    for number in range(len(image.getbands()) - 1):
        out = np.empty(warped_alpha.shape, np.uint8)
        for rows, (warped,) in _warped_rows(_channel(image, number)[None], matrix, mode):
            warped *= 255
            warped /= np.maximum(warped_alpha[rows], 1)
            out[rows] = np.rint(warped.clip(0, 255, out=warped), out=warped)
        bands.append(Image.fromarray(out))
    bands.append(Image.fromarray(np.rint(warped_alpha, out=warped_alpha).astype(np.uint8)))
    del warped_alpha
    return Image.merge(image.mode, bands)


def _channel(image: Image.Image, number: int) -> Planes:
    """One channel of an image with opacity as floats, weighted by it unless it is the opacity itself, the last one."""
    width, height = image.size
    values = np.empty((height, width), np.float32)
    for rows in strips(values.shape):
        part = np.asarray(image.crop((0, rows.start, width, rows.stop)))
        values[rows] = part[..., number]
        if number >= 0:
            values[rows] *= part[..., -1].astype(np.float32) / 255
    return values


def warped_planes(planes: Planes, matrix: Matrix, mode: str) -> Planes:
    """Planes of any dtype, warped; beyond the border they are reflected.

    Computed in strips of rows, so that memory beyond the input as floats stays small.

    Args:
        planes: (C, H, W).
        matrix: (3, 3), from the source to the output, in pixels; the first pixel covers 0 to 1.
        mode: "bicubic" or "nearest".

    Returns:
        (C, H, W) of the same dtype, rounded if that is an integer, and never beyond the range of the input (0 to 255
        for uint8).
    """
    if len(planes) > 1 and planes.size > _MAX_VALUES:
        return np.concatenate([warped_planes(plane[None], matrix, mode) for plane in planes])
    out = np.empty_like(planes, order="C")
    for rows, strip in _warped_rows(planes, matrix, mode):
        for warped, made in zip(strip, out[:, rows], strict=True):
            made[:] = np.rint(warped, out=warped) if mode != "nearest" and planes.dtype.kind in "ui" else warped
    return out


def _warped_rows(planes: Planes, matrix: Matrix, mode: str) -> Iterator[tuple[slice, list[Planes]]]:
    """The rows of the output, some at a time, from its top: as floats, not rounded, where they are interpolated."""
    _, height, width = planes.shape
    dtype = np.float32 if planes.dtype.name in _EXACT_IN_FLOAT32 else np.float64
    low, high = (0, 255) if planes.dtype == np.uint8 else (float(planes.min()), float(planes.max()))
    source = np.ascontiguousarray(planes, None if mode == "nearest" else dtype)
    back = _inverse(matrix)
    kernel = _kernel_for(back, (height, width))
    step = max(1, _STRIP_PX // width)
    for top in range(0, height, step):
        rows = slice(top, min(top + step, height))
        count = rows.stop - top
        if mode == "nearest":
            index = _nearest(back, (height, width), top, count, kernel)
            yield rows, [plane.reshape(-1).take(index, mode="clip") for plane in source]
            continue
        # Bicubic overshoots at edges.
        yield (
            rows,
            [warped.clip(low, high, out=warped) for warped in _interpolated(source, back, top, count, kernel)],
        )


def _inverse(matrix: Matrix) -> Matrix:
    """From places in the output to places in the source. Labels have the centre of the first pixel at a half; here it
    is at 0."""
    return np.linalg.inv(translation(-0.5, -0.5) @ matrix @ translation(0.5, 0.5))


def _kernel_for(back: Matrix, size_hw: tuple[int, int]) -> Kernel | None:
    return compiled_kernel() if is_regular(back, size_hw) else None


def _nearest(back: Matrix, size_hw: tuple[int, int], top: int, count: int, kernel: Kernel | None) -> Planes:
    """Numbers of the nearest pixels of the source, for some rows of the output: (r, W)."""
    height, width = size_hw
    if kernel is not None:
        index = np.empty((count, width), np.int64)
        kernel.nearest(back, size_hw, top, index)
        return index
    x, y = _places(back, np.arange(top, top + count), width)
    return _reflected(np.rint(y), height) * width + _reflected(np.rint(x), width)


def _interpolated(source: Planes, back: Matrix, top: int, count: int, kernel: Kernel | None) -> list[Planes]:
    """Some rows of the output, bicubic: source (C, H, W) -> C of (r, W)."""
    channels, height, width = source.shape
    if kernel is None:
        x, y = _places(back, np.arange(top, top + count), width)
        return _bicubic(source.reshape(channels, -1), (height, width), x, y)
    made = [np.empty((count, width), source.dtype) for _ in source]
    for plane, out in zip(source, made, strict=True):
        kernel.plane(plane, back, top, out)
    return made


def _places(back: Matrix, rows: Planes, width: int) -> tuple[Planes, Planes]:
    """Where in the source the pixels of some rows of the output lie: x and y, float64 (r, W)."""
    columns, down = np.arange(width, dtype=np.float64), rows[:, None].astype(np.float64)
    x, y, scale = (line[0] * columns + (line[1] * down + line[2]) for line in back)
    return x / scale, y / scale


def _bicubic(source: Planes, size_hw: tuple[int, int], x: Planes, y: Planes) -> list[Planes]:
    """The 16 nearest pixels, weighted: source (C, H * W), places (r, w) -> C of (r, w)."""
    height, width = size_hw
    left, above = np.floor(x), np.floor(y)
    across, down = (_cubic_weights((place - first).astype(source.dtype)) for place, first in ((x, left), (y, above)))
    columns = [_reflected(left + step, width) for step in range(-1, 3)]
    totals = [np.zeros(x.shape, source.dtype) for _ in source]
    row, part = np.empty(x.shape, source.dtype), np.empty(x.shape, source.dtype)
    for step in range(4):
        start = _reflected(above + (step - 1), height) * width
        indices = [start + column for column in columns]
        for plane, total in zip(source, totals, strict=True):
            row[:] = 0
            for index, weight in zip(indices, across, strict=True):
                plane.take(index, mode="clip", out=part)
                np.multiply(part, weight, out=part)
                np.add(row, part, out=row)
            np.multiply(row, down[step], out=row)
            np.add(total, row, out=total)
    return totals


def _cubic_weights(share: Planes) -> list[Planes]:
    """Weights of the four neighbours of a place, which lies `share` beyond the second: (r, w) -> four of (r, w)."""
    t, a = share, share.dtype.type(SLOPE)

    def near(d: Planes) -> Planes:
        return np.asarray(((a + 2) * d - (a + 3)) * d * d + 1)

    def far(d: Planes) -> Planes:
        return np.asarray(((a * d - 5 * a) * d + 8 * a) * d - 4 * a)

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _reflected(places: Planes, size: int) -> Planes:
    """Whole numbers as indices: those beyond the border are reflected at the outer pixels, which are not repeated."""
    last = size - 1
    if last == 0:
        return np.zeros(places.shape, np.intp)
    folded = np.abs(places).astype(np.intp)
    if folded.max(initial=0) > last:
        folded %= 2 * last
        folded = np.minimum(folded, 2 * last - folded)
    return folded
