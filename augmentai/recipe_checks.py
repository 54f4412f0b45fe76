"""Checks of a recipe's fields. Each raises RecipeError, and puts the value into the kind that the field has."""

from __future__ import annotations

import reprlib
from numbers import Real
from typing import Any


class RecipeError(ValueError):
    """A recipe asks for something that cannot be; the message names the field, what was found and what is allowed."""


def whole(recipe: object, name: str, low: int, high: int) -> None:
    """A field has to be a whole number in this range; it becomes an int."""
    value: Any = getattr(recipe, name)
    fits = is_number(value) and low <= value <= high and value == int(value)
    if not fits:
        raise RecipeError(f"{name} is {shown(value)}; expected a whole number from {low} to {high}")
    object.__setattr__(recipe, name, int(value))  # a web form sends 4.0, numpy its own kinds of 4


def share(recipe: object, name: str, or_else: str = "") -> None:
    """A field has to be a number from 0 to 1; it becomes a float. or_else: what else would do, in words."""
    value: Any = getattr(recipe, name)
    if not (is_number(value) and 0 <= value <= 1):
        raise RecipeError(f"{name} is {shown(value)}; expected a number from 0 to 1{or_else}")
    object.__setattr__(recipe, name, abs(float(value)))  # -0.0 is 0.0


def yes_or_no(recipe: object, name: str) -> None:
    """A field has to be True or False."""
    value: Any = getattr(recipe, name)
    if type(value).__name__ not in {"bool", "bool_"}:  # numpy has a kind of its own
        raise RecipeError(f"{name} is {shown(value)}; expected True or False")
    object.__setattr__(recipe, name, bool(value))


def is_number(value: object) -> bool:
    """Whether it counts as a number: True and False do not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def one_of(recipe: object, name: str, allowed: tuple[str, ...]) -> None:
    """A field has to be one of these words."""
    value = getattr(recipe, name)
    if not isinstance(value, str) or value not in allowed:
        raise RecipeError(f"{name} is {shown(value)}; expected one of {', '.join(allowed)}")


def shown(value: object) -> str:
    """A value as it is told in a message, however long it is."""
    return reprlib.repr(value)
