"""The compiled kernel of `carry`: its two loops, 16 pixels at a time.

Vectors of 16 floats are LLVM's own kind of value, so that every processor gets the widest instructions it has. Each
sum is the one that `carry` computes in NumPy, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.gan.layout import KNOTS, LUMA_WEIGHTS
from augmentai.system.llvm import Compiled, Function, compiled_once, expect

if TYPE_CHECKING:
    from llvmlite import ir

    from augmentai.gan.runtime.arrays import Array

LANES = 16
INNER_KNOTS_LEVELS = tuple(255 * knot / (KNOTS - 1) for knot in range(1, KNOTS - 1))
_PLANES = 25
_STRIP_ROWS = 16  # of a block of columns, for which its planes stay in the fastest cache


class Kernel:
    """The compiled loops, which run without Python's lock."""

    def __init__(self) -> None:
        self._compiled = Compiled(_Widen, _Carry)

    def widen(self, grid: Array, weights: Array, first: Array, last: Array, out: Array) -> None:
        """Enlarge along rows; see `carry.widened`.

        Shape:
            grid: float32 (gh, C, gw); weights: float32 (gw, W); first, last: int64 (W / 16,); out: float32
            (gh, W / 16, C, 16)
        """
        rows, planes, columns = grid.shape
        expect(np.float32, grid, weights, out)
        expect(np.int64, first, last)
        self._compiled.call("widen", (grid, weights, first, last, out), rows, planes, columns, len(first))

    def carry(self, words: Array, out: Array, *interpolated: Array) -> None:
        """Apply planes to an image; see `carry.carried`.

        Shape:
            words, out: uint32 (H, W); interpolated: planes and steps, float32 (n, W / 16, 25, 16), rows, int64 (H,),
            and shares, float32 (H,); then the same of the base, with 3 instead of 25.
        """
        height, width = words.shape
        expect(np.uint32, words, out)
        expect(np.float32, *interpolated[0:2], interpolated[3], *interpolated[4:6], interpolated[7])
        expect(np.int64, interpolated[2], interpolated[6])
        self._compiled.call("carry", (words, out, *interpolated), height, width // LANES)


compiled_kernel = compiled_once(Kernel)
"""The kernel, compiled when first asked for; None where llvmlite is missing or cannot compile."""


class _Lanes(Function):
    """A function that works on 16 lanes."""

    def __init__(self, module: ir.Module) -> None:
        from llvmlite import ir

        self.floats, self.words = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(ir.IntType(32), LANES)
        super().__init__(module)

    def lanes(self, pointer: ir.Value, index: ir.Value, kind: Any = None) -> ir.Value:
        """16 values from an index on."""
        return self.vector_at(pointer, index, kind or self.floats, align=4)

    def store(self, pointer: ir.Value, index: ir.Value, lanes: ir.Value) -> None:
        self.store_vector(pointer, index, lanes, align=4)

    def all(self, value: ir.Value) -> ir.Value:
        """One value in all 16 lanes."""
        return self.repeated(value, LANES)

    def constant(self, value: float) -> ir.Value:
        return self.ir.Constant(self.floats, [float(np.float32(value))] * LANES)

    def word(self, value: int) -> ir.Value:
        return self.ir.Constant(self.words, [value] * LANES)


class _Widen(_Lanes):
    """out[y, b, p] = sum of weights[g, b] * grid[y, p, g] over the columns g that reach block b, in their order."""

    name, pointers, numbers = "widen", "ffllf", 4

    def body(self, *arguments: ir.Value) -> None:
        grid, weights, firsts, lasts, out, rows, planes, columns, blocks = arguments
        build, zero = self.build, self.number(0)
        width = build.mul(blocks, self.number(LANES))
        with self.loop(zero, blocks) as b:
            first, last = self.load(firsts, b), self.load(lasts, b)
            place = build.mul(b, self.number(LANES))
            with self.loop(zero, rows) as y, self.loop(zero, planes) as p:
                target = self.at(y, blocks, b, planes, p, LANES, 0)
                self.store(out, target, self.constant(0))
                with self.loop(first, build.add(last, self.number(1))) as g:
                    part = build.fmul(
                        self.lanes(weights, self.at(g, width, place)),
                        self.all(self.load(grid, self.at(y, planes, p, columns, g))),
                    )
                    self.store(out, target, build.fadd(self.lanes(out, target), part))


class _Carry(_Lanes):
    """For 16 pixels side by side at a time: coefficients between two rows of the grid, then `carry`'s sums."""

    name, pointers, numbers = "carry", "wwfflffflf", 2

    def body(self, *arguments: ir.Value) -> None:
        words, out, *self.interpolated, height, self.blocks = arguments
        build, zero = self.build, self.number(0)
        width = build.mul(self.blocks, self.number(LANES))
        self.rint = self.intrinsic("rint", self.floats)
        with self.loop(zero, height, _STRIP_ROWS) as top, self.loop(zero, self.blocks) as b:
            end = build.add(top, self.number(_STRIP_ROWS))
            end = build.select(build.icmp_signed("<", end, height), end, height)
            with self.loop(top, end) as y:
                place = self.at(y, width, build.mul(b, self.number(LANES)))
                self.store(out, place, self._pixels(self.lanes(words, place, self.words), y, b))

    def _pixels(self, words: ir.Value, y: ir.Value, b: ir.Value) -> ir.Value:
        build = self.build
        byte = self.word(255)
        values = [build.and_(build.lshr(words, self.word(shift)), byte) for shift in (0, 8, 16)]
        rgb = [build.sitofp(value, self.floats) for value in values]
        weighted = [build.fmul(self.constant(weight), x) for weight, x in zip(LUMA_WEIGHTS, rgb, strict=True)]
        luma = build.fadd(build.fadd(weighted[0], weighted[1]), weighted[2])
        beyond = [
            self.at_least(build.fsub(luma, self.constant(level)), self.constant(0)) for level in INNER_KNOTS_LEVELS
        ]
        plane = self._interpolation(self.interpolated[:4], _PLANES, y, b)
        base = self._interpolation(self.interpolated[4:], 3, y, b)
        totals = [plane(21 + channel) for channel in range(3)]
        for row, part in enumerate((*rgb, *beyond)):
            totals = [
                build.fadd(total, build.fmul(plane(3 * row + channel), part)) for channel, total in enumerate(totals)
            ]
        gain = plane(24)
        made = self.word(255 << 24)
        for channel, total in enumerate(totals):
            total = build.fsub(total, build.fmul(gain, base(channel)))
            level = self.rint(total)
            level = self.at_most(self.at_least(level, self.constant(0)), self.constant(255))
            made = build.or_(made, build.shl(build.fptosi(level, self.words), self.word(8 * channel)))
        return made

    def _interpolation(
        self, source: list[ir.Value], planes: int, y: ir.Value, b: ir.Value
    ) -> Callable[[int], ir.Value]:
        """Planes between two rows, as a function of their number: value + share * step."""
        values, steps, rows, shares = source
        share = self.all(self.load(shares, y))
        start = self.at(self.load(rows, y), self.blocks, b, planes * LANES, 0)

        def plane(number: int) -> ir.Value:
            index = self.build.add(start, self.number(number * LANES))
            step = self.build.fmul(share, self.lanes(steps, index))
            return self.build.fadd(self.lanes(values, index), step)

        return plane
