"""What a format states whose label files list many images: how one file is read, moved and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from augmentai.annotations import Labels, Shape
from augmentai.images.orientation import Frame


@dataclass(frozen=True, slots=True)
class Row:
    """A piece of a label file that is about one image; an image may have several.

    Attributes:
        image: what the file calls the image: a name, or a path in any spelling.
        raw: all that the file says there; anything that JSON can hold.
        split: the split that the file states for this image.
        folder: the name of a folder that the image may be in; of two images of one name, that one is meant.
        label: the class of the image as a whole, if it has one.
    """

    image: str
    raw: Any
    split: str | None = None
    folder: str = ""
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A piece of a label file that names no image or cannot be parsed at all. place: "line 3"."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An object of a variation, and where its label file has it.

    Attributes:
        shape: the object, in pixels of the variation.
        place: its `extra["place"]`, as `Codec.labels` numbered it; None if no file has it.
        moved: it is at another place than in the source.
    """

    shape: Shape
    place: int | None
    moved: bool


@dataclass(frozen=True, slots=True)
class NewImage:
    """An image as its rows are to name it.

    Attributes:
        name: what the file calls it.
        size_wh: its width and height in pixels; None if that of its source is kept.
        size_bytes: of the file; -1 if it is unknown.
    """

    name: str
    size_wh: tuple[int, int] | None
    size_bytes: int


class Codec(Protocol):
    """Reads and writes one label file. It holds what the file says beside its rows, and never an image's rows.

    Attributes:
        losses: what cannot be written is added to these, in words for the user.
    """

    losses: dict[str, None]

    def rows(self) -> Iterator[Row | Fault]:
        """All rows of the file, in its order. Raises LabelError if it cannot be read to its end."""
        ...

    def class_names(self) -> Sequence[str]:
        """The classes in the file's own order; empty if it lists none. Known once `rows` has ended."""
        ...

    def labels(self, raws: Sequence[Any], frame: Frame) -> Labels:
        """What some rows say of their image, in pixels of the upright image. Each shape has a "place" in its `extra`.

        Raises:
            ValueError: a row cannot be parsed; the message begins with its place in the file.
        """
        ...

    def moved(self, raws: Sequence[Any], placed: Sequence[Placed], size_wh: tuple[int, int]) -> list[Any]:
        """The rows of a variation that differs from its source in what is labelled where.

        Args:
            raws: those of the source.
            placed: what is labelled in the variation.
            size_wh: width and height of the variation in pixels.
        """
        ...

    def renamed(self, raws: Sequence[Any], image: NewImage) -> list[Any]:
        """Rows that are about another image: a variation, or an original in another place."""
        ...

    def in_split(self, raws: Sequence[Any], split: str) -> list[Any]:
        """Rows of which the split that they state is another one; those that state none stay."""
        ...

    def content(self, raws: Iterable[Any]) -> Iterator[bytes]:
        """The file with these rows in place of its own."""
        ...
