"""The loops that `resample_kernel` compiles, written for LLVM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from augmentai.system.llvm import Function

if TYPE_CHECKING:
    from llvmlite import ir

SLOPE = -0.75  # of the cubic at its nearest neighbours, as in OpenCV and PyTorch


class _Places(Function):
    """A function of each pixel of some rows of the output, and of where in the source it lies."""

    def body(self, *arguments: ir.Value) -> None:
        *self.pointers_given, back, top, bottom, height, self.width = arguments
        build = self.build
        self.pair = self.ir.VectorType(self.double, 2)
        across, down, shift = (self._column(back, column) for column in range(3))
        one = self.number(1)
        self.last_column, self.last_row = build.sub(self.width, one), build.sub(height, one)
        with self.loop(top, bottom) as y:
            row = build.sitofp(y, self.double)
            # line[1] * down + line[2], for x, y and the scale
            start = [build.fadd(build.fmul(by, row), more) for by, more in zip(down, shift, strict=True)]
            begin = self._paired(start[0], start[1])
            step = self._paired(across[0], across[1])
            first = build.mul(build.sub(y, top), self.width)
            with self.loop(self.number(0), self.width) as x:
                column = build.sitofp(x, self.double)
                place = build.fadd(build.fmul(step, self.repeated(column, 2)), begin)
                scale = build.fadd(build.fmul(across[2], column), start[2])
                self.pixel(build.fdiv(place, self.repeated(scale, 2)), build.add(first, x))

    def pixel(self, place: ir.Value, target: ir.Value) -> None:
        """Compute one pixel.

        Args:
            place: its x and y in the source, a vector of two float64.
            target: its number in the output.
        """
        raise NotImplementedError

    def _column(self, back: ir.Value, column: int) -> list[ir.Value]:
        return [self.load(back, self.number(3 * row + column)) for row in range(3)]

    def _paired(self, one: ir.Value, other: ir.Value) -> ir.Value:
        pair = self.build.insert_element(self.ir.Constant(self.pair, self.ir.Undefined), one, self._short(0))
        return self.build.insert_element(pair, other, self._short(1))

    def _short(self, value: int) -> ir.Value:
        return self.ir.Constant(self.short, value)

    def whole(self, places: ir.Value, number: int) -> ir.Value:
        """One of two whole float64 as an integer."""
        return self.build.fptosi(self.lane(places, number), self.long)

    def reflected(self, value: ir.Value, last: ir.Value) -> ir.Value:
        """An index beyond the border is reflected at the outer pixels, which are not repeated."""
        build = self.build
        zero, one = self.number(0), self.number(1)
        value = build.select(build.icmp_signed("<", value, zero), build.sub(zero, value), value)
        period = build.mul(last, self.number(2))
        divisor = build.select(build.icmp_signed(">", period, one), period, one)
        value = build.srem(value, divisor)
        back = build.sub(period, value)
        return build.select(build.icmp_signed("<", back, value), back, value)


class Nearest(_Places):
    name, pointers, numbers = "nearest", "ld", 4

    def body(self, *arguments: ir.Value) -> None:
        self.rint = self.intrinsic("rint", self.ir.VectorType(self.double, 2))
        super().body(*arguments)

    def pixel(self, place: ir.Value, target: ir.Value) -> None:
        build, rounded = self.build, self.rint(place)
        x, y = self.whole(rounded, 0), self.whole(rounded, 1)
        within = build.and_(build.icmp_unsigned("<=", x, self.last_column), build.icmp_unsigned("<=", y, self.last_row))
        before = build.block
        with build.if_then(build.not_(within), likely=False):
            folded = self.reflected(x, self.last_column), self.reflected(y, self.last_row)
            beyond = build.block
        indices = []
        for own, other in zip((x, y), folded, strict=True):
            index = build.phi(self.long)
            index.add_incoming(own, before)
            index.add_incoming(other, beyond)
            indices.append(index)
        number = build.add(build.mul(indices[1], self.width), indices[0])
        build.store(number, build.gep(self.pointers_given[0], [target]))


class _Bicubic(_Places):
    """The 16 nearest pixels, weighted; what they are is for a subclass to say."""

    kind: Any  # of the weights

    def body(self, *arguments: ir.Value) -> None:
        self.eight = self.ir.VectorType(self.kind, 8)
        self.floor = self.intrinsic("floor", self.ir.VectorType(self.double, 2))
        super().body(*arguments)

    def pixel(self, place: ir.Value, target: ir.Value) -> None:
        build, low = self.build, self.floor(place)
        weights = self._weights(build.fsub(place, low))
        left, above = self.whole(low, 0), self.whole(low, 1)
        columns, rows = self._indices(left, above)
        starts = [build.mul(row, self.width) for row in rows]
        self.write(target, self.mixed([[build.add(start, one) for one in columns] for start in starts], weights))

    def mixed(self, places: list[list[ir.Value]], weights: ir.Value) -> Any:
        """The sum over four rows of four pixels each, whose numbers are given."""
        raise NotImplementedError

    def write(self, target: ir.Value, total: Any) -> None:
        raise NotImplementedError

    def _weights(self, shares: ir.Value) -> ir.Value:
        """Those of the four columns, then those of the four rows; a share is the distance from the second."""
        build = self.build
        if self.kind != self.double:
            shares = build.fptrunc(shares, self.ir.VectorType(self.kind, 2))
        t = self.picked(shares, shares, [0, 0, 0, 0, 1, 1, 1, 1])
        signs, offsets = self.vector(self.kind, *[1, 1, -1, -1] * 2), self.vector(self.kind, *[1, 0, 1, 2] * 2)
        d = build.fadd(build.fmul(t, signs), offsets)  # how far each of the four is
        a = SLOPE
        near = build.fsub(build.fmul(self._all(a + 2), d), self._all(a + 3))
        near = build.fadd(build.fmul(build.fmul(near, d), d), self._all(1))
        far = build.fsub(build.fmul(self._all(a), d), self._all(5 * a))
        far = build.fadd(build.fmul(far, d), self._all(8 * a))
        far = build.fsub(build.fmul(far, d), self._all(4 * a))
        return self.picked(far, near, [0, 9, 10, 3, 4, 13, 14, 7])

    def _all(self, value: float) -> ir.Value:
        return self.vector(self.kind, *[value] * 8)

    def _indices(self, left: ir.Value, above: ir.Value) -> tuple[list[ir.Value], list[ir.Value]]:
        """Of the four columns and rows; only beyond the border there is something to reflect."""
        build = self.build
        plain = [build.add(first, self.number(step)) for first in (left, above) for step in range(-1, 3)]
        ends = ((plain[0], plain[3], self.last_column), (plain[4], plain[7], self.last_row))
        within = [
            build.and_(build.icmp_signed(">=", low, self.number(0)), build.icmp_signed("<=", high, last))
            for low, high, last in ends
        ]
        before = build.block
        with build.if_then(build.not_(build.and_(*within)), likely=False):
            folded = [self.reflected(one, self.last_column) for one in plain[:4]]
            folded += [self.reflected(one, self.last_row) for one in plain[4:]]
            beyond = build.block
        found = []
        for own, other in zip(plain, folded, strict=True):
            index = build.phi(self.long)
            index.add_incoming(own, before)
            index.add_incoming(other, beyond)
            found.append(index)
        return found[:4], found[4:]


class _Plane(_Bicubic):
    """One channel."""

    def mixed(self, places: list[list[ir.Value]], weights: ir.Value) -> ir.Value:
        build, zero = self.build, self.ir.Constant(self.kind, 0.0)
        total = zero
        for row, down in zip(places, range(4, 8), strict=True):
            part = zero
            for place, across in zip(row, range(4), strict=True):
                value = self.value(place)
                part = build.fadd(part, build.fmul(value, self.lane(weights, across)))
            total = build.fadd(total, build.fmul(part, self.lane(weights, down)))
        return total

    def value(self, place: ir.Value) -> ir.Value:
        """That of a pixel, whose number is given."""
        return self.load(self.pointers_given[0], place)

    def write(self, target: ir.Value, total: ir.Value) -> None:
        self.build.store(total, self.build.gep(self.pointers_given[1], [target]))


class Doubles(_Plane):
    name, pointers, numbers = "doubles", "ddd", 4

    @property
    def kind(self) -> Any:
        return self.double


class Floats(_Plane):
    name, pointers, numbers = "floats", "ffd", 4

    @property
    def kind(self) -> Any:
        return self.float


class FineColours(Floats):
    """Three channels of 16 bits, each summed as one channel of floats is."""

    name, pointers, numbers = "fine_colours", "hfd", 4

    def mixed(self, places: list[list[ir.Value]], weights: ir.Value) -> Any:
        return [super(FineColours, self).mixed(self._of_channel(places, channel), weights) for channel in range(3)]

    def _of_channel(self, places: list[list[ir.Value]], channel: int) -> list[list[ir.Value]]:
        return [[self.at(place, 3, channel) for place in row] for row in places]

    def value(self, place: ir.Value) -> ir.Value:
        return self.build.uitofp(self.load(self.pointers_given[0], place), self.float)

    def write(self, target: ir.Value, total: Any) -> None:
        for channel, value in enumerate(total):
            super().write(self.at(target, 3, channel), value)


class Colours(_Bicubic):
    """Four channels of 8 bits: those of four rows side by side, in 16 lanes."""

    name, pointers, numbers = "colours", "wwd", 4

    def body(self, *arguments: ir.Value) -> None:
        self.four, self.many = self.ir.VectorType(self.float, 4), self.ir.VectorType(self.float, 16)
        self.rint = self.intrinsic("rint", self.four)
        super().body(*arguments)

    @property
    def kind(self) -> Any:
        return self.float

    def mixed(self, places: list[list[ir.Value]], weights: ir.Value) -> ir.Value:
        build = self.build
        rows = None  # not 0: whether the sum of nothing is 0 or -0 shows in no 8-bit value
        for across in range(4):
            part = build.fmul(
                self._levels([row[across] for row in places]), self.picked(weights, weights, [across] * 16)
            )
            rows = part if rows is None else build.fadd(rows, part)
        rows = build.fmul(rows, self.picked(weights, weights, [4 + number // 4 for number in range(16)]))
        parts = [self.picked(rows, rows, list(range(start, start + 4))) for start in range(0, 16, 4)]
        return build.fadd(build.fadd(build.fadd(parts[0], parts[1]), parts[2]), parts[3])

    def _levels(self, places: list[ir.Value]) -> ir.Value:
        """All channels of four pixels."""
        build = self.build
        words = self.ir.Constant(self.ir.VectorType(self.short, 4), self.ir.Undefined)
        for number, place in enumerate(places):
            word = self.load(self.pointers_given[0], place)
            words = build.insert_element(words, word, self.ir.Constant(self.short, number))
        return build.uitofp(build.bitcast(words, self.ir.VectorType(self.byte, 16)), self.many)

    def write(self, target: ir.Value, total: ir.Value) -> None:
        build = self.build
        total = self.at_least(total, self.vector(self.float, 0, 0, 0, 0))
        total = self.rint(self.at_most(total, self.vector(self.float, 255, 255, 255, 255)))
        levels = build.fptosi(total, self.ir.VectorType(self.short, 4))
        levels = build.trunc(levels, self.ir.VectorType(self.byte, 4))
        word = build.bitcast(levels, self.short)
        build.store(word, build.gep(self.pointers_given[1], [target]))
