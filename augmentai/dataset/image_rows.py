"""Every image of a finished dataset, originals and variations, in an order that depends on the dataset alone."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.formats.texts import drawn_words
from augmentai.dataset.manifest import is_made
from augmentai.dataset.sorted_sources import sort_key
from augmentai.types import Source


@dataclass(frozen=True)
class ImageRow:
    """One image of the finished dataset.

    Attributes:
        source: what it is or was made from.
        file: its relative path in the output.
        index: 0 for an original, else the number of the variation.
        record: what the dataset format stores about a variation whose labels were moved; None if its labels are
            those of its source.
        size_bytes: of the file; -1 if the manifest does not say.
        drawn: words that were drawn for its prompt, as a caption says them.
    """

    source: Source
    file: str
    index: int = 0
    record: Any = None
    size_bytes: int = -1
    drawn: str = ""


class ImageRows:
    """The originals and variations of a run. Iterate over it for all of them, originals first.

    Variations are stored in a temporary database on disk, so memory does not grow with them.

    Attributes:
        made_split: the split of all these images, if it was made for them; what their labels said before is outdated.

    Args:
        sources: every image of the dataset, sorted by (path, hash).
        original: returns where a source is in the output, None if it is not part of it.
        lines: the lines of the manifest, parsed, in any order.

    Raises:
        OutputError: the temporary folder is full.

    Example:
        >>> source = Source.from_bytes("a.jpg", b"pixels")
        >>> line = {"source": "a.jpg", "source_sha256": source.sha256, "status": "ok", "index": 1, "file": "a__v1.jpg"}
        >>> [row.file for row in ImageRows([source], lambda source: source.path, [line])]
        ['a.jpg', 'a__v1.jpg']
    """

    def __init__(
        self,
        sources: Sequence[Source],
        original: Callable[[Source], str | None],
        lines: Iterable[Mapping[str, Any]],
    ) -> None:
        self.sources = sources
        self.original = original
        self.made_split: str | None = None
        self.paths = {source.path for source in sources}
        self._positions: dict[tuple[str, str], int] = {sort_key(source): i for i, source in enumerate(sources)}
        self._database = sqlite3.connect("")  # without a name: a temporary file that ends with the connection
        self._database.execute(
            "CREATE TABLE variations (position INT, number INT, file TEXT, record TEXT, bytes INT, drawn TEXT)"
        )
        try:
            self._database.executemany("INSERT INTO variations VALUES (?, ?, ?, ?, ?, ?)", self._made(lines))
            self._database.execute("CREATE INDEX by_position ON variations (position, number)")
        except sqlite3.Error as error:
            where = "in the temporary folder, see TMPDIR"
            raise OutputError(f"no room for the list of images {where}: {error}") from error

    @property
    def splits(self) -> frozenset[str]:
        """The splits that have images in the finished dataset."""
        found = {source.split for source in self.sources if self.original(source)}
        positions = self._database.execute("SELECT DISTINCT position FROM variations")
        found |= {self.sources[position].split for (position,) in positions}
        return frozenset(split for split in found if split)

    def originals(self) -> Iterator[ImageRow]:
        """The originals that are part of the output, by (path, hash)."""
        for source in self.sources:
            file = self.original(source)
            if file is not None:
                yield ImageRow(source, file, size_bytes=source.size_bytes)

    def variations(self) -> Iterator[ImageRow]:
        """The variations, by source and index."""
        yield from self._rows(
            "SELECT position, number, file, record, bytes, drawn FROM variations ORDER BY position, number"
        )

    def variations_of(self, source: Source) -> Iterator[ImageRow]:
        """The variations of one source, by index."""
        query = "SELECT position, number, file, record, bytes, drawn FROM variations WHERE position = ? ORDER BY number"
        yield from self._rows(query, self._positions[sort_key(source)])

    def sources_at(self, path: str) -> list[Source]:
        """The sources of this path; more than one if two ZIPs contain it."""
        start = bisect_left(self.sources, path, key=lambda source: source.path)
        return list(takewhile(lambda source: source.path == path, islice(self.sources, start, None)))

    def is_unchanged(self, path: str) -> bool:
        """Whether the image of this path is part of the output and has no variations there."""
        found = self.sources_at(path)
        return bool(found) and all(
            self.original(source) is not None and next(self.variations_of(source), None) is None for source in found
        )

    def of_split(self, split: str) -> ImageRows:
        """The images of one split alone, as a set of its own.

        Args:
            split: "train", "val" or "test".
        """
        return _SplitRows(self, split)

    def __iter__(self) -> Iterator[ImageRow]:
        yield from self.originals()
        yield from self.variations()

    def _rows(self, query: str, *values: object) -> Iterator[ImageRow]:
        for position, number, file, record, size_bytes, drawn in self._database.execute(query, values):
            known = json.loads(record) if record else None
            yield ImageRow(self.sources[position], file, number, known, size_bytes, drawn)

    def _made(self, lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, int, str, str | None, int, str]]:
        for line in lines:
            position = self._positions.get((line.get("source", ""), line.get("source_sha256") or ""))
            if is_made(line) and position is not None:
                record = line.get("record")
                sizes = line.get("bytes") or (-1,)
                stored = None if record is None else json.dumps(record)
                yield position, line["index"], line["file"], stored, sizes[0], drawn_words(line.get("details") or {})


class _SplitRows(ImageRows):
    """The images of one split of other rows."""

    def __init__(self, rows: ImageRows, split: str) -> None:
        self._rows_of_all, self._split = rows, split
        self.made_split = split
        self.sources = [source for source in rows.sources if source.split == split]
        self.original = rows.original
        self.paths = {source.path for source in self.sources}

    @property
    def splits(self) -> frozenset[str]:
        return self._rows_of_all.splits & {self._split}

    def variations(self) -> Iterator[ImageRow]:
        return (row for row in self._rows_of_all.variations() if row.source.split == self._split)

    def variations_of(self, source: Source) -> Iterator[ImageRow]:
        return self._rows_of_all.variations_of(source)
