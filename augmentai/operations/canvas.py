"""An image and its labels on their way through the operations, so that consecutive moves are resampled once.

Each resampling costs time and sharpness, so homographies that follow each other are multiplied, and pixels and labels
are moved when the next operation needs them, or at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai import registry
from augmentai.annotations import objects_lost
from augmentai.operations.apply_warp import apply_warp
from augmentai.operations.base import Operation, OperationError, OperationSkippedError
from augmentai.operations.borrowing import BorrowingOperation
from augmentai.operations.checks import fault_in_image, fault_in_labels
from augmentai.operations.donors import DonorError, Donors
from augmentai.operations.geometric import GeometricOperation
from augmentai.operations.homography import Homography, Matrix
from augmentai.operations.warp import Warp

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import Labels


class Canvas:
    """An image, its labels, and the move that is still to be carried out.

    Args:
        image: of any mode that a variation may have.
        labels: in its pixels; None if there are none.
        warp: a move that comes before all operations, if there is one.
        least_visible: 0 to 1, of that move; an object of which a smaller share stays visible loses its label.

    Attributes:
        lost: how many labelled objects have left the image.
    """

    def __init__(self, image: Image, labels: Labels | None, warp: Warp | None = None, least_visible: float = 0.3):
        self._image, self._labels = image, labels
        self._matrix = self._whole = np.eye(3) if warp is None else warp.matrix
        self._least_visible = least_visible
        self._waiting: list[str] = []  # the operations whose moves wait, for messages
        self.lost = 0
        self._only_moved = True

    def for_drawing(self, operation: Operation) -> tuple[tuple[int, int], Labels | None]:
        """The size of the image and the labels that an operation draws by.

        An operation that is a homography asks only what kind of objects there are; for others the labels are at their
        place.
        """
        if not is_move(operation):
            self._settle()
        return self._image.size, self._labels

    def apply(self, operation: Operation, drawn: Mapping[str, Any], donors: Donors) -> None:
        """Carry out what an operation drew, or let it wait for the moves that follow.

        Raises:
            OperationError: it failed, or returned what it must not.
            OperationSkippedError: it left the image as it is.
        """
        if is_move(operation):
            self._gather(operation, drawn)
            return
        self._settle()
        before, image = self._labels, self._image
        self._image, self._labels = _applied(operation, image, before, drawn, donors)
        self._only_moved = False
        self._count_lost(before)

    def result(self) -> tuple[Image, Labels | None]:
        """The image and its labels, with every move carried out."""
        self._settle()
        return self._image, self._labels

    @property
    def warp(self) -> Warp | None:
        """All that was done so far, as one move; None if something else was done as well."""
        return self._warp(self._whole) if self._only_moved else None

    def _warp(self, matrix: Matrix) -> Warp:
        return Warp("operations", self._image.size, Homography(matrix))

    def _gather(self, operation: Operation, drawn: Mapping[str, Any]) -> None:
        try:
            matrix, least_visible = np.array(drawn["matrix"], np.float64), float(drawn["least_visible"])
        except (KeyError, TypeError, ValueError) as error:
            raise OperationError(f"{named(operation)} drew no homography ({_words(error)})") from error
        if least_visible != self._least_visible:
            self._settle()
        self._least_visible = least_visible
        self._matrix, self._whole = matrix @ self._matrix, matrix @ self._whole
        self._waiting.append(operation.name)

    def _settle(self) -> None:
        """Move pixels and labels, once."""
        warp = self._warp(self._matrix)
        if not warp.is_identity:
            before = self._labels
            try:
                self._image, self._labels = apply_warp(warp, self._image, before, self._least_visible)
            except (MemoryError, OSError):
                raise
            except Exception as error:  # a homography of another package may be anything
                moves = ", ".join(self._waiting) or "the geometry"
                raise OperationError(f"the image could not be moved by {moves} ({_words(error)})") from error
            self._count_lost(before)
        self._matrix, self._waiting = np.eye(3), []

    def _count_lost(self, before: Labels | None) -> None:
        """Objects that an operation added make up for none; those that it hid are counted by the labels, as are those
        that it counted itself."""
        after = self._labels
        if before is not None and after is not None and before is not after:
            hidden = after.hidden.objects - before.hidden.objects
            self.lost += max(0, objects_lost(before, after) - hidden, after.dropped - before.dropped)


def is_move(operation: Operation) -> bool:
    """Whether an operation is a homography and nothing else."""
    return isinstance(operation, GeometricOperation) and type(operation).apply is GeometricOperation.apply


def package_of(operation: Operation) -> str:
    """The package that an operation comes from, with its version; "" if it is built in."""
    packages = registry.packages_of("operations", [operation.name])
    return packages[0] if packages else ""


def named(operation: Operation) -> str:
    """An operation in messages."""
    package = package_of(operation)
    return f"the operation {operation.name!r}" + (f" of the package {package}" if package else "")


def _applied(
    operation: Operation, image: Image, labels: Labels | None, drawn: Mapping[str, Any], donors: Donors
) -> tuple[Image, Labels | None]:
    own = image.copy() if package_of(operation) else image  # another package's code may paint in place
    try:
        if isinstance(operation, BorrowingOperation):
            lent = [donors.find(record) for record in drawn["donors"]]
            made, moved = operation.apply(own, labels, drawn, lent)
        else:
            made, moved = operation.apply(own, labels, drawn)
    except (MemoryError, OperationSkippedError, DonorError):
        raise
    except Exception as error:  # another package's code may fail in any way
        raise OperationError(f"{named(operation)} failed on this image ({_words(error)})") from error
    if fault := fault_in_image(made, image) or fault_in_labels(moved, labels):
        raise OperationError(f"{named(operation)} {fault}")
    return made, moved


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
