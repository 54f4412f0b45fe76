"""Applies a recipe's operations to one variation, in order, and repeats what a manifest recorded."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from random import Random
from typing import TYPE_CHECKING, Any

from augmentai import registry
from augmentai.operations.base import DrawSettings, Operation, OperationError
from augmentai.recipe.steps import Step, make_step

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import Labels


@dataclass(frozen=True)
class Applied:
    """An image and its labels after the operations.

    Attributes:
        image: of the same size and mode as before.
        labels: in its pixels; None if there are none.
        details: for the manifest: {"operations": [{"name": ..., "drawn": {...}}, ...]}, each with "package" if
            it comes from another one; empty if none was applied.
    """

    image: Image = field(repr=False)
    labels: Labels | None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def moved(self) -> bool:
        """An operation was applied, so that pixels moved or changed in a way that the recipe asked for."""
        return bool(self.details)


def build_operations(steps: Iterable[Step]) -> tuple[Operation, ...]:
    """The operations of a recipe.

    Args:
        steps: as `Recipe.operations` holds them.

    Raises:
        RegistryError: an operation is not installed, or its package is faulty.

    Example:
        >>> build_operations([{"crop": {"scale": [0.5, 1.0]}}])
        (Crop(probability=1.0, scale=(0.5, 1.0)),)
    """
    pairs = [(step, {}) if isinstance(step, str) else next(iter(step.items())) for step in steps]
    return tuple(make_step("operations", name, parameters) for name, parameters in pairs)


def apply_operations(
    image: Image,
    labels: Labels | None,
    operations: Sequence[Operation],
    seed: int,
    settings: DrawSettings | None = None,
) -> Applied:
    """Draws and applies operations, one after the other.

    What each draws depends on the variation's seed, on its name and on how many of the same name are before it: neither
    on other operations nor on other images.

    Args:
        image: of any mode that a variation may have (L, LA, RGB, RGBA, I;16, I, F).
        labels: in its pixels; None if there are none.
        operations: in the recipe's order.
        seed: the variation's own.
        settings: of the recipe.

    Raises:
        OperationError: one of them failed, or returned what it must not.

    Example:
        >>> from PIL import Image
        >>> from augmentai.operations.flip import Flip
        >>> applied = apply_operations(Image.new("RGB", (8, 6)), None, [Flip(probability=1)], seed=1)
        >>> applied.details["operations"][0]["drawn"]["mirrored"]
        True
    """
    settings = settings or DrawSettings()
    earlier: Counter[str] = Counter()
    records: list[dict[str, Any]] = []
    for operation in operations:
        rng = _random_numbers(seed, operation.name, earlier[operation.name])
        earlier[operation.name] += 1
        if rng.random() >= operation.probability:
            continue
        drawn = _drawn(operation, rng, image, labels, settings)
        if drawn is not None:
            image, labels = _apply(operation, image, labels, drawn)
            records.append({"name": operation.name, **_package(operation), "drawn": drawn})
    return Applied(image, labels, {"operations": records} if records else {})


def replay_operations(
    image: Image, labels: Labels | None, records: Iterable[Mapping[str, Any]]
) -> tuple[Image, Labels | None]:
    """Repeats what a manifest records under `details["operations"]`.

    Args:
        image: as it was before the operations.
        labels: likewise.
        records: the list of the manifest.

    Raises:
        RegistryError: an operation is not installed.
        OperationError: an operation failed.

    Example:
        >>> from PIL import Image
        >>> replay_operations(Image.new("L", (8, 6)), None, [])[0].size
        (8, 6)
    """
    for record in records:
        operation: Operation = registry.find("operations", record["name"])()
        image, labels = _apply(operation, image, labels, record["drawn"])
    return image, labels


def _random_numbers(seed: int, name: str, number: int) -> Random:
    digest = hashlib.sha256(f"{seed}:operation:{name}:{number}".encode()).digest()
    return Random(int.from_bytes(digest[:8], "big"))


def _drawn(
    operation: Operation, rng: Random, image: Image, labels: Labels | None, settings: DrawSettings
) -> dict[str, Any] | None:
    """What an operation draws, as it will be read from the manifest, so that both give the same pixels."""
    try:
        drawn = operation.draw(rng, image.size, labels, settings)
        plain = json.loads(json.dumps(drawn, allow_nan=False))
    except Exception as error:  # another package's code may fail in any way
        raise OperationError(f"{_named(operation)} could not draw parameters ({_words(error)})") from error
    if plain is not None and not isinstance(plain, dict):
        raise OperationError(f"{_named(operation)} drew {type(drawn).__name__}; expected a dictionary or None")
    return plain


def _apply(
    operation: Operation, image: Image, labels: Labels | None, drawn: Mapping[str, Any]
) -> tuple[Image, Labels | None]:
    own = image.copy() if _package(operation) else image  # another package's code may paint in place
    try:
        made, moved = operation.apply(own, labels, drawn)
    except MemoryError:
        raise
    except Exception as error:  # likewise
        raise OperationError(f"{_named(operation)} failed on this image ({_words(error)})") from error
    if fault := _fault_in_image(made, image) or _fault_in_labels(moved, labels):
        raise OperationError(f"{_named(operation)} {fault}")
    return made, moved


def _fault_in_image(made: Any, image: Image) -> str:
    """What is wrong with the image that an operation returned, in words."""
    if (getattr(made, "mode", None), getattr(made, "size", None)) == (image.mode, image.size):
        return ""
    known = hasattr(made, "mode") and hasattr(made, "size")
    found = f"an image of {_mode_and_size(made)}" if known else f"a {type(made).__name__} as the image"
    return f"returned {found}; expected {_mode_and_size(image)}"


def _mode_and_size(image: Image) -> str:
    return f"{image.mode} {image.width}x{image.height}"


def _fault_in_labels(moved: Any, labels: Labels | None) -> str:
    """What is wrong with the labels that an operation returned, in words."""
    if moved is labels:
        return ""
    if moved is None:
        return "lost the labels; it has to return them, moved or as they are"
    if labels is None:
        return "returned labels for an image that has none"
    if not isinstance(moved, type(labels)):
        return f"returned a {type(moved).__name__} as the labels; expected Labels"
    for shape in moved.shapes:
        numbers = (*(shape.box or ()), *(value for ring in shape.polygons for point in ring for value in point))
        if not all(map(isfinite, numbers)):
            return f"returned an object {shape.category!r} whose coordinates are not finite numbers"
    return ""


def _package(operation: Operation) -> dict[str, str]:
    packages = registry.packages_of("operations", [operation.name])
    return {"package": packages[0]} if packages else {}


def _named(operation: Operation) -> str:
    origin = "".join(f" of the package {package}" for package in _package(operation).values())
    return f"the operation {operation.name!r}{origin}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
