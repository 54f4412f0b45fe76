"""What an earlier run has made already, and how its folder is repaired before the run resumes."""

from __future__ import annotations

import json
import math
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from augmentai.dataset.file_names import safe_path
from augmentai.dataset.manifest import MANIFEST, files_of, is_made
from augmentai.dataset.paid_answers import variation_name
from augmentai.dataset.sorted_sources import position_of
from augmentai.filters.features import decode_fingerprint
from augmentai.system.regular_files import open_regular
from augmentai.types import Rejection, Source

_TAIL_BYTES = 8  # no image file ends in as many zeros
_NEW_MANIFEST = ".augmentai.manifest.part"
_INDEX_LIMIT = 1 << 20

Fingerprints = dict[tuple[str, str], dict[int, bytes | None]]


class Checkpoint:
    """The variations that exist already, by source and index.

    Its memory depends on the number of sources alone: one integer each, however many variations they have.

    Attributes:
        engines: how many variations each engine made.
        credits: what they cost.
        skipped_paid: how many variations were paid for in vain: filters rejected them, or the answer was no image. They
            count as done, since to retry them would cost as much again.
        given_up: how many variations can never be made, and are not attempted again.
        unsettled_credits: what the manifest counts for variations that are to be made again, by the path and hash of
            their source, and their index.
        retry_round: see `RunRecord.retry_round`.
        manifest: the file that was read, None if there is none.

    Args:
        sources: the sources of the run, sorted by (path, hash) as `gather` returns them.

    Example:
        >>> source = Source.from_bytes("cats/a.jpg", b"pixels")
        >>> checkpoint = Checkpoint([source])
        >>> entry = {"source": "cats/a.jpg", "source_sha256": source.sha256, "index": 1, "status": "ok", "engine": "x"}
        >>> checkpoint.record(entry)
        True
        >>> (source, 1) in checkpoint, (source, 2) in checkpoint, checkpoint.variations
        (True, False, 1)
    """

    def __init__(self, sources: Sequence[Source] = ()) -> None:
        self._sources = sources
        self._bits = [0] * len(sources)  # bit i: variation i of this source
        self.engines: Counter[str] = Counter()
        self.credits = 0.0
        self.skipped_paid = 0
        self.given_up = 0
        self.unsettled_credits: dict[tuple[str, str, int], float] = {}
        self.retry_round = 1
        self.manifest: Path | None = None
        self._rejections: dict[tuple[str, str, int], tuple[Rejection, ...]] = {}

    @property
    def variations(self) -> int:
        """How many variations exist."""
        return self.engines.total()

    @property
    def has_rejections(self) -> bool:
        """Whether filters rejected every attempt at some variation."""
        return bool(self._rejections)

    def __contains__(self, wanted: tuple[Source, int]) -> bool:
        source, index = wanted
        position = position_of(self._sources, source.path, source.sha256)
        return position is not None and bool(self._bits[position] >> index & 1)

    def record(self, entry: Mapping[str, Any]) -> bool:
        """Count one variation that need not be made again.

        Args:
            entry: its line of the manifest, parsed: of one that was made, or of one that was paid for and rejected.

        Returns:
            False if it belongs to no source of this run, or was recorded before.
        """
        path, sha256, index, credits = (
            entry["source"],
            entry["source_sha256"],
            entry["index"],
            entry.get("credits", 0.0),
        )
        if is_made(entry):
            return self.record_made(path, sha256, index, str(entry["engine"]), credits)
        if not self._mark(path, sha256, index):
            return False
        self.skipped_paid += 1
        self.credits += credits
        return True

    def record_made(self, path: str, sha256: str, index: int, engine: str, credits: float = 0.0) -> bool:
        """Count one variation that was made.

        Args:
            path: the path of its source.
            sha256: the hash of its source.
            index: its number, from 1.
            engine: what made it.
            credits: what it cost.

        Returns:
            False if it belongs to no source of this run, or was recorded before.
        """
        if not self._mark(path, sha256, index):
            return False
        self.engines[engine] += 1
        self.credits += credits
        return True

    def give_up(self, source: Source, indices: Sequence[int]) -> None:
        """Count variations that can never be made, since the source cannot be used, as done."""
        self.given_up += sum(self._mark(*source.key, index) for index in indices)

    def _mark(self, path: str, sha256: str, index: int) -> bool:
        position = position_of(self._sources, path, sha256)
        if position is None or self._bits[position] >> index & 1:
            return False
        self._bits[position] |= 1 << index
        return True

    def record_rejections(self, entry: Mapping[str, Any]) -> None:
        """Remember the attempts that filters rejected, so that a retry takes other seeds.

        Args:
            entry: a parsed line of the manifest. Lines of anything but a rejected variation are ignored.
        """
        try:
            if entry["status"] == "failed" and entry["index"] and entry.get("rejected"):
                rejections = tuple(Rejection(**rejected) for rejected in entry["rejected"])
                self._rejections[entry["source"], entry["source_sha256"], entry["index"]] = rejections
        except (KeyError, TypeError):
            return  # not a line that AugmentAI wrote: its attempts start from the first seed

    def record_unsettled(self, entry: Mapping[str, Any]) -> None:
        """Remember what was charged for a variation that is to be made again.

        Args:
            entry: its line of the manifest, parsed. Lines that AugmentAI did not write are ignored.
        """
        credits = entry.get("credits")
        if isinstance(credits, int | float) and 0 < credits < math.inf:
            with suppress(KeyError, TypeError):
                key = entry["source"], entry["source_sha256"], entry["index"]
                self.unsettled_credits[key] = self.unsettled_credits.get(key, 0.0) + credits

    def rejections(self, source: Source, index: int) -> tuple[Rejection, ...]:
        """The rejected attempts at a variation that does not exist yet; the next attempt follows them."""
        return self._rejections.get((source.path, source.sha256, index), ())

    def fingerprints(self, wanted: Callable[[tuple[str, str]], Sequence[int]]) -> Fingerprints:
        """The fingerprints of variations whose siblings are still to be made.

        They are read from the manifest again: most sources are complete, and their fingerprints need not be in memory.

        Args:
            wanted: returns the indices of a source's variations, by its path and hash.

        Returns:
            {(path, hash): {index: fingerprint, or None if the manifest has none}}, for sources of which some
            variations exist and some do not.
        """
        found: Fingerprints = {}
        for source, bits in zip(self._sources, self._bits, strict=True):
            indices = wanted((source.path, source.sha256)) if bits else ()
            made = [index for index in indices if bits >> index & 1]
            if made and len(made) < len(indices):
                found[source.path, source.sha256] = dict.fromkeys(made)
        if found and self.manifest is not None:
            with open_regular(self.manifest) as lines:
                for line in lines:
                    entry = _parse_done(line)
                    known = found.get((entry["source"], entry["source_sha256"])) if entry else None
                    if entry and known is not None:
                        known[entry["index"]] = decode_fingerprint(entry.get("print"))
        return found


@dataclass(frozen=True)
class PaidFailures:
    """What becomes of variations that were paid for and failed, when their run resumes.

    Attributes:
        retried: they are bought again, as the recipe's paid_retries allows.
        stored: those whose answer is on disk, as `paid_answers.variation_name` names them: they cost nothing more.
    """

    retried: bool = True
    stored: frozenset[str] = frozenset()

    def is_final(self, entry: Mapping[str, Any]) -> bool:
        """Whether a failed variation stays as it is.

        Args:
            entry: its line of the manifest, parsed.
        """
        if not (entry.get("credits") and entry.get("index")):
            return False
        if entry.get("rejected"):
            return True
        return not self.retried and variation_name((entry["source"], entry["source_sha256"]), entry["index"]) not in (
            self.stored
        )


def repair_manifest(folder: Path, sources: Sequence[Source], paid: PaidFailures = PaidFailures()) -> Checkpoint:
    """Repair the folder of an interrupted run, and report what it contains.

    The manifest keeps the lines of variations whose files are all there and complete, as far as size and last bytes
    show, and of those that were paid for and rejected. Other lines are removed: failures, which are retried;
    half-written lines; and lines of which a file is missing or truncated, together with the rest of their files, since
    such a variation is made again. The manifest is replaced in one step.

    Args:
        folder: the output folder of a run; nobody else writes to it meanwhile.
        sources: the sources of the run, sorted by (path, hash).
        paid: which failures are final since they were paid for.

    Returns:
        What need not be made again; empty if the run ended before it had a manifest.

    Raises:
        OSError: a file cannot be read, removed or written.
    """
    manifest, new = folder / MANIFEST, folder / _NEW_MANIFEST
    checkpoint = Checkpoint(sources)
    checkpoint.manifest = manifest
    try:
        with open_regular(manifest) as lines, new.open("wb") as kept:
            kept.writelines(kept_lines(lines, checkpoint, paid, partial(_complete_or_removed, folder)))
            kept.flush()
            os.fsync(kept.fileno())
        if new.stat().st_size != manifest.stat().st_size:
            os.replace(new, manifest)
    except FileNotFoundError:
        return Checkpoint(sources)
    finally:
        new.unlink(missing_ok=True)
    return checkpoint


def read_checkpoint(folder: Path, sources: Sequence[Source], paid: PaidFailures) -> Checkpoint:
    """What the folder of an interrupted run contains, without repairing it; see `repair_manifest`.

    Raises:
        OSError: the manifest cannot be read.
    """
    checkpoint = Checkpoint(sources)
    with suppress(FileNotFoundError), open_regular(folder / MANIFEST) as lines:
        for line in lines:
            entry = _parse_done(line, paid)
            if entry is not None and _are_complete([folder / name for name in files_of(entry)], entry.get("bytes")):
                checkpoint.record(entry)
    return checkpoint


def kept_lines(
    lines: Iterable[bytes],
    checkpoint: Checkpoint,
    paid: PaidFailures,
    are_complete: Callable[[Sequence[str], object], bool],
) -> Iterator[bytes]:
    """Those lines of a manifest that stay; see `repair_manifest`.

    Args:
        lines: the manifest.
        checkpoint: records them.
        paid: which failures are final since they were paid for.
        are_complete: whether the files of a variation, by their names and recorded sizes, are all there and complete.
    """
    for line in lines:
        entry = _parse_done(line, paid)
        if entry is None:
            removed = _parse(line)
            checkpoint.record_rejections(removed)
            checkpoint.record_unsettled(removed)
        elif not are_complete(files_of(entry), entry.get("bytes")):
            checkpoint.record_unsettled(entry)
        elif checkpoint.record(entry):
            yield line


def _complete_or_removed(folder: Path, names: Sequence[str], sizes: object) -> bool:
    """Whether files are complete; if one is not, all of them are removed."""
    files = [folder / name for name in names]
    if _are_complete(files, sizes):
        return True
    for file in files:
        file.unlink(missing_ok=True)
    return False


def _parse(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _parse_done(line: bytes, paid: PaidFailures = PaidFailures()) -> dict[str, Any] | None:
    """A line whose variation need not be made again; None for failures, half-written lines and foreign ones."""
    try:
        entry = json.loads(line) if line.endswith(b"\n") else None
        if not isinstance(entry, dict) or not (is_made(entry) or paid.is_final(entry)):
            return None
        valid = isinstance(entry["index"], int) and 0 < entry["index"] < _INDEX_LIMIT
        valid = valid and isinstance(entry["source"], str) and isinstance(entry["source_sha256"], str)
        return entry if valid and all(safe_path(name) == name for name in files_of(entry)) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _are_complete(files: Sequence[Path], sizes: object) -> bool:
    if not files:
        return True
    expected = sizes if isinstance(sizes, list) and len(sizes) == len(files) else [None] * len(files)
    try:
        found = [file.stat() for file in files]
        if not all(
            stat.S_ISREG(one.st_mode) and size in {None, one.st_size} for one, size in zip(found, expected, strict=True)
        ):
            return False
        with files[0].open("rb") as image:  # what had not reached the disk at a loss of power is zeros
            image.seek(max(0, found[0].st_size - _TAIL_BYTES))
            return any(image.read())
    except OSError:
        return False
