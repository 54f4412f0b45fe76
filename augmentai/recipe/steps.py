"""Steps of a recipe, such as its operations: names from the registry, alone or with parameters.

As text a step is `flip`, or `crop(scale=0.5..1, probability=0.5)`; several are separated by commas.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from augmentai import registry
from augmentai.recipe.kinds import Kind, RecipeError, Titled, group_of, shown, title_of

Step = str | Mapping[str, Any]  # a name, or {name: parameters}

_STEP = re.compile(r"\s*([\w.-]+)\s*(?:\(([^()]*)\))?\s*")
_EXAMPLE = "a name such as flip, or a name with parameters such as crop(scale=0.5..1)"


@dataclass(frozen=True)
class Steps(Kind):
    """A list of steps: `["flip", {"crop": {"scale": [0.5, 1]}}]`.

    A step may also be text or an object with `as_step`. A recipe stores them as a tuple in which each is a name, or
    {name: parameters} with those that are not the default. On the command line each has its own flag.

    Attributes:
        kind: which part of the registry the names come from. What is registered there is a class with `name`,
            `from_parameters` and `as_step`, as `augmentai.operations.Operation` is.
        most: how many there may be.
        bundles: the part of the registry in which names stand for several steps (their `steps`); None if there is none.
            A recipe stores what they stand for.
    """

    kind: registry.Kind
    most: int
    bundles: registry.Kind | None = None
    repeatable = True
    metavar = "NAME[(...)]"

    def expected(self) -> str:
        return f"a list of at most {self.most} names, or of {{name: parameters}} ({', '.join(self.choices())})"

    def accepts(self, value: Any) -> bool:
        items = _items(value)
        return items is not None and len(items) <= self.most

    def check(self, name: str, value: Any) -> tuple[Step, ...]:
        items = _items(value)
        if items is None or len(items) > self.most:
            raise RecipeError(f"{name} is {shown(value)}; expected {self.expected()}")
        stored = tuple(step for item in items for step in self._stored(name, item))
        if len(stored) > self.most:
            raise RecipeError(f"{name} come to {len(stored)} steps; expected {self.expected()}")
        return stored

    def typed(self, value: Any) -> list[str]:
        return [format_step(step) for step in value]

    def choices(self) -> tuple[str, ...]:
        return (*registry.names(self.kind), *self._bundles())

    def _bundles(self) -> tuple[str, ...]:
        """Names of bundles; a step of the same name comes first."""
        names = registry.names(self.bundles) if self.bundles else ()
        return tuple(name for name in names if name not in registry.names(self.kind))

    def titled(self) -> list[Titled]:
        """Each with its group before it, those of a group together, groups in the order of the registry."""
        grouped: dict[str, list[Titled]] = {}
        for name in self.choices():
            kind = self.bundles if self.bundles and name in self._bundles() else self.kind
            group, title = group_of(kind, name), title_of(kind, name)
            grouped.setdefault(group, []).append((f"{group}: {title}" if group else title, name))
        return [titled for group in grouped.values() for titled in group]

    def values(self) -> str:
        return "NAME[(key=value, ...)]"

    def _stored(self, field: str, item: Step) -> list[Step]:
        """A step as the recipe stores it, or the steps of a bundle, once it is certain that they can be made."""
        try:
            name, parameters = parse_step(item) if isinstance(item, str) else next(iter(item.items()))
            if self.bundles is None or name not in self._bundles():
                return [make_step(self.kind, name, parameters or {}).as_step()]
            if parameters:
                raise RecipeError(f"the bundle {name} has no parameters; list its operations one by one instead")
            return [step for one in registry.find(self.bundles, name).steps for step in self._stored(field, one)]
        except registry.RegistryError as error:
            raise RecipeError(f"{field}: {error}") from error
        except RecipeError as error:
            raise RecipeError(f"{field}: {str(error).removeprefix(f'{field}: ')}") from error


def make_step(kind: registry.Kind, name: str, parameters: Mapping[str, Any]) -> Any:
    """The registered object of a step, made with its parameters.

    Raises:
        RecipeError: a parameter is not allowed.
        RegistryError: there is nothing of that name, or its package is faulty.
    """
    found = registry.find(kind, name)
    entry = registry.registered(kind)[name]
    whose = f"{name!r} of the package {entry.package or 'augmentai'} ({entry.target})"
    if not hasattr(found, "from_parameters") or getattr(found, "name", None) != name:
        what = f"{whose} is not a class with the name {name!r} and parameters of its own"
        raise registry.RegistryError(f"{what}; update or remove that package")
    try:
        return found.from_parameters(parameters)
    except TypeError as error:
        raise registry.RegistryError(f"{whose} cannot be made ({error}); update or remove that package") from error


def step_names(steps: Iterable[Step]) -> list[str]:
    """The names of a recipe's steps, in order.

    Example:
        >>> step_names(["flip", {"crop": {"scale": [0.5, 1]}}])
        ['flip', 'crop']
    """
    return [step if isinstance(step, str) else next(iter(step)) for step in steps]


def split_steps(text: str) -> list[str]:
    """The steps in a text, separated by commas, semicolons or line breaks.

    Example:
        >>> split_steps("flip, crop(scale=0.5..1, probability=0.5)")
        ['flip', 'crop(scale=0.5..1, probability=0.5)']
    """
    parts = re.split(r"[,;\n](?![^()]*\))", text)
    return [part.strip() for part in parts if part.strip()]


def parse_step(text: str) -> tuple[str, dict[str, str]]:
    """The name of a step and its parameters, as text.

    Raises:
        RecipeError: it is not a step.

    Example:
        >>> parse_step("crop(scale=0.5..1)")
        ('crop', {'scale': '0.5..1'})
    """
    match = _STEP.fullmatch(text)
    pairs = [pair.partition("=") for pair in (match[2] or "").split(",") if pair.strip()] if match else []
    parameters = {key.strip(): value.strip() for key, _, value in pairs}
    if len(parameters) < len(pairs):
        repeated = next(key for key, times in Counter(key.strip() for key, _, _ in pairs).items() if times > 1)
        raise RecipeError(f"{shown(text)} is not understood: {repeated} is given more than once")
    if match is None or not all(key and value for key, value in parameters.items()):
        raise RecipeError(f"{shown(text)} is not understood; expected {_EXAMPLE}")
    return match[1], parameters


def format_step(step: Step) -> str:
    """A step as text, which `parse_step` reads back.

    Example:
        >>> format_step({"crop": {"scale": [0.5, 1.0]}})
        'crop(scale=0.5..1)'
    """
    if isinstance(step, str):
        return step
    ((name, parameters),) = step.items()
    return f"{name}({', '.join(f'{key}={_as_text(value)}' for key, value in parameters.items())})"


def format_steps(steps: Iterable[Step]) -> str:
    """Several steps as text, separated by commas."""
    return ", ".join(map(format_step, steps))


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "..".join(map(_as_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _items(value: Any) -> list[Step] | None:
    """The steps of a value, one by one; None if it is not a list of them."""
    if value is None or isinstance(value, str):
        return [*split_steps(value or "")]
    if isinstance(value, Mapping) or not hasattr(value, "__iter__"):
        return None
    items: list[Step] = []
    for item in value:
        step = item.as_step() if hasattr(item, "as_step") else item
        if isinstance(step, str):
            items += split_steps(step) or [step]
        elif _is_step(step):
            items.append(step)
        else:
            return None
    return items


def _is_step(item: Any) -> bool:
    """Whether it is {name: parameters}; YAML reads a name with nothing after its colon as {name: None}."""
    if not isinstance(item, Mapping) or len(item) != 1:
        return False
    ((name, parameters),) = item.items()
    return isinstance(name, str) and isinstance(parameters, Mapping | None)
