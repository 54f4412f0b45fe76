"""What a visitor's last job gave, kept while their tab is open: shown in parts, added to, and left out of the ZIP."""

from __future__ import annotations

import json
import threading
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from augmentai.dataset.manifest import MANIFEST
from augmentai.dataset.output import Output
from augmentai.dataset.read import Gathered
from augmentai.recipe import Recipe
from augmentai.web.runs import Row, Snapshot, name_by_count

_VISITORS = 200  # of more, whoever did nothing for longest has to begin anew


@dataclass
class Finished:
    """A finished job and what was added to it later.

    parts: the ZIP of each run. left_out: files that the visitor dropped.
    """

    recipe: Recipe
    gathered: Gathered
    parts: list[Path]
    rows: list[Row]
    report: dict[str, Any]
    classes: dict[str, int]
    left_out: set[str] = field(default_factory=set)

    def row(self, file: str) -> Row | None:
        return next((row for row in self.rows if row.file == file), None)

    @property
    def kept(self) -> int:
        """Variations that the ZIP will hold."""
        return int(self.report["variations"]) - len(self.left_out)

    def next_index(self, row: Row) -> int:
        """The first number that no variation of this row's source has."""
        return 1 + max(r.index for r in self.rows if (r.source, r.sha256) == (row.source, row.sha256))

    def missing(self) -> Gathered:
        """The sources of which some variation is missing: they failed, or were not reached before a stop."""
        if self.recipe.per_class or self.recipe.balance:  # how many each gets hangs on all of them
            return replace(self.gathered, failures=(), notices=())
        had = Counter((row.source, row.sha256) for row in self.rows)
        short = [s for s in self.gathered.sources if had[s.path, s.sha256] < self.recipe.variations]
        return replace(self.gathered, sources=tuple(short), failures=(), notices=())

    def only(self, row: Row) -> Gathered:
        """The one source that a row was made from."""
        one = [s for s in self.gathered.sources if (s.path, s.sha256) == (row.source, row.sha256)]
        return replace(self.gathered, sources=tuple(one), failures=(), notices=())

    def shown(self, source: str, label: str) -> list[Row]:
        """Rows of one source, of one class, or of all where both are empty; in the order of their names."""
        chosen = [r for r in self.rows if (not source or r.source == source) and (not label or r.label == label)]
        return sorted(chosen, key=lambda row: (row.source, row.sha256, row.index))

    def add(self, last: Snapshot, again: Iterable[tuple[str, str]]) -> None:
        """Take in a later run of the sources in `again`. What it made a second time is the same and counts once."""
        assert last.report is not None
        assert last.zip_path is not None
        known = {row.file for row in self.rows}
        fresh = [row for row in last.rows if row.file not in known]
        self.rows += fresh
        self.parts.append(Path(last.zip_path))
        self.report = merged(self.report, last.report, {source for source, _ in again}, fresh)


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


def pack(finished: Finished) -> Path:
    """The ZIP of all that was kept. A single run of which nothing was left out has it already."""
    if len(finished.parts) == 1 and not finished.left_out:
        return finished.parts[0]
    folder = finished.parts[0].parent
    for old in folder.glob("packed-*"):
        for path in old.iterdir():
            path.unlink(missing_ok=True)
    stamp = datetime.now()
    target = folder / f"packed-{stamp:%H%M%S%f}" / f"augmentai-{stamp:%Y%m%d-%H%M%S}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    lines: dict[tuple[str, int], dict[str, Any]] = {}
    out: set[str] = set()
    there: set[str] = set()
    for part in finished.parts:
        with zipfile.ZipFile(part) as archive:
            there.update(archive.namelist())
            for line in archive.read(MANIFEST).decode().splitlines():
                entry = json.loads(line)
                if entry["file"] in finished.left_out:
                    out.update(_files(entry))
                _account(lines, entry, finished.left_out)
    written = {MANIFEST, *out}
    with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as whole:
        output = Output(finished.gathered, finished.recipe)
        output.found(there)
        for name, pieces in output.closing(lines.values()):  # what lists all pictures is written anew
            with whole.open(name, "w", force_zip64=True) as stream:
                for piece in pieces:
                    stream.write(piece)
            written.add(name)
        for part in finished.parts:
            with zipfile.ZipFile(part) as archive:
                for info in archive.infolist():
                    if info.filename not in written:
                        whole.writestr(info, archive.read(info))
                        written.add(info.filename)
        made = {source for (source, _), line in lines.items() if line["status"] == "ok"}
        told = "".join(
            json.dumps(line, ensure_ascii=False) + "\n"
            for (source, index), line in lines.items()
            if index or source not in made  # 0: the whole source had failed, before it was tried again
        )
        whole.writestr(MANIFEST, told, zipfile.ZIP_DEFLATED)
    return name_by_count(target, finished.kept)


def _account(lines: dict[tuple[str, int], dict[str, Any]], entry: dict[str, Any], left_out: set[str]) -> None:
    """One line for each wanted variation: a success takes the place of an earlier failure."""
    if entry["file"] in left_out:
        entry |= {"file": None, "status": "left out", "reason": "left out by hand"}
    key = (f"{entry['source']}\0{entry['source_sha256']}", entry["index"])
    if entry["status"] != "failed" or key not in lines:
        lines[key] = entry


def _files(entry: dict[str, Any]) -> list[str]:
    """A variation's file and those that keep its labels."""
    return [entry["file"], *entry.get("label_files", ())]


class Shelf:
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
