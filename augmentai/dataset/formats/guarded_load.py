"""What every reader of the labels of one image does: bounded amounts, and no error but one with the image's name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Protocol, TypeVar

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.bounds import MOST_OBJECTS, MOST_POINTS
from augmentai.dataset.file_tree import Entry


class _Reader(Protocol):
    @property
    def image(self) -> Entry: ...


R = TypeVar("R", bound=_Reader)


def guarded(load: Callable[[R], Labels]) -> Callable[[R], Labels]:
    """A reader's `load` that raises LabelError for labels of more objects or points than an image can have.

    Whatever else it raises for values that nobody expected becomes a LabelError as well, so that they cost one image.
    """

    @wraps(load)
    def checked(self: R) -> Labels:
        try:
            labels = load(self)
        except (LabelError, OSError, MemoryError):
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {error}"[:200]
            raise LabelError(f"{self.image.path}: its labels make no sense ({what}); correct them") from error
        check_objects(len(labels.shapes), self.image.path)
        check_points(sum(len(ring) for one in labels.shapes for ring in one.polygons), self.image.path)
        return labels

    return checked


def check_objects(count: int, file: str) -> None:
    """Raise LabelError if there are more objects in one image than `MOST_OBJECTS`."""
    if count > MOST_OBJECTS:
        raise LabelError(
            f"{file}: found {count:,} objects in one image; expected at most {MOST_OBJECTS:,}, cut the image into tiles"
        )


def check_points(count: int, file: str) -> None:
    """Raise LabelError if the outlines of one image have more points than `MOST_POINTS`."""
    if count > MOST_POINTS:
        raise LabelError(
            f"{file}: found outlines of {count:,} points in one image; expected at most {MOST_POINTS:,}, simplify them"
        )
