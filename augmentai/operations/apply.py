"""Applies a recipe's operations to one variation, in order, and repeats what a manifest recorded."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from augmentai import registry
from augmentai.annotations import objects_lost
from augmentai.operations.base import DrawSettings, Operation, OperationError, OperationSkippedError
from augmentai.operations.borrowing import BorrowingOperation
from augmentai.operations.checks import fault_in_drawn, fault_in_image, fault_in_labels, plain_drawn
from augmentai.operations.donors import NOBODY, DonorError, Donors
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
        lost: how many labelled objects left the image.
        notices: why an operation left the image as it was, where it said so.
    """

    image: Image = field(repr=False)
    labels: Labels | None
    details: Mapping[str, Any] = field(default_factory=dict)
    lost: int = 0
    notices: tuple[str, ...] = ()

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
    donors: Donors = NOBODY,
) -> Applied:
    """Draws and applies operations, one after the other.

    What each draws depends on the variation's seed, on its name and on how many of the same name are before it; whom it
    borrows from also on which images the training set has, whatever their order.

    Args:
        image: of any mode that a variation may have (L, LA, RGB, RGBA, I;16, I, F).
        labels: in its pixels; None if there are none.
        operations: in the recipe's order.
        seed: the variation's own.
        settings: of the recipe.
        donors: whom it may borrow from.

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
    notices: list[str] = []
    lost = 0
    for operation in operations:
        rng = _random_numbers(seed, operation.name, earlier[operation.name])
        earlier[operation.name] += 1
        if rng.random() >= operation.probability:
            continue
        before = labels
        try:
            drawn = _drawn(operation, rng, image, labels, settings, donors)
            if drawn is None:
                continue
            image, labels = _apply(operation, image, labels, drawn, donors)
        except OperationSkippedError as skipped:
            notices.append(f"{operation.name} was left out: {skipped}")
            continue
        lost += _lost(before, labels)
        records.append({"name": operation.name, **_package(operation), "drawn": drawn})
    return Applied(image, labels, {"operations": records} if records else {}, lost, tuple(notices))


def replay_operations(
    image: Image, labels: Labels | None, records: Iterable[Mapping[str, Any]], donors: Donors = NOBODY
) -> tuple[Image, Labels | None]:
    """Repeats what a manifest records under `details["operations"]`.

    Args:
        image: as it was before the operations.
        labels: likewise.
        records: the list of the manifest.
        donors: among which those that were borrowed from are found again.

    Raises:
        RegistryError: an operation is not installed.
        OperationError: an operation failed, or a donor is missing.

    Example:
        >>> from PIL import Image
        >>> replay_operations(Image.new("L", (8, 6)), None, [])[0].size
        (8, 6)
    """
    for record in records:
        operation: Operation = registry.find("operations", record["name"])()
        image, labels = _apply(operation, image, labels, record["drawn"], donors)
    return image, labels


def _lost(before: Labels | None, after: Labels | None) -> int:
    """How many objects left the image; those that an operation added make up for none."""
    return max(0, objects_lost(before, after)) if before is not None and after is not None else 0


def _random_numbers(seed: int, name: str, number: int) -> Random:
    digest = hashlib.sha256(f"{seed}:operation:{name}:{number}".encode()).digest()
    return Random(int.from_bytes(digest[:8], "big"))


def _drawn(
    operation: Operation,
    rng: Random,
    image: Image,
    labels: Labels | None,
    settings: DrawSettings,
    donors: Donors,
) -> dict[str, Any] | None:
    """What an operation draws, as it will be read from the manifest."""
    borrows = isinstance(operation, BorrowingOperation)
    try:
        if isinstance(operation, BorrowingOperation):
            drawn = operation.draw(rng, image.size, labels, settings, donors)
        else:
            drawn = operation.draw(rng, image.size, labels, settings)
        plain: dict[str, Any] | None = plain_drawn(drawn)
    except (MemoryError, OperationSkippedError):
        raise
    except Exception as error:  # another package's code may fail in any way
        raise OperationError(f"{_named(operation)} could not draw parameters ({_words(error)})") from error
    if fault := fault_in_drawn(plain, borrows):
        raise OperationError(f"{_named(operation)} {fault}")
    return plain


def _apply(
    operation: Operation, image: Image, labels: Labels | None, drawn: Mapping[str, Any], donors: Donors
) -> tuple[Image, Labels | None]:
    own = image.copy() if _package(operation) else image  # another package's code may paint in place
    try:
        if isinstance(operation, BorrowingOperation):
            lent = [donors.find(record) for record in drawn["donors"]]
            made, moved = operation.apply(own, labels, drawn, lent)
        else:
            made, moved = operation.apply(own, labels, drawn)
    except (MemoryError, OperationSkippedError, DonorError):
        raise
    except Exception as error:  # likewise
        raise OperationError(f"{_named(operation)} failed on this image ({_words(error)})") from error
    if fault := fault_in_image(made, image) or fault_in_labels(moved, labels):
        raise OperationError(f"{_named(operation)} {fault}")
    return made, moved


def _package(operation: Operation) -> dict[str, str]:
    packages = registry.packages_of("operations", [operation.name])
    return {"package": packages[0]} if packages else {}


def _named(operation: Operation) -> str:
    origin = "".join(f" of the package {package}" for package in _package(operation).values())
    return f"the operation {operation.name!r}{origin}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
