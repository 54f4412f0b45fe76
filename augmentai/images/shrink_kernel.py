"""The compiled loops of `shrink`: means of pixels side by side, and one above the other, in whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.system.llvm import Array, Compiled, Function, compiled_once, expect

if TYPE_CHECKING:
    from llvmlite import ir

PRECISION_BITS = 22  # of a weight
BLOCK_PX = 4  # the columns of what is made are a multiple of this
_CHANNELS = 4


class Kernel:
    """The compiled loops, which run without Python's lock."""

    def __init__(self) -> None:
        self._compiled = Compiled(_Across, _Down)

    def across(self, words: Array, first: Array, count: Array, weight: Array, out: Array) -> None:
        """Make columns from some columns each.

        Args:
            words: pixels of four channels.
            first, count: which columns: from where on, and how many.
            weight: what their sum is multiplied by, see `PRECISION_BITS`.
            out: the means.

        Shape:
            words: uint32 (H, W); first, count: int64 (w,); weight: uint32 (w,); out: uint32 (H, w)
        """
        expect(np.uint32, words, weight, out)
        expect(np.int64, first, count)
        sizes = *words.shape, len(first), out.shape[1]
        self._compiled.call("across", (words, out, first, count, weight), *sizes)

    def down(self, words: Array, first: Array, count: Array, weight: Array, out: Array) -> None:
        """Make rows from some rows each.

        Shape:
            words: uint32 (H, W), W a multiple of `BLOCK_PX`; first, count: int64 (h,); weight: uint32 (h,);
            out: uint32 (h, W)
        """
        expect(np.uint32, words, weight, out)
        expect(np.int64, first, count)
        self._compiled.call("down", (words, out, first, count, weight), len(first), words.shape[1] * _CHANNELS)


compiled_kernel = compiled_once(Kernel)
"""The kernel, compiled when first asked for; None where llvmlite is missing or cannot compile."""


class _Means(Function):
    """Sums of bytes in lanes, weighted and rounded."""

    pointers = "bbllw"
    source: ir.Value

    def mean(self, first: ir.Value, count: ir.Value, weight: ir.Value, lanes: int, place: Callable[[Any], Any]) -> Any:
        """The bytes at `place(i)` for `count` numbers i from `first` on: their weighted sum, in so many lanes."""
        build, zero = self.build, self.number(0)
        kind = self.ir.VectorType(self.short, lanes)
        before, head = build.block, build.append_basic_block()
        body, after = build.append_basic_block(), build.append_basic_block()
        build.branch(head)
        build.position_at_end(head)
        i, total = build.phi(self.long), build.phi(kind)
        i.add_incoming(zero, before)
        total.add_incoming(self.vector(self.short, *[0] * lanes), before)
        build.cbranch(build.icmp_signed("<", i, count), body, after)
        build.position_at_end(body)
        loaded = self.vector_at(self.source, place(build.add(first, i)), self.ir.VectorType(self.byte, lanes), align=1)
        total.add_incoming(build.add(total, build.zext(loaded, kind)), build.block)
        i.add_incoming(build.add(i, self.number(1)), build.block)
        build.branch(head)
        build.position_at_end(after)
        weighted = build.mul(total, self.repeated(weight, lanes))
        half = self.vector(self.short, *[1 << (PRECISION_BITS - 1)] * lanes)
        shift = self.vector(self.short, *[PRECISION_BITS] * lanes)
        shifted = build.lshr(build.add(weighted, half), shift)
        return build.trunc(shifted, self.ir.VectorType(self.byte, lanes))


class _Across(_Means):
    """One pixel at a time: its four channels are the lanes."""

    name, numbers = "across", 4

    def body(self, *arguments: ir.Value) -> None:
        self.source, out, firsts, counts, weights, height, width, columns, out_width = arguments
        build, zero, channels = self.build, self.number(0), self.number(_CHANNELS)
        with self.loop(zero, height) as y:
            row = build.mul(y, width)
            with self.loop(zero, columns) as x:
                what = self.load(firsts, x), self.load(counts, x), self.load(weights, x)
                made = self.mean(*what, _CHANNELS, partial(self._pixel, row))
                self.store_vector(out, build.mul(self.at(y, out_width, x), channels), made, align=1)

    def _pixel(self, row: ir.Value, i: ir.Value) -> ir.Value:
        return self.build.mul(self.build.add(row, i), self.number(_CHANNELS))


class _Down(_Means):
    """Four pixels at a time."""

    name, numbers = "down", 2

    def body(self, *arguments: ir.Value) -> None:
        self.source, out, firsts, counts, weights, rows, width = arguments
        zero, lanes = self.number(0), BLOCK_PX * _CHANNELS
        with self.loop(zero, rows) as y:
            what = self.load(firsts, y), self.load(counts, y), self.load(weights, y)
            with self.loop(zero, width, lanes) as x:
                made = self.mean(*what, lanes, partial(self._place, width, x))
                self.store_vector(out, self.at(y, width, x), made, align=1)

    def _place(self, width: ir.Value, x: ir.Value, i: ir.Value) -> ir.Value:
        return self.at(i, width, x)
