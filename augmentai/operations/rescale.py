"""Images of floats at another size, as Pillow computes it: by compiled loops, or by Pillow where those are missing.

Pillow takes one channel at a time; the loops take all of them side by side. Each sum has the same terms in the same
order, in float64, so that both give the same numbers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from augmentai.system.llvm import Array, Compiled, Function, compiled_once, expect

if TYPE_CHECKING:
    from llvmlite import ir

How = Literal["box", "bicubic"]

_SUPPORT = {"box": 0.5, "bicubic": 2.0}  # pixels that each pixel is made of, to either side
_PILLOW = {"box": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC}
_SLOPE = -0.5  # of Pillow's cubic
_LANES = 8
_MOST_CHANNELS = 4


def rescaled(values: Array, size_wh: tuple[int, int], how: How) -> Array:
    """An image at another size.

    Args:
        values: of one to four channels.
        size_wh: width and height of the result in pixels.
        how: "box", the mean of what a pixel covers, or "bicubic".

    Shape:
        values: float32 (H, W, C); output: float32 (height, width, C).

    Example:
        >>> rescaled(np.array([[[0.0], [1.0], [2.0], [3.0]]], np.float32), (2, 1), "box").ravel().tolist()
        [0.5, 2.5]
    """
    kernel = compiled_kernel() if values.shape[2] <= _MOST_CHANNELS else None
    return _by_pillow(values, size_wh, how) if kernel is None else kernel.rescaled(values, size_wh, how)


def _by_pillow(values: Array, size_wh: tuple[int, int], how: How) -> Array:
    planes = [Image.fromarray(np.ascontiguousarray(values[..., channel])) for channel in range(values.shape[2])]
    return np.stack([np.asarray(plane.resize(size_wh, _PILLOW[how])) for plane in planes], axis=2)


@lru_cache(maxsize=8)
def _weights(size: int, wanted: int, how: How) -> tuple[Array, Array]:
    """What each pixel of a row is made of.

    Returns:
        The first pixel of each and how many there are, and their weights.

    Shape:
        output: int64 (wanted, 2), float64 (wanted, most).
    """
    scale = size / wanted
    wider = max(1.0, scale)
    reach = _SUPPORT[how] * wider
    middles = (np.arange(wanted) + 0.5) * scale
    first = np.maximum(np.trunc(middles - reach + 0.5), 0)
    counts = np.minimum(np.trunc(middles + reach + 0.5), size) - first
    steps = np.arange(int(np.ceil(reach)) * 2 + 1, dtype=np.float64)
    away = (steps[None] + first[:, None] - middles[:, None] + 0.5) * (1.0 / wider)
    weights = np.where(steps[None] < counts[:, None], _share(away, how), 0.0)
    total = np.zeros(wanted)
    for step in range(len(steps)):  # one after the other, as Pillow adds them
        total = total + weights[:, step]
    weights = np.divide(weights, total[:, None], out=weights, where=total[:, None] != 0)
    return np.stack([first, counts], 1).astype(np.int64), np.ascontiguousarray(weights)


def _share(away: Array, how: How) -> Array:
    """The weight of a pixel so far away, before all of them are made one in sum."""
    if how == "box":
        return np.where((away > -0.5) & (away <= 0.5), 1.0, 0.0)
    x, a = np.abs(away), _SLOPE
    near, far = ((a + 2.0) * x - (a + 3.0)) * x * x + 1, (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


class Kernel:
    """The compiled loops, which run without Python's lock."""

    def __init__(self) -> None:
        self._compiled = Compiled(_Down, *_ACROSS)

    def rescaled(self, values: Array, size_wh: tuple[int, int], how: How) -> Array:
        """See `rescaled`."""
        made = np.ascontiguousarray(values)
        expect(np.float32, made)
        height, width, channels = made.shape
        if width != size_wh[0]:
            bounds, weights = _weights(width, size_wh[0], how)
            out = np.empty((height, size_wh[0], channels), np.float32)
            self._compiled.call(
                f"across{channels}", (made, out, bounds, weights), height, width, size_wh[0], weights.shape[1]
            )
            made = out
        if height != size_wh[1]:
            bounds, weights = _weights(height, size_wh[1], how)
            out = np.empty((size_wh[1], *made.shape[1:]), np.float32)
            row = made.shape[1] * channels
            self._compiled.call("down", (made, out, bounds, weights), row, size_wh[1], weights.shape[1])
            made = out
        return made


compiled_kernel = compiled_once(Kernel)
"""The kernel, compiled when first asked for; None where llvmlite is missing or cannot compile."""


class _Weighted(Function):
    """A weighted sum of vectors that lie some way apart."""

    source: ir.Value
    bounds: ir.Value
    weights: ir.Value

    def summed(self, kind: Any, first: ir.Value, apart: ir.Value, count: ir.Value, weights: ir.Value) -> ir.Value:
        """A sum in float64, as float32.

        Args:
            kind: of the vectors of float32, or float32 itself.
            first: where the first begins.
            apart: how many values further the next begins.
            count: how many there are.
            weights: the index of the first weight.
        """
        build = self.build
        lanes = getattr(kind, "count", 0)
        wide = self.ir.VectorType(self.double, lanes) if lanes else self.double
        before, head = build.block, build.append_basic_block()
        body, after = build.append_basic_block(), build.append_basic_block()
        build.branch(head)
        build.position_at_end(head)
        number, total = build.phi(self.long), build.phi(wide)
        number.add_incoming(self.number(0), before)
        total.add_incoming(self.ir.Constant(wide, [0.0] * lanes if lanes else 0.0), before)
        build.cbranch(build.icmp_signed("<", number, count), body, after)
        build.position_at_end(body)
        value = self.vector_at(self.source, build.add(first, build.mul(number, apart)), kind, 4)
        weight = self.load(self.weights, build.add(weights, number))
        part = build.fmul(build.fpext(value, wide), self.repeated(weight, lanes) if lanes else weight)
        total.add_incoming(build.fadd(total, part), build.block)
        number.add_incoming(build.add(number, self.number(1)), build.block)
        build.branch(head)
        build.position_at_end(after)
        return build.fptrunc(total, kind)

    def bounds_of(self, number: ir.Value) -> tuple[ir.Value, ir.Value]:
        place = self.build.mul(number, self.number(2))
        return self.load(self.bounds, place), self.load(self.bounds, self.build.add(place, self.number(1)))


class _Down(_Weighted):
    """Rows mixed with rows."""

    name, pointers, numbers = "down", "ffld", 3

    def body(self, *arguments: ir.Value) -> None:
        self.source, out, self.bounds, self.weights, row, rows, most = arguments
        build, zero = self.build, self.number(0)
        lanes = self.ir.VectorType(self.float, _LANES)
        whole = build.sub(row, build.srem(row, self.number(_LANES)))
        with self.loop(zero, rows) as y:
            first, count = self.bounds_of(y)
            start, weights, target = build.mul(first, row), build.mul(y, most), build.mul(y, row)
            with self.loop(zero, whole, _LANES) as x:
                made = self.summed(lanes, build.add(start, x), row, count, weights)
                self.store_vector(out, build.add(target, x), made, 4)
            with self.loop(whole, row) as x:
                made = self.summed(self.float, build.add(start, x), row, count, weights)
                build.store(made, build.gep(out, [build.add(target, x)]))


class _Across(_Weighted):
    """Pixels of a row mixed with each other, all of their channels at once."""

    pointers, numbers = "ffld", 4
    channels: int

    def body(self, *arguments: ir.Value) -> None:
        self.source, out, self.bounds, self.weights, height, width, wanted, most = arguments
        build, zero, channels = self.build, self.number(0), self.number(self.channels)
        kind = self.ir.VectorType(self.float, self.channels) if self.channels > 1 else self.float
        with self.loop(zero, height) as y, self.loop(zero, wanted) as x:
            first, count = self.bounds_of(x)
            start = build.mul(self.at(y, width, first), channels)
            made = self.summed(kind, start, channels, count, build.mul(x, most))
            target = build.mul(self.at(y, wanted, x), channels)
            if self.channels > 1:
                self.store_vector(out, target, made, 4)
            else:
                build.store(made, build.gep(out, [target]))


_ACROSS = [
    type(f"_Across{count}", (_Across,), {"name": f"across{count}", "channels": count})
    for count in range(1, _MOST_CHANNELS + 1)
]
