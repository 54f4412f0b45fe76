"""Engines, operations and dataset formats by name: built in, or from entry points of other installed packages.

A package adds an engine with two lines in its pyproject.toml, and nothing here changes:

    [project.entry-points."augmentai.engines"]
    my_engine = "my_package:MyEngine"

Operations go into the group `augmentai.operations`, bundles of them into `augmentai.bundles`, dataset formats into
`augmentai.formats`. Names are read without importing anything; an object is imported when it is first used.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal

Kind = Literal["engines", "operations", "bundles", "formats"]

# Each of these modules has a BUILT_IN dictionary: {name: "module:object"}.
_HOMES: dict[Kind, str] = {
    "engines": "augmentai.engines",
    "operations": "augmentai.operations",
    "bundles": "augmentai.operations.bundles",
    "formats": "augmentai.dataset.formats",
}
_SINGULAR: dict[Kind, str] = {
    "engines": "engine",
    "operations": "operation",
    "bundles": "bundle",
    "formats": "dataset format",
}
_RESERVED: dict[Kind, tuple[str, ...]] = {
    "engines": ("auto",),
    "operations": (),
    "bundles": (),
    "formats": ("auto", "same"),
}

_NAME = re.compile(r"[\w.-]+")  # what a step of a recipe may be called (`augmentai.recipe.steps`)

_log = logging.getLogger(__name__)


class RegistryError(ValueError):
    """Nothing has that name, or it cannot be imported; the message says what is installed and what to do."""


@dataclass(frozen=True)
class Registered:
    """One name in the registry.

    Attributes:
        name: what recipes, flags and manifests call it.
        target: where it is, as "module:object".
        package: the installed package it comes from, with its version ("my-package 1.2"); "" if it is built in.
    """

    name: str
    target: str
    package: str = ""


@cache
def registered(kind: Kind) -> dict[str, Registered]:
    """Everything of one kind: what is built in, then what other packages add, by package and name.

    A package cannot replace a name that is built in or reserved, nor use one that a flag could not spell. If two
    packages use one name, the first by package name gets it, so that the result does not depend on the order of
    installation. What is ignored is logged.

    Args:
        kind: "engines", "operations", "bundles" or "formats".

    Returns:
        {name: where it is}. Nothing has been imported.

    Example:
        >>> "auto" in registered("engines")
        False
        >>> registered("formats")["coco"].package
        ''
    """
    built_in: dict[str, str] = import_module(_HOMES[kind]).BUILT_IN
    found = {name: Registered(name, target) for name, target in built_in.items()}
    plugins = [
        Registered(point.name, point.value, f"{point.dist.name} {point.dist.version}" if point.dist else "")
        for point in entry_points(group=f"augmentai.{kind}")
    ]
    for plugin in sorted(plugins, key=lambda one: (one.package, one.name)):
        if not _NAME.fullmatch(plugin.name) or plugin.name in found or plugin.name in _RESERVED[kind]:
            _log.warning(_ignored(kind, plugin, found.get(plugin.name)))
        else:
            found[plugin.name] = plugin
    return found


def _ignored(kind: Kind, plugin: Registered, owner: Registered | None) -> str:
    if not _NAME.fullmatch(plugin.name):
        why = "a name has letters, digits and . _ - only"
    else:
        why = f"the package {owner.package} has that name" if owner and owner.package else "that name is built in"
    return f"the {_SINGULAR[kind]} {plugin.name!r} of the package {plugin.package} is ignored: {why}"


def names(kind: Kind) -> tuple[str, ...]:
    """The names of one kind, in the registry's order.

    Args:
        kind: "engines", "operations", "bundles" or "formats".
    """
    return tuple(registered(kind))


def packages_of(kind: Kind, names: Iterable[str]) -> tuple[str, ...]:
    """The packages that these names come from, with their versions ("my-package 1.2"); what is built in has none."""
    known = registered(kind)
    return tuple(dict.fromkeys(known[name].package for name in names if name in known and known[name].package))


def find(kind: Kind, name: str) -> Any:
    """The object registered under a name, imported when first asked for.

    Args:
        kind: "engines", "operations", "bundles" or "formats".
        name: its name.

    Raises:
        RegistryError: there is none of that name, or its package cannot be imported.
    """
    entry = registered(kind).get(name)
    if entry is None:
        raise RegistryError(unknown(kind, name))
    return _imported(kind, entry)


def unknown(kind: Kind, name: object) -> str:
    """Why a name cannot be used, in words: what is installed, and what to do."""
    what = _SINGULAR[kind]
    return (
        f"there is no {what} {str(name)[:80]!r}; installed: {', '.join(names(kind))}. If it comes from another "
        f"package, install that package (it must offer the entry point augmentai.{kind})"
    )


@cache
def _imported(kind: Kind, entry: Registered) -> Any:
    module, _, attribute = entry.target.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:  # another package's import may fail in any way
        origin = f" of the package {entry.package}" if entry.package else ""
        raise RegistryError(
            f"the {_SINGULAR[kind]} {entry.name!r}{origin} cannot be loaded ({type(error).__name__}: {error}); "
            "reinstall or remove that package"
        ) from error
