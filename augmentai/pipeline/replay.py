"""Repeating an earlier run: its recipe, the same sources, and whether the same images came out."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from augmentai.dataset.archive import ArchiveError, open_archive
from augmentai.dataset.file_names import as_on_disk
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE, is_made
from augmentai.dataset.run_record import RunRecord, differences, read_record
from augmentai.engines.base import Engine
from augmentai.recipe import RecipeError
from augmentai.storage import Place, Store, is_url, open_store
from augmentai.system.regular_files import open_regular, read_regular
from augmentai.types import Source

_NAMES_SHOWN = 5
_MAX_RECIPE_BYTES = 1 << 20


class ReplayError(ValueError):
    """A run cannot be repeated; the message says why and what to do."""


class EarlierRun:
    """The folder of a run, by path or URL, or a ZIP of one, opened for reading.

    Args:
        path: the folder or ZIP.

    Raises:
        ReplayError: there is no run.
    """

    def __init__(self, path: Place) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        try:
            if isinstance(path, Path) and path.is_file():
                self._archive = open_archive(path)
            text = self._text(RECIPE_FILE)
            self.record: RunRecord = read_record(text, f"{self.path}/{RECIPE_FILE}")
        except (KeyError, FileNotFoundError, NotADirectoryError) as error:
            raise ReplayError(f"{self.path} is not a run that can be repeated: it holds no {RECIPE_FILE}") from error
        except (ArchiveError, OSError, UnicodeDecodeError) as error:
            raise ReplayError(f"{self.path} cannot be read ({error})") from error
        except RecipeError as error:
            raise ReplayError(str(error)) from error

    def _text(self, name: str) -> str:
        if self._archive is not None:
            with self._archive.open(name) as file:
                return file.read(_MAX_RECIPE_BYTES).decode("utf-8")
        return self.read(name).decode("utf-8")

    def inputs(self) -> list[Place]:
        """Where the sources were, according to the record. Raises ReplayError if one is no longer there."""
        found = [self._input(recorded) for recorded in self.record.inputs]
        missing = [place for place in found if isinstance(place, Path) and not place.exists()]
        if missing or not found:
            names = ", ".join(path.name for path in missing) or "the images"
            raise ReplayError(f"source {names} not found relative to {self.path}; pass the files and folders it used")
        return found

    def _input(self, recorded: str) -> Place:
        if is_url(recorded):
            return open_store(recorded)
        if isinstance(self.path, Store):
            return Path(as_on_disk(recorded))  # its name alone is known
        home = self.path.parent if self._archive is not None else self.path
        return home / as_on_disk(recorded)

    def _open(self, name: str) -> IO[bytes]:
        if self._archive is not None:
            return self._archive.open(name)
        return self.path.open(name) if isinstance(self.path, Store) else open_regular(self.path / name)

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of its manifest that can be parsed."""
        try:
            with self._open(MANIFEST) as lines:
                for line in lines:
                    try:
                        entry = json.loads(line)
                    except ValueError:
                        continue
                    if isinstance(entry, dict):
                        yield entry
        except (KeyError, FileNotFoundError):
            return

    def read(self, file: str) -> bytes:
        """The bytes of one of its images.

        Args:
            file: its relative path.

        Raises:
            OSError, KeyError: the folder, or the ZIP, does not have it.
        """
        if self._archive is not None:
            return self._archive.read(file)
        return self.path.read(file) if isinstance(self.path, Store) else read_regular(self.path / file)


def check(
    run: EarlierRun,
    now: RunRecord,
    sources: Sequence[Source],
    engines: Sequence[Engine],
    holdout: Sequence[Source] = (),
) -> list[str]:
    """What may make a repetition differ from its run, in words.

    Args:
        run: the earlier one.
        now: the record of the repetition.
        sources: its sources.
        engines: those that are installed.
        holdout: the validation and test images beside the sources.

    Raises:
        ReplayError: the sources are not the same, so nothing would be.
    """
    if run.record.sources_sha256 != now.sources_sha256:
        raise ReplayError(f"the sources are not those of {run.path}: {_other_sources(run, sources, holdout)}")
    notes = differences(run.record, now)
    notes += [
        f"{name} was {version}, now {now.versions.get(name, 'not installed')}"
        for name, version in run.record.versions.items()
        if now.versions.get(name) != version
    ]
    known = {engine.name: engine for engine in engines}
    counts: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    for entry in filter(is_made, run.entries()):
        name = str(entry["engine"])
        counts[name] += 1
        reasons.update((name, reason) for reason in _why_other(known.get(name), entry))
    notes += [
        f"{counts[engine.name]} of the images were made by {engine.name}: {engine.may_differ}"
        for engine in engines
        if counts[engine.name] and engine.may_differ
    ]
    notes += [
        f"{count} of the images were made by {name}: {reason}" for (name, reason), count in sorted(reasons.items())
    ]
    notes += [
        f"{count} of the images were made by {name}, an engine that is not installed; install its package"
        for name, count in sorted(counts.items())
        if name not in known
    ]
    return notes


def _why_other(engine: Engine | None, entry: dict[str, Any]) -> list[str]:
    """Why an engine of now cannot make an image again as it is."""
    if engine is None:
        return []
    details = entry.get("details")
    words = engine.differs_from(str(entry.get("model", ""))), engine.differs_in(details) if details else ""
    return [reason for reason in words if reason]


def _other_sources(run: EarlierRun, sources: Sequence[Source], holdout: Sequence[Source]) -> str:
    before = {entry["source_sha256"]: entry["source"] for entry in run.entries() if entry.get("source_sha256")}
    now = {source.sha256: source.path for source in sources}
    missing = {path for sha256, path in before.items() if sha256 not in now}
    new = {path for sha256, path in now.items() if sha256 not in before}
    held_out = {before[one.sha256] for one in holdout if one.sha256 in before} & missing
    kinds = (
        ("changed", missing & new),
        ("missing", missing - new - held_out),
        ("recognized as validation or test images now", held_out - new),
        ("new", new - missing),
    )
    words = [f"{len(files)} {kind} ({_some(files)})" for kind, files in kinds if files]
    return "; ".join(words) or f"there were {run.record.source_count}, now {len(sources)}"


def _some(names: set[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(sorted(names)[:_NAMES_SHOWN]) + more


@dataclass
class Comparison:
    """How the images of a run compare with those of its repetition.

    Attributes:
        same_bytes: files that are identical.
        same_pixels: files with the same pixels in other bytes.
        different: files that differ.
        missing: how many the earlier run does not have.
    """

    same_bytes: int = 0
    same_pixels: int = 0
    different: list[str] = field(default_factory=list)
    missing: int = 0

    def __str__(self) -> str:
        count = self.same_bytes + self.same_pixels + len(self.different)
        parts = [f"{self.same_bytes} of {count} files are identical"]
        if alike := self.same_pixels:
            parts.append(f"{alike} {'has' if alike == 1 else 'have'} the same pixels in other bytes")
        if differ := len(self.different):
            parts.append(f"{differ} {'differs' if differ == 1 else 'differ'} ({_some(set(self.different))})")
        if self.missing:
            them = "it" if self.missing == 1 else "them"
            parts.append(f"{self.missing} could not be compared, since the earlier run does not have {them}")
        return "; ".join(parts)


def compare(before: EarlierRun, now: EarlierRun) -> Comparison:
    """Compare every image of a repetition with the one of the same source and index.

    Args:
        before: the earlier run.
        now: its repetition.
    """
    files: dict[tuple[str, int], dict[str, str]] = {}
    for entry in filter(is_made, before.entries()):
        files.setdefault(_key(entry), {})[entry["source"]] = entry["file"]
    result = Comparison()
    for entry in filter(is_made, now.entries()):
        try:
            alike = files[_key(entry)]  # of identical images, whose labels may differ
            old = before.read(alike.get(entry["source"]) or next(iter(alike.values())))
        except (KeyError, OSError):
            result.missing += 1
            continue
        new = now.read(entry["file"])
        if new == old:
            result.same_bytes += 1
        elif _pixels(new) == _pixels(old):
            result.same_pixels += 1
        else:
            result.different.append(entry["file"])
    return result


def _key(entry: dict[str, Any]) -> tuple[str, int]:
    return entry["source_sha256"], entry["index"]


def _pixels(data: bytes) -> tuple[str, tuple[int, int], bytes]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return image.mode, image.size, image.tobytes()
