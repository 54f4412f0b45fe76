"""Parameters of operations: a kind (which values it takes), a default and a line of help for each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from augmentai.recipe.kinds import Kind, is_number

_METADATA = "parameter"


@dataclass(frozen=True)
class Parameter:
    """The definition of an operation's parameter.

    Attributes:
        name: as recipes spell it.
        default: its value if a recipe gives none.
        kind: the values it takes.
        help: what it does, in one line.
    """

    name: str
    default: Any
    kind: Kind
    help: str


def parameter(default: Any, kind: Kind, help: str) -> Any:
    """A parameter of an operation, to be assigned to an annotated name in its class.

    Args:
        default: its value if a recipe gives none.
        kind: the values it takes: `Number`, `Range`, or one of `augmentai.recipe.kinds` such as `WholeNumber`, `Switch`
            or `Choice`.
        help: what it does, in one line.
    """
    return dataclasses.field(default=default, metadata={_METADATA: (kind, help)})


def parameters_of(operation: type[Any]) -> dict[str, Parameter]:
    """The parameters of an operation's class, by name, in the order of their declaration."""
    return {
        one.name: Parameter(one.name, one.default, *one.metadata[_METADATA])
        for one in dataclasses.fields(operation)
        if _METADATA in one.metadata
    }


@dataclass(frozen=True)
class Number(Kind):
    """A number within bounds, both included.

    Args:
        low, high: the bounds.

    Example:
        >>> Number(0, 45).check("degrees", 10)
        10.0
    """

    low: float
    high: float

    def expected(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    def accepts(self, value: Any) -> bool:
        return is_number(value) and bool(self.low <= value <= self.high)

    def normalize(self, value: Any) -> float:
        return float(value) + 0.0  # -0.0 is 0.0

    def parse(self, text: str) -> Any:
        return _number(text)

    def values(self) -> str:
        return f"{self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Range(Kind):
    """Two numbers within bounds, the lower one first, between which a value is drawn; one number stands for both.

    Args:
        low, high: the bounds.

    Example:
        >>> Range(0, 1).check("scale", [0.5, 1])
        (0.5, 1.0)
        >>> Range(0, 1).check("scale", 0.5)
        (0.5, 0.5)
        >>> Range(0, 1).parse("0.5..1")
        [0.5, 1.0]
    """

    low: float
    high: float

    def expected(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}, or two of them with the lower one first"

    def accepts(self, value: Any) -> bool:
        ends = value if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
        if len(ends) != 2 or not all(is_number(end) for end in ends):
            return False
        return bool(self.low <= ends[0] <= ends[1] <= self.high)

    def normalize(self, value: Any) -> tuple[float, float]:
        start, end = value if isinstance(value, Sequence) else (value, value)
        return float(start) + 0.0, float(end) + 0.0

    def parse(self, text: str) -> Any:
        start, dots, end = text.partition("..")
        return [_number(start), _number(end)] if dots else _number(start)

    def values(self) -> str:
        return f"{self.low:g}..{self.high:g}"


def _number(text: str) -> Any:
    """What cannot be parsed is returned as it is, for `check` to reject."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
