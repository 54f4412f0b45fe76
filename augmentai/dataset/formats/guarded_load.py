"""What every reader of the labels of one image does: bounded amounts, and no error but one with the image's name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Protocol, TypeVar

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.bounds import image_bounds
from augmentai.dataset.file_tree import Entry

SETTING = "AUGMENTAI_MAX_OBJECTS"  # by which the bounds on one image are raised
POINTS_SETTING = "AUGMENTAI_MAX_POINTS"
_logger = logging.getLogger(__name__)


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
            _logger.info("reading the labels of %r", self.image.path, exc_info=True)  # it may be a fault of the reader
            what = f"{type(error).__name__}: {error}"[:200]
            raise LabelError(f"{self.image.path}: its labels make no sense ({what}); correct them") from error
        check_objects(len(labels.shapes), self.image.path)
        check_points(sum(len(ring) for one in labels.shapes for ring in one.polygons), self.image.path)
        return labels

    return checked


def check_objects(count: int, file: str) -> None:
    """Raise LabelError if there are more objects in one image than `image_bounds` allows."""
    if count > (most := image_bounds().objects):
        raise LabelError(
            f"{file}: found {count:,} objects in one image; expected at most {most:,} ({SETTING}), cut it into tiles"
        )


def check_points(count: int, file: str) -> None:
    """Raise LabelError if the outlines of one image have more points than `image_bounds` allows."""
    if count > (most := image_bounds().points):
        raise LabelError(
            f"{file}: found outlines of {count:,} points in one image; expected at most {most:,} ({POINTS_SETTING}), "
            "simplify them"
        )


def check_lines(text: str, file: str) -> None:
    """Raise LabelError if a text of a line for each object has far more lines, most of which are blank then."""
    count, most = text.count("\n"), 20 * image_bounds().objects
    if count > most:
        raise LabelError(f"{file}: found {count:,} lines for one image; expected at most {most:,} (20 times {SETTING})")
