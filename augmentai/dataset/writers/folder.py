"""A run into a folder: one at a time, gone on with where it was broken off, nothing of anyone else's overwritten."""

from __future__ import annotations

import filecmp
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from augmentai.dataset.atomic_files import OutputError, Whole, as_bytes, holds, is_leftover, put, why
from augmentai.dataset.checkpoint import Checkpoint, mend, only_failures
from augmentai.dataset.manifest import CARD, MANIFEST, OWN_FILES, RECIPE_FILE, line
from augmentai.dataset.run_record import RunRecord, differences, read_record, recipe_differences
from augmentai.recipe import Recipe, RecipeError
from augmentai.types import Outcome, Source

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK = ".augmentai.lock"
_PARTS = ".augmentai*.part"
_HOLDS_FILES = "already holds files and nothing is overwritten; choose a new or empty folder"
_KEPT = "what was finished before is kept"


class FolderWriter:
    """Writes below a folder that is new, empty, or holds the beginning of the same run.

    record: what is asked for. Where the folder's own `recipe.yaml` asks for the same of the same sources, `held` tells
    what need not be made again; where it asks for something else, or the folder holds anything but a run, OutputError
    says so. Without a record only a new or empty folder will do. A run that made nothing gives way to any other.

    Every picture appears whole or not at all, and only after its line in the manifest: where the disk is full or the
    process is killed, at most the last line tells of a picture that is not there, which the next run puts right.
    Raises OutputError too while another run writes into the folder.
    """

    def __init__(self, folder: Path, record: RunRecord | None = None, sources: Sequence[Source] = ()) -> None:
        self.folder = folder
        self.held = Checkpoint(sources)
        self._goes_on = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder)
            try:
                self._begin(record, sources)
            except BaseException:
                self._unlock()
                raise
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{folder} cannot be written to ({why(error)}); choose another folder") from error

    def _begin(self, record: RunRecord | None, sources: Sequence[Source]) -> None:
        for part in self.folder.glob(_PARTS):
            part.unlink()
        before = run_in(self.folder) if record is not None else None
        if before is not None and record is not None:
            found = differences(before, record)
            self._goes_on = not found
            if found and not _gives_way(self.folder):
                raise _another_run(self.folder, found)
        if before is not None and self._goes_on:
            self.held = mend(self.folder, sources)
            self.held.rounds = self._round_of(before)
            self._manifest = Whole(self.folder / MANIFEST, "ab")
            return
        if _gives_way(self.folder):
            for name in OWN_FILES:
                (self.folder / name).unlink(missing_ok=True)
        if any(path.name != LOCK for path in self.folder.iterdir()):
            raise OutputError(f"{self.folder} {_HOLDS_FILES}")
        if record is not None:
            self._place(self._part(as_bytes(record.to_yaml())), RECIPE_FILE)
        self._manifest = Whole(self.folder / MANIFEST, "xb")

    def _round_of(self, before: RunRecord) -> int:
        """One round more where the set was finished and filters had left something out: else the same seeds would fail
        again. A run that was broken off stays in its round, so that it ends as one that was not."""
        card = self.folder / CARD
        if not (self.held.any_tried and card.exists()):
            return before.rounds
        card.unlink()  # first: a run that ends here begins this round anew
        later = replace(before, rounds=before.rounds + 1)
        self._part(as_bytes(later.to_yaml())).replace(self.folder / RECIPE_FILE)
        return later.rounds

    def add(self, outcome: Outcome) -> None:
        """Keep one outcome. Raises OutputError where it cannot be written; what came before stays as it is."""
        written = self._manifest.tell()
        made = outcome.variation
        files = [(made.file, made.data), *made.beside] if made is not None else []
        placed: list[Path] = []
        parts: list[Path] = []
        try:
            for number, (_, data) in enumerate(files):
                parts.append(self._part(data, number))
            self._manifest.write(as_bytes(line(outcome)))
            for (file, _), part in zip(reversed(files), reversed(parts), strict=True):  # the picture comes last
                placed += self._place(part, file)
        except BaseException as error:
            with suppress(OSError):
                self._manifest.truncate(written)
                self._manifest.seek(written)
            for path in placed:
                path.unlink(missing_ok=True)
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise OutputError(f"{self.folder} cannot be written to any more ({why(error)}); {_KEPT}") from error
            raise
        finally:
            with suppress(OSError):
                for part in parts:
                    part.unlink(missing_ok=True)

    def put(self, file: str, data: bytes | Iterable[bytes]) -> None:
        """Keep a file besides the variations; one that an earlier part of this run left is replaced."""
        path = self.folder / file
        try:
            part = self._part(data)
            if not self.has(file):
                self._place(part, file)
            elif filecmp.cmp(part, path, shallow=False):
                part.unlink()
            else:
                part.replace(path)
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({why(error)}); {_KEPT}") from error

    def has(self, file: str, size_bytes: int | None = None) -> bool:
        """Whether an earlier part of this run left this file, whole: of this size, where that is known."""
        path = self.folder / file
        return self._goes_on and path.exists() and size_bytes in {None, path.stat().st_size}

    def link(self, file: str, target: Path) -> None:
        """Have a file that is on this machine already: one more name of it, or a link where it is on another disk."""
        path = self.folder / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(target, path)
            except FileExistsError:
                raise
            except OSError:
                path.symlink_to(target.resolve())
        except OSError as error:
            raise OutputError(f"{path} cannot be linked to {target} ({why(error)}); copy the originals") from error

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the manifest so far."""
        with (self.folder / MANIFEST).open("rb") as lines:
            for one in lines:
                yield json.loads(one)

    def read(self, file: str) -> bytes:
        """A file that was kept. Raises OSError."""
        return (self.folder / file).read_bytes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._manifest.close()
        self._unlock()

    def _part(self, data: bytes | Iterable[bytes], number: int = 0) -> Path:
        part = self.folder / f".augmentai{f'.{number}' if number else ''}.part"
        try:
            with part.open("wb") as file:
                for piece in [data] if isinstance(data, bytes) else data:
                    file.write(piece)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        return part

    def _place(self, part: Path, file: str) -> list[Path]:
        """Give a part its name. Returns what is new: nothing where a killed run had placed the same file before."""
        path = self.folder / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            put(part, path)
        except FileExistsError as error:
            data = part.read_bytes() if self._goes_on else None
            if data is None or not path.exists():
                raise
            if holds(path, data):
                return []
            if not is_leftover(path, data):
                raise OutputError(f"{path} is in the way and not of this run; move it away") from error
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return [path]

    def _unlock(self) -> None:
        with suppress(OSError):
            (self.folder / LOCK).unlink(missing_ok=True)  # while it is still held, so that no other run has it
        self._lock.release()


def run_in(folder: Path) -> RunRecord | None:
    """What the run in a folder was asked for; None where there is none. Raises OutputError where it cannot be told."""
    path = folder / RECIPE_FILE
    try:
        return read_record(path.read_text("utf-8"), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OutputError(f"{path} cannot be read ({why(error)})") from error
    except (RecipeError, UnicodeDecodeError) as error:
        raise OutputError(f"{folder} {_HOLDS_FILES} ({error})") from error


def settle(out: Path, recipe: Recipe) -> Recipe:
    """The recipe with its seed: that of the run in `out`, which is to be gone on with, or one that is drawn.

    Raises OutputError where that run was asked for something else, before anything is read for nothing.
    """
    before = run_in(out)
    if before is None:
        return recipe.with_seed()
    found = recipe_differences(before.recipe, recipe)
    if not found:
        return before.recipe
    if not _gives_way(out):
        raise _another_run(out, found)
    return recipe.with_seed()


def _another_run(folder: Path, found: list[str]) -> OutputError:
    return OutputError(
        f"{folder} holds a run of something else and nothing is overwritten: {'; '.join(found)}. "
        "Ask for the same to go on with it, or choose a new or empty folder"
    )


def _gives_way(folder: Path) -> bool:
    """A run that made nothing leaves only what it says of itself; the corrected run may take its place."""
    names = {path.name for path in folder.iterdir()} - {LOCK}
    return bool(names) and names <= OWN_FILES and only_failures(folder)


def _locked(folder: Path) -> BaseFileLock:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise OutputError(
            f"another run is writing into {folder} and nothing is overwritten; "
            "wait until it has ended, or choose another folder"
        ) from error
    return lock
