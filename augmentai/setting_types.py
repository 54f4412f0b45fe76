"""How the text of an environment variable is parsed if a plain number or word is not enough."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode


def _stripped(value: object) -> object:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return value.strip() if isinstance(value, str) else value


def _pairs(value: object) -> object:
    """A mapping out of "name=value,name=value" or JSON."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return json.loads(value)
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    for name, equals, _ in pairs:
        if not equals:
            raise ValueError(f"{name.strip()!r} has no value; expected name=value,name=value")
    return {name.strip(): text.strip() for name, _, text in pairs}


def _names(value: object) -> object:
    """Lower-case names out of "name,name"."""
    return tuple(name.strip().lower() for name in value.split(",") if name.strip()) if isinstance(value, str) else value


Stripped = BeforeValidator(_stripped)
HostName = Annotated[str, Field(pattern=r"^(\*\.)?[^\s:/*@\[\]]+$|^[0-9a-f:.]+$")]
HostNames = Annotated[tuple[HostName, ...], NoDecode, BeforeValidator(_names)]
Credits = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Prices = Annotated[dict[str, Credits], NoDecode, BeforeValidator(_pairs)]
Fields = Annotated[dict[str, str | int | float], NoDecode, BeforeValidator(_pairs)]
