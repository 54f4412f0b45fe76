"""Every picture of a finished set, originals and variations, in an order that hangs on the set alone."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

from augmentai.dataset.atomic_files import OutputError
from augmentai.types import Source


@dataclass(frozen=True)
class Row:
    """One picture of the finished set.

    file: its relative path. index: 0 for an original, else which variation it is. record: what the layout keeps of it
    where its labels were moved, else None: they are its source's own.
    """

    source: Source
    file: str
    index: int = 0
    record: Any = None


class Rows:
    """Originals and variations of a run. Variations are kept in a temporary database on disk, so memory stays flat.

    sources: every picture of the set, sorted by (path, hash). original: where the picture of a source lies in the
    finished set, None where it was left out. lines: the manifest's, in any order.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        original: Callable[[Source], str | None],
        lines: Iterable[Mapping[str, Any]],
    ) -> None:
        self.sources = sources
        self.original = original
        self.places: dict[tuple[str, str], int] = {(s.path, s.sha256): i for i, s in enumerate(sources)}
        self._database = sqlite3.connect("")  # no name: a file of its own that goes with the connection
        self._database.execute("CREATE TABLE made (place INT, number INT, file TEXT, record TEXT)")
        try:
            self._database.executemany("INSERT INTO made VALUES (?, ?, ?, ?)", self._made(lines))
            self._database.execute("CREATE INDEX by_place ON made (place, number)")
        except sqlite3.Error as error:
            where = "in the temporary folder, see TMPDIR"
            raise OutputError(f"no room for the list of pictures {where}: {error}") from error
        self.paths = {source.path for source in sources}

    @property
    def splits(self) -> frozenset[str]:
        """The splits that have pictures in the finished set."""
        there = {source.split for source in self.sources if self.original(source)}
        places = self._database.execute("SELECT DISTINCT place FROM made")
        there |= {self.sources[place].split for (place,) in places}
        return frozenset(split for split in there if split)

    def originals(self) -> Iterator[Row]:
        for source in self.sources:
            file = self.original(source)
            if file is not None:
                yield Row(source, file)

    def variations(self) -> Iterator[Row]:
        yield from self._rows("SELECT place, number, file, record FROM made ORDER BY place, number")

    def variations_of(self, source: Source) -> Iterator[Row]:
        place = self.places[source.path, source.sha256]
        query = "SELECT place, number, file, record FROM made WHERE place = ? ORDER BY number"
        yield from self._rows(query, place)

    def at(self, path: str) -> list[Source]:
        """The sources that lie at this path of the set that was given; more than one where two ZIPs hold it."""
        start = bisect_left(self.sources, path, key=lambda source: source.path)
        return list(takewhile(lambda source: source.path == path, islice(self.sources, start, None)))

    def is_as_it_was(self, path: str) -> bool:
        """Whether the picture of this path is in the finished set and has no variations there."""
        found = self.at(path)
        return bool(found) and all(
            self.original(source) is not None and next(self.variations_of(source), None) is None for source in found
        )

    def __iter__(self) -> Iterator[Row]:
        yield from self.originals()
        yield from self.variations()

    def _rows(self, query: str, *values: object) -> Iterator[Row]:
        for place, number, file, record in self._database.execute(query, values):
            yield Row(self.sources[place], file, number, json.loads(record) if record else None)

    def _made(self, lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, int, str, str | None]]:
        for line in lines:
            place = self.places.get((line.get("source", ""), line.get("source_sha256") or ""))
            if line.get("status") == "ok" and place is not None:
                record = line.get("record")
                yield place, line["index"], line["file"], None if record is None else json.dumps(record)
