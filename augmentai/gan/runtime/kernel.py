"""The compiled kernel of `carry`: its two loops, written for LLVM, which compiles them in a moment when first used.

llvmlite is LLVM alone, without Numba: it loads in a tenth of the time, and nothing has to be kept on disk. Vectors of
16 floats are LLVM's own kind of value, so that every processor gets the widest instructions it has. Nothing is fused
or reordered: each sum is the one that `carry` computes in NumPy, to the last bit.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.gan.layout import KNOTS, LUMA_WEIGHTS

if TYPE_CHECKING:
    from llvmlite import ir

    from augmentai.gan.runtime.arrays import Array

LANES = 16
INNER_KNOTS_LEVELS = tuple(255 * knot / (KNOTS - 1) for knot in range(1, KNOTS - 1))
_PLANES = 25
_STRIP_ROWS = 16  # of a block of columns, for which its planes stay in the fastest cache

_compiling = threading.Lock()


class Kernel:
    """The compiled loops, which run without Python's lock."""

    def __init__(self) -> None:
        from llvmlite import binding

        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        machine = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=2
        )
        module = binding.parse_assembly(_source(machine.triple))
        self._engine = binding.create_mcjit_compiler(module, machine)  # owns the code
        self._engine.finalize_object()
        arguments = [ctypes.c_void_p] * 5 + [ctypes.c_int64] * 4
        self._widen = ctypes.CFUNCTYPE(None, *arguments)(self._engine.get_function_address("widen"))
        arguments = [ctypes.c_void_p] * 10 + [ctypes.c_int64] * 2
        self._carry = ctypes.CFUNCTYPE(None, *arguments)(self._engine.get_function_address("carry"))

    def widen(self, grid: Array, weights: Array, first: Array, last: Array, out: Array) -> None:
        """Enlarge along rows; see `carry.widened`.

        Shape:
            grid: float32 (gh, C, gw); weights: float32 (gw, W); first, last: int64 (W / 16,); out: float32
            (gh, W / 16, C, 16)
        """
        rows, planes, columns = grid.shape
        _check(np.float32, grid, weights, out)
        _check(np.int64, first, last)
        self._widen(*_addresses(grid, weights, first, last, out), rows, planes, columns, len(first))

    def carry(self, words: Array, out: Array, *interpolated: Array) -> None:
        """Apply planes to an image; see `carry.carried`.

        Shape:
            words, out: uint32 (H, W); interpolated: planes and steps, float32 (n, W / 16, 25, 16), rows, int64 (H,),
            and shares, float32 (H,); then the same of the base, with 3 instead of 25.
        """
        height, width = words.shape
        _check(np.uint32, words, out)
        _check(np.float32, *interpolated[0:2], interpolated[3], *interpolated[4:6], interpolated[7])
        _check(np.int64, interpolated[2], interpolated[6])
        self._carry(*_addresses(words, out, *interpolated), height, width // LANES)


def compiled_kernel() -> Kernel | None:
    """The kernel, compiled when first asked for; None where llvmlite is missing or cannot compile."""
    with _compiling:
        return _compiled()


@cache
def _compiled() -> Kernel | None:
    try:
        return Kernel()
    except Exception:  # no llvmlite, no rights to make memory executable, an unknown processor: NumPy does the same
        return None


def _check(dtype: Any, *arrays: Array) -> None:
    """The kernel trusts its addresses, so nothing else may get there."""
    for array in arrays:
        if array.dtype != dtype or not array.flags.c_contiguous:
            raise TypeError(f"expected contiguous {np.dtype(dtype)}, got {array.dtype} {array.shape}")


def _addresses(*arrays: Array) -> list[int]:
    return [array.ctypes.data for array in arrays]


def _source(triple: str) -> str:
    """Both functions in LLVM's assembly."""
    from llvmlite import ir

    module = ir.Module("carry")
    module.triple = triple
    _Widen(module)
    _Carry(module)
    return str(module)


class _Function:
    """A function without result, while it is written."""

    def __init__(self, module: ir.Module, name: str, pointers: str, numbers: str) -> None:
        from llvmlite import ir

        self.ir = ir
        self.long, self.float = ir.IntType(64), ir.FloatType()
        self.floats, self.words = ir.VectorType(self.float, LANES), ir.VectorType(ir.IntType(32), LANES)
        kinds = {"f": self.float, "l": self.long, "w": ir.IntType(32)}
        types = [kinds[one].as_pointer() for one in pointers] + [self.long] * int(numbers)
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), types), name)
        for argument in function.args[: len(pointers)]:
            argument.add_attribute("noalias")
        self.arguments = function.args
        self.build = ir.IRBuilder(function.append_basic_block())

    def number(self, value: int) -> ir.Value:
        return self.ir.Constant(self.long, value)

    @contextmanager
    def loop(self, start: ir.Value, stop: ir.Value, step: int = 1) -> Iterator[ir.Value]:
        """for i in range(start, stop, step)"""
        build = self.build
        before, head = build.block, build.append_basic_block()
        body, after = build.append_basic_block(), build.append_basic_block()
        build.branch(head)
        build.position_at_end(head)
        i = build.phi(self.long)
        i.add_incoming(start, before)
        build.cbranch(build.icmp_signed("<", i, stop), body, after)
        build.position_at_end(body)
        yield i
        i.add_incoming(build.add(i, self.number(step)), build.block)
        build.branch(head)
        build.position_at_end(after)

    def at(self, *place: Any) -> ir.Value:
        """The index of an element: at(a, n, b, m, c) is (a * n + b) * m + c."""
        index = place[0]
        for size, offset in zip(place[1::2], place[2::2], strict=True):
            size = self.number(size) if isinstance(size, int) else size
            offset = self.number(offset) if isinstance(offset, int) else offset
            index = self.build.add(self.build.mul(index, size), offset)
        return index

    def load(self, pointer: ir.Value, index: ir.Value) -> ir.Value:
        return self.build.load(self.build.gep(pointer, [index]))

    def lanes(self, pointer: ir.Value, index: ir.Value, kind: Any = None) -> ir.Value:
        """16 values from an index on."""
        address = self.build.bitcast(self.build.gep(pointer, [index]), (kind or self.floats).as_pointer())
        return self.build.load(address, align=4)

    def store(self, pointer: ir.Value, index: ir.Value, lanes: ir.Value) -> None:
        address = self.build.bitcast(self.build.gep(pointer, [index]), lanes.type.as_pointer())
        self.build.store(lanes, address, align=4)

    def all(self, value: ir.Value) -> ir.Value:
        """One value in all 16 lanes."""
        undefined = self.ir.Constant(self.ir.VectorType(value.type, LANES), self.ir.Undefined)
        one = self.build.insert_element(undefined, value, self.ir.Constant(self.ir.IntType(32), 0))
        return self.build.shuffle_vector(one, undefined, self.ir.Constant(self.words, [0] * LANES))

    def constant(self, value: float) -> ir.Value:
        return self.ir.Constant(self.floats, [float(np.float32(value))] * LANES)

    def word(self, value: int) -> ir.Value:
        return self.ir.Constant(self.words, [value] * LANES)

    def at_least(self, value: ir.Value, least: ir.Value) -> ir.Value:
        return self.build.select(self.build.fcmp_ordered(">", value, least), value, least)

    def at_most(self, value: ir.Value, most: ir.Value) -> ir.Value:
        return self.build.select(self.build.fcmp_ordered("<", value, most), value, most)


class _Widen(_Function):
    """out[y, b, p] = sum of weights[g, b] * grid[y, p, g] over the columns g that reach block b, in their order."""

    def __init__(self, module: ir.Module) -> None:
        super().__init__(module, "widen", "ffllf", "4")
        grid, weights, firsts, lasts, out, rows, planes, columns, blocks = self.arguments
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
        build.ret_void()


class _Carry(_Function):
    """For 16 pixels side by side at a time: coefficients between two rows of the grid, then `carry`'s sums."""

    def __init__(self, module: ir.Module) -> None:
        super().__init__(module, "carry", "wwfflffflf", "2")
        words, out, *self.interpolated, height, self.blocks = self.arguments
        build, zero = self.build, self.number(0)
        width = build.mul(self.blocks, self.number(LANES))
        rint = self.ir.FunctionType(self.floats, [self.floats])
        self.rint = self.ir.Function(module, rint, f"llvm.rint.v{LANES}f32")
        with self.loop(zero, height, _STRIP_ROWS) as top, self.loop(zero, self.blocks) as b:
            end = build.add(top, self.number(_STRIP_ROWS))
            end = build.select(build.icmp_signed("<", end, height), end, height)
            with self.loop(top, end) as y:
                place = self.at(y, width, build.mul(b, self.number(LANES)))
                self.store(out, place, self._pixels(self.lanes(words, place, self.words), y, b))
        build.ret_void()

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
            level = build.call(self.rint, [total])
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
