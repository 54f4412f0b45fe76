"""An earlier run made again: its recipe, the same sources, and whether the same pictures came out."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augmentai.dataset.archive import ArchiveError, open_archive
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE, is_made
from augmentai.dataset.run_record import RunRecord, differences, read_record
from augmentai.recipe import RecipeError
from augmentai.types import Source

_NAMED = 5
_LONGEST_RECIPE_BYTES = 1 << 20
# Made elsewhere or on other chips: the same request need not give the same pixels.
_MAY_DIFFER = {
    "stability": "the hosted service does not promise the same pixels twice",
    "diffusion": "another GPU or driver may give other pixels",
}


class ReplayError(ValueError):
    """A run cannot be made again; the message says why and what to do."""


class EarlierRun:
    """A run folder or a ZIP of one, to be read. Raises ReplayError where it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        try:
            if path.is_file():
                self._archive = open_archive(path)
            text = self._text(RECIPE_FILE)
            self.record: RunRecord = read_record(text, f"{path}/{RECIPE_FILE}")
        except (KeyError, FileNotFoundError, NotADirectoryError) as error:
            raise ReplayError(f"{path} is no run that can be made again: it holds no {RECIPE_FILE}") from error
        except (ArchiveError, OSError, UnicodeDecodeError) as error:
            raise ReplayError(f"{path} cannot be read ({error})") from error
        except RecipeError as error:
            raise ReplayError(str(error)) from error

    def _text(self, name: str) -> str:
        if self._archive is not None:
            with self._archive.open(name) as file:
                return file.read(_LONGEST_RECIPE_BYTES).decode("utf-8")
        return (self.path / name).read_text("utf-8")

    @property
    def home(self) -> Path:
        """The folder that the recorded inputs are seen from."""
        return self.path.parent if self._archive is not None else self.path

    def inputs(self) -> list[Path]:
        """Where the sources lay, as the record tells. Raises ReplayError where one is not there any more."""
        found = [self.home / given for given in self.record.inputs]
        gone = [path for path in found if not path.exists()]
        if gone or not found:
            names = ", ".join(path.name for path in gone) or "the photographs it was made from"
            raise ReplayError(f"{names} cannot be found from {self.path}; name the files and folders it was made from")
        return found

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of its manifest that can be read."""
        try:
            with (
                self._archive.open(MANIFEST) if self._archive is not None else (self.path / MANIFEST).open("rb")
            ) as lines:
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
        """One of its pictures. Raises OSError or KeyError."""
        return self._archive.read(file) if self._archive is not None else (self.path / file).read_bytes()


def check(run: EarlierRun, now: RunRecord, sources: Sequence[Source]) -> list[str]:
    """What may make a difference between a run and its repetition, in words.

    Raises ReplayError where the sources are not the same: then nothing would be.
    """
    if run.record.sources_sha256 != now.sources_sha256:
        raise ReplayError(f"the photographs are not those of {run.path}: {_other_sources(run, sources)}")
    told = differences(run.record, now)
    told += [
        f"{name} was {version}, now {now.versions.get(name, 'not installed')}"
        for name, version in run.record.versions.items()
        if now.versions.get(name) != version
    ]
    engines = Counter(entry["engine"] for entry in run.entries() if is_made(entry))
    told += [
        f"{engines[name]} of them were made by {name}: {why}" for name, why in _MAY_DIFFER.items() if engines[name]
    ]
    return told


def _other_sources(run: EarlierRun, sources: Sequence[Source]) -> str:
    before = {entry["source_sha256"]: entry["source"] for entry in run.entries() if entry.get("source_sha256")}
    now = {source.sha256: source.path for source in sources}
    gone = {path for sha256, path in before.items() if sha256 not in now}
    new = {path for sha256, path in now.items() if sha256 not in before}
    kinds = (("changed", gone & new), ("missing", gone - new), ("not among them before", new - gone))
    words = [f"{len(files)} {kind} ({_some(files)})" for kind, files in kinds if files]
    return "; ".join(words) or f"there were {run.record.source_count}, now {len(sources)}"


def _some(names: set[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(sorted(names)[:_NAMED]) + more


@dataclass
class Comparison:
    """Pictures of a run beside those of its repetition. other: files that differ. gone: not there to be compared."""

    same_bytes: int = 0
    same_pixels: int = 0
    other: list[str] = field(default_factory=list)
    gone: int = 0

    def __str__(self) -> str:
        count = self.same_bytes + self.same_pixels + len(self.other)
        parts = [f"{self.same_bytes} of {count} files are the same to the last byte"]
        if self.same_pixels:
            parts.append(f"{self.same_pixels} hold the same pixels in other bytes")
        if self.other:
            parts.append(f"{len(self.other)} differ ({_some(set(self.other))})")
        if self.gone:
            parts.append(f"{self.gone} could not be compared, since the earlier run does not hold them")
        return "; ".join(parts)


def compare(before: EarlierRun, now: EarlierRun) -> Comparison:
    """Every picture of the repetition with the one of the same source and index."""
    files = {_key(entry): entry["file"] for entry in before.entries() if is_made(entry)}
    result = Comparison()
    for entry in filter(is_made, now.entries()):
        try:
            old = before.read(files[_key(entry)])
        except (KeyError, OSError):
            result.gone += 1
            continue
        new = now.read(entry["file"])
        if new == old:
            result.same_bytes += 1
        elif _pixels(new) == _pixels(old):
            result.same_pixels += 1
        else:
            result.other.append(entry["file"])
    return result


def _key(entry: dict[str, Any]) -> tuple[str, int]:
    return entry["source_sha256"], entry["index"]


def _pixels(data: bytes) -> tuple[str, tuple[int, int], bytes]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return picture.mode, picture.size, picture.tobytes()
