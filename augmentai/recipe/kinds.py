"""Kinds of recipe fields: which values each accepts, how it parses them, and how it describes them.

A field's kind is the only place that knows its values: `Recipe` checks with it, and the command line, the API, the page
and the docs ask it what to show.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from numbers import Real
from typing import Any, ClassVar, get_args

from augmentai import registry

Titled = tuple[str, str]  # what a page shows, and the value it stands for


class RecipeError(ValueError):
    """A recipe asks for something impossible; the message names the field, what was found and what is allowed."""


def is_number(value: object) -> bool:
    """Whether it counts as a number: True and False do not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def shown(value: object) -> str:
    """A value for an error message, shortened if it is long."""
    return reprlib.repr(value)


class Kind:
    """A kind of field. Each says what it expects, checks a value, and parses one from text.

    Attributes:
        repeatable: whether the field holds several items, each typed with its own flag.
        metavar: what stands for a value in the help of the command line.
    """

    repeatable: ClassVar[bool] = False
    metavar: ClassVar[str] = "NAME"

    def expected(self) -> str:
        """What a value must be, for an error message: "a whole number from 1 to 16"."""
        raise NotImplementedError

    def accepts(self, value: Any) -> bool:
        """Whether a value is one of this kind."""
        raise NotImplementedError

    def normalize(self, value: Any) -> Any:
        """An accepted value as the field stores it: NumPy's and a form's own kinds of numbers become Python's."""
        return value

    def check(self, name: str, value: Any) -> Any:
        """A value as the field stores it.

        Args:
            name: the field's name, for the message.
            value: what was asked for.

        Raises:
            RecipeError: the value is not of this kind.
        """
        if not self.accepts(value):
            raise RecipeError(f"{name} is {shown(value)}; expected {self.expected()}")
        return self.normalize(value)

    def parse(self, text: str) -> Any:
        """A value from typed text; text that cannot be parsed is returned as it is, for `check` to reject."""
        return text

    def typed(self, value: Any) -> list[str]:
        """A value as it is typed, one text for each flag: the inverse of `parse`."""
        return [str(value)]

    def combine(self, items: Sequence[Any]) -> Any:
        """The value of a repeatable field from what was parsed for each of its flags."""
        return list(items)

    def update(self, value: Any, typed: Any) -> Any:
        """What a field becomes whose value in a saved recipe is `value` when `typed` is typed."""
        return typed

    def choices(self) -> tuple[str, ...]:
        """The values of a closed set, or those installed of an open one; empty for all other kinds."""
        return ()

    def titled(self) -> list[Titled]:
        """The choices with the titles that a page shows."""
        return [(name, name) for name in self.choices()]

    def values(self) -> str:
        """The possible values in a few characters, for help and tables: "1..16", "auto|none|flip"."""
        return "|".join(self.choices())


@dataclass(frozen=True)
class Text(Kind):
    """Any text up to a length."""

    max_chars: int
    metavar = "TEXT"

    def expected(self) -> str:
        return "text"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str)

    def check(self, name: str, value: Any) -> Any:
        text = super().check(name, value)
        if len(text) > self.max_chars:
            raise RecipeError(f"{name} has {len(text):,} characters; at most {self.max_chars:,} are allowed")
        return text

    def values(self) -> str:
        return "text"


@dataclass(frozen=True)
class WholeNumber(Kind):
    """A whole number within bounds, both included."""

    low: int
    high: int
    metavar = "N"

    def expected(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def accepts(self, value: Any) -> bool:
        return is_number(value) and bool(self.low <= value <= self.high) and value == int(value)

    def normalize(self, value: Any) -> int:
        return int(value)  # a web form sends 4.0, NumPy its own kinds of 4

    def parse(self, text: str) -> Any:
        try:
            return int(text)
        except ValueError:
            return text

    def values(self) -> str:
        return f"{self.low}..{self.high}"


@dataclass(frozen=True)
class Fraction(Kind):
    """A number from 0 to 1, or one of the words in `words`."""

    words: tuple[str, ...] = ()
    metavar = "0..1"

    def expected(self) -> str:
        return ", or ".join(("a number from 0 to 1", *self.words))

    def accepts(self, value: Any) -> bool:
        if isinstance(value, str):
            return value in self.words
        return is_number(value) and bool(0 <= value <= 1)

    def normalize(self, value: Any) -> float | str:
        return value if isinstance(value, str) else abs(float(value))  # -0.0 is 0.0

    def parse(self, text: str) -> Any:
        try:
            return text if text in self.words else float(text)
        except ValueError:
            return text

    def values(self) -> str:
        return "|".join(("0..1", *self.words))


@dataclass(frozen=True)
class Switch(Kind):
    """True or False."""

    def expected(self) -> str:
        return "True or False"

    def accepts(self, value: Any) -> bool:
        return type(value).__name__ in {"bool", "bool_"}  # NumPy has its own kind

    def normalize(self, value: Any) -> bool:
        return bool(value)

    def parse(self, text: str) -> Any:
        return {"true": True, "false": False}.get(text.lower(), text)

    def values(self) -> str:
        return "true|false"


@dataclass(frozen=True)
class Choice(Kind):
    """One word of a closed set.

    Args:
        of: the `Literal` that the field has as its type.
        titles: what a page calls each of its words, in the same order.
        local: words that make no sense where the result is a ZIP for a browser; neither page nor API offers them.
    """

    of: Any
    titles: tuple[str, ...]
    local: tuple[str, ...] = ()

    def expected(self) -> str:
        return f"one of {', '.join(self.choices())}"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.choices()

    def choices(self) -> tuple[str, ...]:
        return get_args(self.of)

    def titled(self) -> list[Titled]:
        return [
            (title, name) for title, name in zip(self.titles, self.choices(), strict=True) if name not in self.local
        ]


@dataclass(frozen=True)
class Registered(Kind):
    """A name from the registry, or one of a few words of the field's own.

    Args:
        kind: which part of the registry.
        titles: {word of the field's own: what a page calls it}; these come first.
        has: which of the registered objects qualify; None for all.
    """

    kind: registry.Kind
    titles: Mapping[str, str]
    has: Callable[[Any], bool] | None = None

    def expected(self) -> str:
        remedy = f"install that package (it must offer the entry point augmentai.{self.kind})"
        return f"one of {', '.join(self.choices())}. If it comes from another package, {remedy}"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and (value in self.titles or value in self._names())

    def choices(self) -> tuple[str, ...]:
        return (*self.titles, *self._names())

    def titled(self) -> list[Titled]:
        own = [(title, name) for name, title in self.titles.items()]
        return own + [(title_of(self.kind, name), name) for name in self._names()]

    def _names(self) -> list[str]:
        names = [name for name in registry.names(self.kind) if name not in self.titles]
        return [name for name in names if self._qualifies(name)]

    def _qualifies(self, name: str) -> bool:
        try:
            return self.has is None or self.has(registry.find(self.kind, name))
        except registry.RegistryError:
            return False  # a package that cannot be loaded


@dataclass(frozen=True)
class Numbers(Kind):
    """Numbers by name: an instance of a frozen dataclass of nothing but numbers from 0, or a mapping of its fields.

    On the command line each has its own flag: NAME=VALUE.
    """

    of: type[Any]
    singular: str
    repeatable = True
    metavar = "NAME=VALUE"

    def expected(self) -> str:
        return f"numbers by name ({', '.join(self.choices())})"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, self.of | Mapping)

    def check(self, name: str, value: Any) -> Any:
        value = super().check(name, value)
        if isinstance(value, self.of):
            return value
        if unknown := [str(key) for key in value if key not in self.choices()]:
            raise RecipeError(
                f"there is no {self.singular} {', '.join(unknown)}; there are {', '.join(self.choices())}"
            )
        return self.of(**value)

    def parse(self, text: str) -> Any:
        """One of them: "near_copy=2"."""
        name, _, number = text.partition("=")
        try:
            return {name: float(number)}
        except ValueError:
            return {name: number}

    def typed(self, value: Any) -> list[str]:
        usual = asdict(self.of())
        return [f"{name}={number:g}" for name, number in asdict(value).items() if number != usual[name]]

    def combine(self, items: Sequence[Any]) -> Any:
        return {name: number for item in items for name, number in item.items()}

    def update(self, value: Any, typed: Any) -> Any:
        return replace(value, **typed)

    def choices(self) -> tuple[str, ...]:
        return tuple(one.name for one in fields(self.of))

    def values(self) -> str:
        return self.metavar


def title_of(kind: registry.Kind, name: str) -> str:
    """What a page calls something registered, with the few words that it adds to its title: "Painter (hosted, paid)".

    It is the name alone if it states no title or cannot be loaded.
    """
    try:
        found = registry.find(kind, name)
    except registry.RegistryError:
        return name  # the message comes when it is used
    blurb = getattr(found, "blurb", "")
    return (getattr(found, "title", "") or name) + (f" ({blurb})" if blurb else "")


def group_of(kind: registry.Kind, name: str) -> str:
    """The group under which something registered is listed; "" if it has none or cannot be loaded."""
    try:
        return str(getattr(registry.find(kind, name), "group", ""))
    except registry.RegistryError:
        return ""
