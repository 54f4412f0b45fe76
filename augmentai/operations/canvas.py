"""An image and its labels on their way through the operations, so that consecutive moves are resampled once.

Each resampling costs time and sharpness, so homographies that follow each other are multiplied, and pixels and labels
are moved when the next operation needs them, or at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from augmentai import registry
from augmentai.annotations import objects_lost
from augmentai.operations.apply_warp import apply_warp
from augmentai.operations.base import Operation, OperationError, OperationSkippedError
from augmentai.operations.borrowing import BorrowingOperation
from augmentai.operations.checks import fault_in_image, fault_in_labels
from augmentai.operations.donor import DonorError
from augmentai.operations.donors import Donors
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
        self._waiting: tuple[str, ...] = ()  # the operations whose moves wait, for messages
        self._ahead: _Settled | None = None  # what comes of these moves, once that is known
        self.lost = 0
        self._only_moved = True

    def for_drawing(self, operation: Operation, donors: Donors) -> tuple[tuple[int, int], Labels | None, Donors]:
        """The size of the image, the labels and the donors that an operation draws by.

        An operation that is a homography asks only what kind of objects there are; for others the labels are at their
        place. The moves wait all the same, since it may turn out to leave the image as it is: a replay, which does not
        know of it, has to resample as often.
        """
        if is_move(operation):
            return self._image.size, self._labels, donors
        settled = self._settled()
        return settled.image.size, settled.labels, donors.to(*settled)

    def apply(self, operation: Operation, drawn: Mapping[str, Any], donors: Donors) -> None:
        """Carry out what an operation drew, or let it wait for the moves that follow.

        Raises:
            OperationError: it failed, or returned what it must not.
            OperationSkippedError: it left the image as it is.
        """
        if is_move(operation):
            self._gather(operation, drawn)
            return
        settled = self._settled()
        image, labels = _applied(operation, settled.image, settled.labels, drawn, donors)
        self._settle()
        self._image, self._labels, self._only_moved = image, labels, False
        self.lost += _lost(settled.labels, labels)

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
        self._waiting, self._ahead = (*self._waiting, operation.name), None

    def _settle(self) -> None:
        """Move pixels and labels, once."""
        settled = self._settled()
        self.lost += _lost(self._labels, settled.labels)
        self._image, self._labels = settled.image, settled.labels
        self._matrix, self._waiting, self._ahead = np.eye(3), (), None

    def _settled(self) -> _Settled:
        """The image and its labels with the moves that wait."""
        if self._ahead is None:
            self._ahead = self._moved()
        return self._ahead

    def _moved(self) -> _Settled:
        warp = self._warp(self._matrix)
        if warp.is_identity:
            return _Settled(self._image, self._labels)
        try:
            return _Settled(*apply_warp(warp, self._image, self._labels, self._least_visible))
        except (MemoryError, OSError):
            raise
        except Exception as error:  # a homography of another package may be anything
            moves = ", ".join(self._waiting) or "the geometry"
            raise OperationError(f"the image could not be moved by {moves} ({_words(error)})") from error


class _Settled(NamedTuple):
    image: Image
    labels: Labels | None


def _lost(before: Labels | None, after: Labels | None) -> int:
    """How many objects left the image.

    Those that an operation added make up for none; those that it hid are counted by the labels, as are those that it
    counted itself.
    """
    if before is None or after is None or before is after:
        return 0
    hidden = after.hidden.objects - before.hidden.objects
    return max(0, objects_lost(before, after) - hidden, after.dropped - before.dropped)


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
