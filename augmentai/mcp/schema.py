"""JSON Schema of the tools' arguments, generated from the table of recipe fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from augmentai.recipe.fields import FIELDS, RecipeField
from augmentai.recipe.kinds import Fraction, Kind, Numbers, Switch, Text, WholeNumber
from augmentai.recipe.steps import Steps

Schema = dict[str, Any]

PATHS: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "minItems": 1,
    "description": "Images, folders (class folders and labelled datasets are recognised), ZIPs and TARs of this "
    "computer. Web addresses are refused.",
}


def of_object(properties: Mapping[str, Schema], required: Collection[str] = ()) -> Schema:
    """The schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def recipe_properties(names: Collection[str] | None = None) -> dict[str, Schema]:
    """A property for each of these fields of the recipe; for every field if none are named.

    Example:
        >>> recipe_properties(["variations"])["variations"]["maximum"]
        16
    """
    return {field.name: _of_field(field) for field in FIELDS if names is None or field.name in names}


def _of_field(field: RecipeField) -> Schema:
    default: Any = field.default
    if is_dataclass(default) and not isinstance(default, type):
        default = asdict(default)
    default = list(default) if isinstance(default, tuple) else default
    return {**_of_kind(field.kind), "default": default, "description": field.setting.help}


def _of_kind(kind: Kind) -> Schema:
    if isinstance(kind, Switch):
        return {"type": "boolean"}
    if isinstance(kind, WholeNumber):
        return {"type": "integer", "minimum": kind.low, "maximum": kind.high}
    if isinstance(kind, Fraction):
        number = {"type": "number", "minimum": 0, "maximum": 1}
        return {"anyOf": [number, {"enum": list(kind.words)}]} if kind.words else number
    if isinstance(kind, Numbers):
        numbers = {name: {"type": "number", "minimum": 0} for name in kind.choices()}
        return {"type": "object", "properties": numbers, "additionalProperties": False}
    if isinstance(kind, Steps):
        return {"type": "array", "items": _of_step(kind), "maxItems": kind.most}
    if isinstance(kind, Text):
        return {"type": "string", "maxLength": kind.max_chars}
    names = list(kind.choices())
    return {"enum": names} if names else {"type": "string"}


def _of_step(kind: Steps) -> Schema:
    """A step is a name, a name with parameters as text, or {name: parameters}."""
    with_parameters = {"type": "string", "pattern": r"^\s*[\w.-]+\s*\([^()]*\)\s*$", "examples": ["crop(scale=0.5..1)"]}
    as_object = {"type": "object", "minProperties": 1, "maxProperties": 1}
    return {"anyOf": [{"enum": list(kind.choices())}, with_parameters, as_object]}
