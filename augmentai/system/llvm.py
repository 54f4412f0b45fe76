"""Small loops over pixels, written for LLVM, which compiles them in a moment when first used.

llvmlite is LLVM alone, without Numba: it loads in a tenth of the time, and nothing has to be kept on disk. Nothing is
fused or reordered: each number is the one that the same steps give in NumPy, to the last bit.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

if TYPE_CHECKING:
    from llvmlite import ir

Array = np.ndarray[Any, Any]
Made = TypeVar("Made")

_compiling = threading.Lock()


class Function:
    """A function without result, while it is written. A subclass names itself and its arguments, and writes `body`.

    Attributes:
        name: unique within a module.
        pointers: what the first arguments point to, a letter each: b (8 bits), h (16 bits), w (32 bits), l (64 bits),
            f (float32), d (float64). No two of them overlap.
        numbers: how many whole numbers of 64 bits follow.
        arguments: of the function.
        build: where the next instruction goes.
    """

    name: ClassVar[str]
    pointers: ClassVar[str]
    numbers: ClassVar[int]

    def __init__(self, module: ir.Module) -> None:
        from llvmlite import ir

        self.ir, self.module = ir, module
        self.byte, self.short, self.long = ir.IntType(8), ir.IntType(32), ir.IntType(64)
        self.float, self.double = ir.FloatType(), ir.DoubleType()
        kinds = {"b": self.byte, "h": ir.IntType(16), "w": self.short, "l": self.long}
        kinds |= {"f": self.float, "d": self.double}
        types = [kinds[one].as_pointer() for one in self.pointers] + [self.long] * self.numbers
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), types), self.name)
        for argument in function.args[: len(self.pointers)]:
            argument.add_attribute("noalias")
        self.arguments = function.args
        self.build = ir.IRBuilder(function.append_basic_block())
        self.body(*function.args)
        self.build.ret_void()

    def body(self, *arguments: ir.Value) -> None:
        """Write what the function does."""
        raise NotImplementedError

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

    def vector_at(self, pointer: ir.Value, index: ir.Value, kind: Any, align: int) -> ir.Value:
        """A vector of values from an index on, whose address is a multiple of `align` bytes."""
        address = self.build.bitcast(self.build.gep(pointer, [index]), kind.as_pointer())
        return self.build.load(address, align=align)

    def store_vector(self, pointer: ir.Value, index: ir.Value, vector: ir.Value, align: int) -> None:
        address = self.build.bitcast(self.build.gep(pointer, [index]), vector.type.as_pointer())
        self.build.store(vector, address, align=align)

    def vector(self, kind: Any, *values: float) -> ir.Value:
        """A constant vector."""
        return self.ir.Constant(self.ir.VectorType(kind, len(values)), list(values))

    def lane(self, vector: ir.Value, number: int) -> ir.Value:
        """One value of a vector."""
        return self.build.extract_element(vector, self.ir.Constant(self.short, number))

    def picked(self, one: ir.Value, other: ir.Value, lanes: list[int]) -> ir.Value:
        """Lanes of two vectors; those of the second are counted on."""
        return self.build.shuffle_vector(one, other, self.vector(self.short, *lanes))

    def repeated(self, value: ir.Value, count: int) -> ir.Value:
        """One value in so many lanes."""
        undefined = self.ir.Constant(self.ir.VectorType(value.type, count), self.ir.Undefined)
        one = self.build.insert_element(undefined, value, self.ir.Constant(self.short, 0))
        return self.picked(one, undefined, [0] * count)

    def at_least(self, value: ir.Value, least: ir.Value) -> ir.Value:
        return self.build.select(self.build.fcmp_ordered(">", value, least), value, least)

    def at_most(self, value: ir.Value, most: ir.Value) -> ir.Value:
        return self.build.select(self.build.fcmp_ordered("<", value, most), value, most)

    def intrinsic(self, name: str, kind: Any) -> Callable[[ir.Value], ir.Value]:
        """A function of LLVM from a kind to the same, such as "rint"."""
        count = f"v{kind.count}" if hasattr(kind, "count") else ""
        width = "f64" if getattr(kind, "element", kind) == self.double else "f32"
        full = f"llvm.{name}.{count}{width}"
        known = self.module.globals.get(full)
        function = known or self.ir.Function(self.module, self.ir.FunctionType(kind, [kind]), full)
        return lambda value: self.build.call(function, [value])


class Compiled:
    """Functions as machine code, which run without Python's lock.

    Args:
        functions: what is compiled.

    Raises:
        Exception: llvmlite is missing, memory may not be made executable, or the processor is unknown.
    """

    def __init__(self, *functions: type[Function]) -> None:
        from llvmlite import binding, ir

        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        machine = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=2
        )
        written = ir.Module("loops")
        written.triple = machine.triple
        for function in functions:
            function(written)
        self._engine = binding.create_mcjit_compiler(binding.parse_assembly(str(written)), machine)  # owns the code
        self._engine.finalize_object()
        self._calls = {one.name: self._callable(one) for one in functions}

    def call(self, name: str, arrays: tuple[Array, ...], *numbers: int) -> None:
        """Call a function with the addresses of arrays, which it trusts: check them with `expect` first."""
        self._calls[name](*(array.ctypes.data for array in arrays), *numbers)

    def _callable(self, function: type[Function]) -> Callable[..., None]:
        arguments = [ctypes.c_void_p] * len(function.pointers) + [ctypes.c_int64] * function.numbers
        address = self._engine.get_function_address(function.name)
        found: Callable[..., None] = ctypes.CFUNCTYPE(None, *arguments)(address)
        return found


def compiled_once(make: Callable[[], Made]) -> Callable[[], Made | None]:
    """A function that compiles when it is first called; it returns None where nothing can be compiled.

    Args:
        make: what compiles.

    Example:
        >>> compiled_once(lambda: 1 // 0)() is None
        True
    """

    @cache
    def attempt() -> Made | None:
        try:
            return make()
        except Exception:  # no llvmlite, no rights to make memory executable, an unknown processor: NumPy does the same
            return None

    def made() -> Made | None:
        with _compiling:
            return attempt()

    return made


def expect(dtype: Any, *arrays: Array) -> None:
    """Check arrays before their addresses are handed over.

    Raises:
        TypeError: one of them has another dtype or gaps.
    """
    for array in arrays:
        if array.dtype != dtype or not array.flags.c_contiguous:
            raise TypeError(f"expected contiguous {np.dtype(dtype)}, got {array.dtype} {array.shape}")
