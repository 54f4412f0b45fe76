"""What the operations that borrow from other images have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from augmentai.operations.base import DrawSettings, Operation
from augmentai.operations.donor import Donor
from augmentai.operations.donors import NOBODY, Donors

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import Labels


def borrows_from_others(operation: Operation) -> bool:
    """Whether an operation uses other images with the parameters that it has.

    Example:
        >>> from augmentai.operations.background import Background
        >>> [borrows_from_others(one) for one in (Background(), Background(ground="plain"), Background(probability=0))]
        [True, False, False]
    """
    return isinstance(operation, BorrowingOperation) and operation.borrows and not operation.is_idle


@dataclass(frozen=True)
class BorrowingOperation(Operation):
    """An operation that uses pixels and labels of other training images.

    `draw` chooses donors and names them under "donors" in what it returns; `apply` is handed exactly these, now and in
    a replay.

    Example:
        >>> from PIL import Image
        >>> from augmentai.images import Photo
        >>> from augmentai.operations.donors import DonorPool
        >>> from augmentai.types import Source
        >>> @dataclass(frozen=True)
        ... class Blend(BorrowingOperation):
        ...     name, title, blurb = "blend", "Blend", "half of another image of its class"
        ...
        ...     def draw(self, rng, size_wh, labels, settings, donors=NOBODY):
        ...         chosen = donors.choose(rng, same_class=True)
        ...         return {"donors": [donor.as_record() for donor in chosen], "share": 0.5} if chosen else None
        ...
        ...     def apply(self, image, labels, drawn, donors=()):
        ...         other = donors[0].image_like(image).resize(image.size)
        ...         return Image.blend(image, other, drawn["share"]), labels
        >>> def load(source):
        ...     photo = Photo(Image.new("RGB", (8, 8), source.path), "PNG", "RGB")
        ...     return Donor(source.path, source.sha256, source.label, photo)
        >>> white, black = (Source.from_bytes(name, name.encode()) for name in ("white", "black"))
        >>> donors = DonorPool([white, black], load).beside(white)
        >>> drawn = Blend().draw(Random(7), (4, 4), None, DrawSettings(), donors)
        >>> drawn["donors"][0]["path"]
        'black'
        >>> lent = [donors.find(record) for record in drawn["donors"]]
        >>> Blend().apply(Image.new("L", (4, 4), 255), None, drawn, lent)[0].getpixel((0, 0))
        127
    """

    @property
    def borrows(self) -> bool:
        """Whether it uses other images with the parameters that it has."""
        return True

    @abstractmethod
    def draw(
        self,
        rng: Random,
        size_wh: tuple[int, int],
        labels: Labels | None,
        settings: DrawSettings,
        donors: Donors = NOBODY,
    ) -> dict[str, Any] | None:
        """Draw what will be done to one image, and from whom it borrows.

        Args:
            rng, size_wh, labels, settings: see `Operation.draw`.
            donors: `donors.choose(rng, ...)` gives some of the other training images, decoded.

        Returns:
            As `Operation.draw`, with "donors": a list of `Donor.as_record()`. None if there is nobody to borrow from.
        """

    @abstractmethod
    def apply(
        self, image: Image, labels: Labels | None, drawn: Mapping[str, Any], donors: Sequence[Donor] = ()
    ) -> tuple[Image, Labels | None]:
        """Carry out what was drawn.

        Args:
            image, labels, drawn: see `Operation.apply`.
            donors: those that `drawn["donors"]` names, in this order; must not be changed in place.

        Returns:
            As `Operation.apply`.
        """
