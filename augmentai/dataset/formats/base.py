"""What every layout of a set is to the rest: what it knows of each picture, and how the set is written again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from augmentai.annotations import LabelReader, Labels
from augmentai.dataset.readers.file_tree import Entry
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import Rows

File = tuple[str, bytes]
Closing = Iterator[tuple[str, Iterable[bytes]]]


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a layout knows of one picture before it is read; the fields of `Source`."""

    label: str | None = None
    split: str | None = None
    labels: LabelReader | None = None


class LabelWriter(Protocol):
    """Writes labels in one layout. Every method hangs on its arguments alone, so a resumed run writes the same files.

    losses: what the layout could not hold, in words for the user, each once.
    """

    losses: dict[str, None]

    def place(self, source: Source) -> str:
        """Where the picture of a source goes, relative; its variations go beside it."""
        ...

    def files(self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]) -> list[File]:
        """The label files of one picture that is called `file`."""
        ...

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        """What is kept of one picture for files that list all of them, JSON-ready; None where there are none."""
        ...

    def closing(self, rows: Rows) -> Closing:
        """The files that tell of the whole set, when all its pictures are known."""
        ...


class Layout:
    """A layout that was recognised. Of itself it is pictures and nothing else; each format adds to it.

    known: by (path, ZIP). hidden: pictures that are labels (masks). used: label files that were understood. failures
    and notices: for the user. `known` and `hidden` may be forgotten once the sources are made.
    """

    name: ClassVar[str] = ""
    labelled: ClassVar[bool] = True  # says more of a picture than its folder does

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], ImageInfo] = {}
        self.hidden: set[tuple[str, str]] = set()
        self.used: set[str] = set()
        self.failures: list[Failure] = []
        self.notices: list[str] = []
        self.losses: dict[str, None] = {}
        self.whole: tuple[list[str], bool, int] | None = None  # what a conversion found out of the whole set

    def categories_known(self) -> list[str]:
        """The classes of the set in its own order, also those of no picture; empty where only the labels tell."""
        return []

    def label_entries(self, source: Source) -> list[Entry]:
        """The files that hold the labels of this source alone; they are copied with it as they are."""
        return []

    def kept(self) -> list[Entry]:
        """Files of the whole set that stay as they are."""
        return []

    def place(self, source: Source) -> str:
        return source.path

    def files(self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]) -> list[File]:
        return []

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        return None

    def closing(self, rows: Rows) -> Closing:
        yield from ()
