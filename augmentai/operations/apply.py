"""Applies a recipe's operations to one variation, in order, and repeats what a manifest recorded."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from augmentai import registry
from augmentai.operations.base import (
    CAMERA,
    OCCLUSION,
    WEATHER,
    DrawSettings,
    Operation,
    OperationError,
    OperationSkippedError,
)
from augmentai.operations.borrowing import BorrowingOperation
from augmentai.operations.canvas import Canvas, named, package_of
from augmentai.operations.checks import fault_in_drawn, plain_drawn
from augmentai.operations.donors import NOBODY, Donors
from augmentai.recipe.steps import Step, make_step

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import Labels
    from augmentai.operations.warp import Warp


@dataclass(frozen=True)
class Applied:
    """An image and its labels after the operations.

    Attributes:
        image: of the same size and mode as before; the same object if nothing was done to it.
        labels: in its pixels; None if there are none.
        details: for the manifest: {"operations": [{"name": ..., "drawn": {...}}, ...]}, each with "package" if
            it comes from another one; empty if none was applied.
        lost: how many labelled objects left the image.
        notices: why an operation left the image as it was, where it said so.
        warp: the one move that everything came to; None if something else was done as well.
        for_good: every operation said that nothing can be done with this image as it is, whatever is drawn.
    """

    image: Image = field(repr=False)
    labels: Labels | None
    details: Mapping[str, Any] = field(default_factory=dict)
    lost: int = 0
    notices: tuple[str, ...] = ()
    warp: Warp | None = None
    for_good: bool = False

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


def may_move(steps: Sequence[Step]) -> bool:
    """Whether any operation of a recipe may move pixels, and labels with them.

    Args:
        steps: as a recipe has them.

    Example:
        >>> may_move(["noise"]), may_move(["noise", "flip"])
        (False, True)
    """
    found = build_operations(steps)
    return any(not one.is_idle and one.group not in {CAMERA, WEATHER, OCCLUSION} for one in found)


def apply_operations(
    image: Image,
    labels: Labels | None,
    operations: Sequence[Operation],
    seed: int,
    settings: DrawSettings | None = None,
    donors: Donors = NOBODY,
    first: Warp | None = None,
) -> Applied:
    """Draws and applies operations, one after the other; moves that follow each other are resampled once.

    What each draws depends on the variation's seed, on its name and on how many of the same name are before it; whom it
    borrows from also on which images the training set has, whatever their order.

    Args:
        image: of any mode that a variation may have (L, LA, RGB, RGBA, I;16, I, F).
        labels: in its pixels; None if there are none.
        operations: in the recipe's order.
        seed: the variation's own.
        settings: of the recipe.
        donors: whom it may borrow from.
        first: a move that comes before them, such as the recipe's geometry.

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
    canvas = Canvas(image, labels, first, settings.least_visible)
    earlier: Counter[str] = Counter()
    records: list[dict[str, Any]] = []
    notices: list[str] = []
    for_good = 0
    for operation in operations:
        rng = _random_numbers(seed, operation.name, earlier[operation.name])
        earlier[operation.name] += 1
        if rng.random() >= operation.probability:
            continue
        try:
            drawn = _drawn(operation, rng, canvas, settings, donors)
            if drawn is None:
                continue
            canvas.apply(operation, drawn, donors)
        except OperationSkippedError as skipped:
            notices.append(f"{operation.name} was left out: {skipped}")
            for_good += skipped.for_good
            continue
        records.append({"name": operation.name, **_package(operation), "drawn": drawn})
    made, moved = canvas.result()
    details = {"operations": records} if records else {}
    stays = 0 < for_good == sum(not operation.is_idle for operation in operations)
    return Applied(made, moved, details, canvas.lost, tuple(notices), canvas.warp, stays)


def replay_operations(
    image: Image,
    labels: Labels | None,
    records: Iterable[Mapping[str, Any]],
    donors: Donors = NOBODY,
    first: Warp | None = None,
    least_visible: float = 0.3,
) -> tuple[Image, Labels | None]:
    """Repeats what a manifest records under `details["operations"]`.

    Args:
        image: as it was before the operations.
        labels: likewise.
        records: the list of the manifest.
        donors: among which those that were borrowed from are found again.
        first: the move that came before them, as the manifest records it under `details["geometry"]`.
        least_visible: of that move.

    Raises:
        RegistryError: an operation is not installed.
        OperationError: an operation failed, or a donor is missing.

    Example:
        >>> from PIL import Image
        >>> replay_operations(Image.new("L", (8, 6)), None, [])[0].size
        (8, 6)
    """
    canvas = Canvas(image, labels, first, least_visible)
    for record in records:
        canvas.apply(registry.find("operations", record["name"])(), record["drawn"], donors)
    return canvas.result()


def _random_numbers(seed: int, name: str, number: int) -> Random:
    digest = hashlib.sha256(f"{seed}:operation:{name}:{number}".encode()).digest()
    return Random(int.from_bytes(digest[:8], "big"))


def _drawn(
    operation: Operation, rng: Random, canvas: Canvas, settings: DrawSettings, donors: Donors
) -> dict[str, Any] | None:
    """What an operation draws, as it will be read from the manifest."""
    size_wh, labels, donors = canvas.for_drawing(operation, donors)
    borrows = isinstance(operation, BorrowingOperation)
    try:
        if isinstance(operation, BorrowingOperation):
            drawn = operation.draw(rng, size_wh, labels, settings, donors)
        else:
            drawn = operation.draw(rng, size_wh, labels, settings)
        plain: dict[str, Any] | None = plain_drawn(drawn)
    except (MemoryError, OperationSkippedError):
        raise
    except Exception as error:  # another package's code may fail in any way
        words = f"{type(error).__name__}: {error}"
        raise OperationError(f"{named(operation)} could not draw parameters ({words})") from error
    if fault := fault_in_drawn(plain, borrows):
        raise OperationError(f"{named(operation)} {fault}")
    return plain


def _package(operation: Operation) -> dict[str, str]:
    package = package_of(operation)
    return {"package": package} if package else {}
