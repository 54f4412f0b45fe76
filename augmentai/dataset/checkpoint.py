"""What a folder holds of a run that was broken off: its manifest mended, and what need not be made again."""

from __future__ import annotations

import json
import os
import stat
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from augmentai.dataset.file_names import safe_path
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE, made_in
from augmentai.filters.features import decode_fingerprint
from augmentai.types import Rejection, Source

_TAIL_BYTES = 8  # no picture file ends in as many zeros
_NEW_MANIFEST = ".augmentai.manifest.part"


class Checkpoint:
    """Variations that are there already, by source and index.

    sources: sorted by (path, hash), as `gather` gives them. Holds a number for each source, whatever their number.
    left_out: those that filters rejected after credits were spent on them. They count as settled: to try them again
    would cost as much. rounds: see `Job`.
    """

    def __init__(self, sources: Sequence[Source] = ()) -> None:
        self._sources = sources
        self._bits = [0] * len(sources)  # bit i: variation i of this source
        self.engines: Counter[str] = Counter()
        self.credits = 0.0
        self.left_out = 0
        self.rounds = 1
        self.manifest: Path | None = None
        self._tried: dict[tuple[str, str, int], tuple[Rejection, ...]] = {}

    @property
    def variations(self) -> int:
        return self.engines.total()

    def __contains__(self, wanted: tuple[Source, int]) -> bool:
        source, index = wanted
        place = self._place(source.path, source.sha256)
        return place is not None and bool(self._bits[place] >> index & 1)

    def take(self, entry: dict[str, Any]) -> bool:
        """Count a line of the manifest in; False where it is of no source of this run, or the second of its kind."""
        place = self._place(entry["source"], entry["source_sha256"])
        if place is None or self._bits[place] >> entry["index"] & 1:
            return False
        self._bits[place] |= 1 << entry["index"]
        if made_in(entry):
            self.engines[str(entry["engine"])] += 1
        else:
            self.left_out += 1
        self.credits += entry.get("credits", 0.0)
        return True

    def tried(self, source: Source, index: int) -> tuple[Rejection, ...]:
        """The tries of a variation that was left out, each rejected by a filter; the next one follows them."""
        return self._tried.get((source.path, source.sha256, index), ())

    @property
    def any_tried(self) -> bool:
        return bool(self._tried)

    def remember(self, entry: dict[str, Any]) -> None:
        """Keep in mind what a line tells of tries that filters rejected, where it is one of a variation left out."""
        try:
            if entry["status"] == "failed" and entry["index"] and entry.get("rejected"):
                rejections = tuple(Rejection(**told) for told in entry["rejected"])
                self._tried[entry["source"], entry["source_sha256"], entry["index"]] = rejections
        except (KeyError, TypeError):
            return  # not a line of ours: tried from the beginning

    def prints(
        self, wanted: Callable[[tuple[str, str]], Sequence[int]]
    ) -> dict[tuple[str, str], dict[int, bytes | None]]:
        """Of each source of which some variations are there and some not: what those look like that are, by index.

        wanted: the indices of a source's variations, by its path and hash. They are read anew from the manifest, since
        most sources are whole and need not be held in memory.
        """
        prints: dict[tuple[str, str], dict[int, bytes | None]] = {}
        for place, bits in enumerate(self._bits):
            source = self._sources[place]
            there = [index for index in wanted((source.path, source.sha256)) if bits >> index & 1] if bits else []
            if there and len(there) < len(wanted((source.path, source.sha256))):
                prints[source.path, source.sha256] = dict.fromkeys(there)
        if prints and self.manifest is not None:
            with self.manifest.open("rb") as lines:
                for line in lines:
                    entry = _settled(line)
                    known = prints.get((entry["source"], entry["source_sha256"])) if entry else None
                    if entry and known is not None:
                        known[entry["index"]] = decode_fingerprint(entry.get("print"))
        return prints

    def _place(self, path: str, sha256: str) -> int | None:
        return _place(self._sources, path, sha256)


def find(sources: Sequence[Source], path: str, sha256: str) -> Source | None:
    """The source of a line of the manifest. sources: sorted by (path, hash)."""
    place = _place(sources, path, sha256)
    return None if place is None else sources[place]


def _place(sources: Sequence[Source], path: str, sha256: str) -> int | None:
    place = bisect_left(sources, (path, sha256), key=lambda source: (source.path, source.sha256))
    if place == len(sources):
        return None
    found = sources[place]
    return place if (found.path, found.sha256) == (path, sha256) else None


def mend(folder: Path, sources: Sequence[Source]) -> Checkpoint:
    """Bring a broken-off run's folder in order and tell what it holds.

    The manifest keeps the lines of variations whose files are all there and whole, as far as size and end tell, and of
    those that were paid for and left out. Lines of other failures go, since these are tried again, and so do a
    half-written line and lines of which a file is missing or torn, with the rest of their files: such a variation is
    made again. The manifest is replaced in one step. Raises OSError.
    """
    manifest, new = folder / MANIFEST, folder / _NEW_MANIFEST
    held = Checkpoint(sources)
    held.manifest = manifest
    dropped = False
    try:
        with manifest.open("rb") as lines, new.open("wb") as kept:
            for line in lines:
                entry = _settled(line)
                files = [folder / name for name in _files(entry)] if entry else []
                whole = entry is not None and _are_whole(files, entry.get("bytes"))
                if entry and whole and held.take(entry):
                    kept.write(line)
                    continue
                dropped = True
                if entry is None:
                    held.remember(_read(line))
                if not whole:
                    for file in files:
                        file.unlink(missing_ok=True)
            kept.flush()
            os.fsync(kept.fileno())
        if dropped:
            os.replace(new, manifest)
    except FileNotFoundError:  # ended before its manifest was begun
        return Checkpoint(sources)
    finally:
        new.unlink(missing_ok=True)
    return held


def only_failures(folder: Path) -> bool:
    """Whether the manifest in a folder is that of a run that made nothing, or ended before it made anything."""
    try:
        with (folder / MANIFEST).open("rb") as lines:
            return all(_failed(line) for line in lines)
    except FileNotFoundError:
        return (folder / RECIPE_FILE).is_file()


def is_run(folder: Path) -> bool:
    """Whether a folder is the output of a run: its manifest begins with a line of ours, or is yet to be begun."""
    try:
        with (folder / MANIFEST).open("rb") as lines:
            first = lines.readline(1 << 16)
        entry = json.loads(first) if first else {}
    except (OSError, ValueError):
        return False
    if not first:
        return (folder / RECIPE_FILE).is_file()
    return isinstance(entry, dict) and {"source", "source_sha256", "index", "status"} <= entry.keys()


def _failed(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return True  # torn: nothing was made by it
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("status") == "failed"


def _read(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _settled(line: bytes) -> dict[str, Any] | None:
    """A line of the manifest that need not be done again; None for a failure's, a torn one, and one of someone else."""
    try:
        entry = json.loads(line) if line.endswith(b"\n") else None
        if not isinstance(entry, dict) or not (made_in(entry) or (entry.get("rejected") and entry.get("credits"))):
            return None
        sound = isinstance(entry["index"], int) and 0 < entry["index"] < 1 << 20
        sound = sound and isinstance(entry["source"], str) and isinstance(entry["source_sha256"], str)
        return entry if sound and all(safe_path(name) == name for name in _files(entry)) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _are_whole(files: Sequence[Path], sizes: object) -> bool:
    if not files:
        return True
    expected = sizes if isinstance(sizes, list) and len(sizes) == len(files) else [None] * len(files)
    try:
        found = [file.stat() for file in files]
        if not all(
            stat.S_ISREG(one.st_mode) and size in {None, one.st_size} for one, size in zip(found, expected, strict=True)
        ):
            return False
        with files[0].open("rb") as picture:  # what had not reached the disk when power was lost is zeros
            picture.seek(max(0, found[0].st_size - _TAIL_BYTES))
            return any(picture.read())
    except OSError:
        return False


def _files(entry: dict[str, Any]) -> list[str]:
    """The files that a variation consists of, itself first."""
    return [entry["file"], *entry.get("label_files", ())] if made_in(entry) else []
