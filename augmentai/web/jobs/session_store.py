"""What a visitor's last job gave, kept while their tab is open: shown in parts, added to, and left out of the ZIP."""

from __future__ import annotations

import json
import threading
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.manifest import MANIFEST
from augmentai.dataset.readers.gather import Gathered
from augmentai.pipeline.balance import plan
from augmentai.pipeline.job import Job
from augmentai.pipeline.merge import Packing, put_together
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from augmentai.web.jobs.run import Row, Snapshot

_VISITORS = 200  # of more, whoever did nothing for longest has to begin anew


@dataclass
class Finished:
    """A finished job and what was added to it later.

    place: its folder. zips: the job's own ZIP, then those of what was added to it; with what is left out.
    left_out: variations that the visitor dropped, and may take back.
    """

    recipe: Recipe
    gathered: Gathered
    settings: Settings
    place: Path
    zips: list[Path]
    rows: list[Row]
    report: dict[str, Any]
    classes: dict[str, int]
    left_out: set[str] = field(default_factory=set)
    turn: int = 0  # of the clicks that chose `left_out`, the last
    rounds: int = 1  # one more for each time that what failed was tried again
    _packed: tuple[object, Path] | None = None  # what it is made of, and where it lies

    def row(self, file: str) -> Row | None:
        return next((row for row in self.rows if row.file == file), None)

    @property
    def kept(self) -> int:
        """Variations that the ZIP holds."""
        return int(self.report["variations"]) - len(self.left_out)

    def missing(self) -> list[Source]:
        """The sources of which some variation is missing: they failed, or were not reached before a stop."""
        had = Counter((row.source, row.sha256) for row in self.rows)
        wanted = plan(self.gathered.sources, self.recipe)
        return [s for s in self.gathered.sources if had[s.path, s.sha256] < wanted.of((s.path, s.sha256))]

    def made(self) -> Checkpoint:
        """Everything that is there: for a run that makes what is missing, with new seeds where filters left it out."""
        checkpoint = Checkpoint(self.gathered.sources)
        checkpoint.retry_round = self.rounds + 1
        for path in self.zips:
            with zipfile.ZipFile(path) as archive, archive.open(MANIFEST) as lines:
                for line in lines:
                    checkpoint.record_rejections(json.loads(line))
        for row in self.rows:
            entry = {"source": row.source, "source_sha256": row.sha256, "index": row.index, "engine": row.engine}
            checkpoint.record(entry)
        return checkpoint

    def all_but(self, row: Row, first_index: int, variations: int) -> Checkpoint:
        """Everything but later variations of this row's source: for a run that makes these."""
        checkpoint = Checkpoint(self.gathered.sources)
        for source in self.gathered.sources:
            if (source.path, source.sha256) != (row.source, row.sha256):
                entry = {"source": source.path, "source_sha256": source.sha256, "engine": row.engine}
                for index in range(first_index, first_index + variations):
                    checkpoint.record(entry | {"index": index})
        return checkpoint

    def next_index(self, row: Row) -> int:
        """The first number that no variation of this row's source has."""
        return 1 + max(r.index for r in self.rows if (r.source, r.sha256) == (row.source, row.sha256))

    def again(self) -> Gathered:
        """The sources for a later run: what could not be read was told already."""
        return replace(self.gathered, failures=(), notices=())

    def shown(self, source: str, label: str) -> list[Row]:
        """Rows of one source, of one class, or of all where both are empty; in the order of their names."""
        chosen = [r for r in self.rows if (not source or r.source == source) and (not label or label in r.labels)]
        return sorted(chosen, key=lambda row: (row.source, row.sha256, row.index))

    def add(self, last: Snapshot, tried: Sequence[str]) -> None:
        """Take in a later run. tried: paths of the sources that it was to make something of."""
        assert last.report is not None
        assert last.zip_path is not None
        self.zips.append(Path(last.zip_path))
        self.rounds += bool(tried)
        self.rows += last.rows
        self.report = merged(self.report, last.report, set(tried), last.rows)

    @property
    def ready(self) -> Path | None:
        """The ZIP that the visitor gets; None where it must be packed first, or has been cleared away."""
        found: Path | None = None
        if len(self.zips) == 1 and not self.left_out:
            found = self.zips[0]
        elif self._packed and self._packed[0] == self._contents():
            found = self._packed[1]
        return found if found and found.is_file() else None

    def pack(self) -> Generator[Packing, None, None]:
        """Make the ZIP `ready`. Takes as long as copying it does. Raises OSError, OutputError, BadZipFile."""
        if self.ready is not None:
            return
        contents, zips, left_out = self._contents(), tuple(self.zips), frozenset(self.left_out)
        job = Job(self.gathered, self.recipe, self.settings, (), rounds=self.rounds)
        for packing in put_together(job, zips, left_out, self.place):
            if packing.path is not None:
                if self._packed is not None:
                    self._packed[1].unlink(missing_ok=True)
                self._packed = (contents, packing.path)
            yield packing

    def _contents(self) -> object:
        return len(self.zips), frozenset(self.left_out)


def merged(before: dict[str, Any], after: dict[str, Any], tried: set[str], fresh: Sequence[Row]) -> dict[str, Any]:
    """The report of both runs: counts added, failures of the sources that were tried again replaced."""
    engines = Counter(before["engines"]) + Counter(row.engine for row in fresh)
    failures = [f for f in before["failures"] if f["file"] not in tried] + after["failures"]
    variations = before["variations"] + len(fresh)
    plural = "" if before["sources"] == 1 else "s"
    return before | {
        "variations": variations,
        "engines": dict(engines),
        "failures": failures,
        "failed": len(failures),
        "stopped": after["stopped"],
        "seconds": round(before["seconds"] + after["seconds"], 2),
        "credits": round(before["credits"] + after["credits"], 2),
        "fallbacks": [f for f in before["fallbacks"] if f["file"] not in tried] + after["fallbacks"],
        "notices": list(dict.fromkeys(before["notices"] + after["notices"])),
        "headline": f"{variations} variations from {before['sources']} file{plural}",
    }


class SessionStore:
    """The last finished job of each open tab, by its session. Thread-safe, of bounded size."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Finished] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, session: str, finished: Finished) -> None:
        with self._lock:
            self._jobs[session] = finished
            self._jobs.move_to_end(session)
            while len(self._jobs) > _VISITORS:
                self._jobs.popitem(last=False)

    def get(self, session: str) -> Finished | None:
        with self._lock:
            if session in self._jobs:
                self._jobs.move_to_end(session)
            return self._jobs.get(session)

    def drop(self, session: str) -> None:
        with self._lock:
            self._jobs.pop(session, None)
