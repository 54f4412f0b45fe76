"""Writes a run into a folder: resumes where it was interrupted, and never overwrites anyone else's file."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from augmentai.dataset.atomic_files import (
    GONE,
    KEPT,
    OutputError,
    UnbufferedFile,
    encode_text,
    has_content,
    is_leftover,
    publish,
    reason_of,
)
from augmentai.dataset.checkpoint import Checkpoint, PaidFailures, repair_manifest
from augmentai.dataset.manifest import (
    CARD,
    MANIFEST,
    OWN_NAMES,
    PAID_ANSWERS,
    RECIPE_FILE,
    RUN_LEDGER,
    has_only_failures,
    manifest_line,
)
from augmentai.dataset.paid_answers import PaidAnswers
from augmentai.dataset.run_record import RunRecord, differences
from augmentai.dataset.writers.earlier_run import HOLDS_FILES, differences_asked, read_run
from augmentai.dataset.writers.output_lock import OutputLock
from augmentai.dataset.writers.zip_sidecar import paid_folder_of
from augmentai.recipe import Recipe
from augmentai.system.regular_files import open_regular, read_regular
from augmentai.types import Outcome, Source

LOCK = ".augmentai.lock"
_PARTS = ".augmentai*.part"


class FolderWriter:
    """Writes below a folder that is new, empty, or contains the beginning of the same run.

    Every image appears complete or not at all, and only after its line in the manifest: if the disk is full or the
    process is killed, at most the last line describes an image that is not there, and resuming repairs that.

    Attributes:
        folder: where the run is written.
        checkpoint: what need not be made again; empty in a new folder.

    Args:
        folder: created if it does not exist.
        record: the run that is to be written. It is resumed if the folder's `recipe.yaml` agrees with it; a run that
            made nothing is replaced by any other. Without a record only a new or empty folder is accepted.
        sources: the sources of the run, sorted by (path, hash).

    Raises:
        OutputError: the folder contains a different run or any other files, another run is writing into it, or it
            cannot be written.
    """

    def __init__(self, folder: Path, record: RunRecord | None = None, sources: Sequence[Source] = ()) -> None:
        self.folder = folder
        self.checkpoint = Checkpoint(sources)
        self._resuming = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = OutputLock(folder / LOCK, folder)
            try:
                self._manifest = self._open(record, sources)
            except BaseException:
                self._lock.release()
                raise
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{folder} cannot be written ({reason_of(error)}); choose another folder") from error

    def _open(self, record: RunRecord | None, sources: Sequence[Source]) -> UnbufferedFile:
        """Resume the run that the folder contains, or start a new one. Returns the open manifest."""
        for part in self.folder.glob(_PARTS):
            part.unlink()
        before = read_run(self.folder) if record is not None else None
        if before is not None and record is not None:
            found = differences(before, record)
            if not found:
                return self._resume(before, sources)
            if not _is_replaceable(self.folder):
                raise _different_run(self.folder, found)
        return self._start(record)

    def _resume(self, before: RunRecord, sources: Sequence[Source]) -> UnbufferedFile:
        self._resuming = True
        stored = PaidAnswers(self.folder / PAID_ANSWERS).variations()
        self.checkpoint = repair_manifest(self.folder, sources, PaidFailures(before.recipe.paid_retries, stored))
        self.checkpoint.retry_round = self._retry_round_after(before)
        return UnbufferedFile(self.folder / MANIFEST, "ab")

    def _start(self, record: RunRecord | None) -> UnbufferedFile:
        if _is_replaceable(self.folder):
            for name in (*OWN_NAMES, RUN_LEDGER):
                (self.folder / name).unlink(missing_ok=True)
            shutil.rmtree(self.folder / PAID_ANSWERS, ignore_errors=True)
        if any(path.name != LOCK for path in self.folder.iterdir()):
            raise OutputError(f"{self.folder} {HOLDS_FILES}")
        if record is not None:
            self._publish(self._write_part(encode_text(record.to_yaml())), RECIPE_FILE)
        return UnbufferedFile(self.folder / MANIFEST, "xb")

    def _retry_round_after(self, before: RunRecord) -> int:
        """One more if the run had ended and filters had rejected something, since the same seeds would be rejected
        again. An interrupted run stays in its round, so that it ends like one that was not interrupted."""
        card = self.folder / CARD
        if not (self.checkpoint.has_rejections and card.exists()):
            return before.retry_round
        card.unlink()  # first: a run that is interrupted here enters the same round when it is resumed
        record = replace(before, retry_round=before.retry_round + 1)
        self._write_part(encode_text(record.to_yaml())).replace(self.folder / RECIPE_FILE)
        return record.retry_round

    def add(self, outcome: Outcome) -> None:
        """Write one outcome. See `Writer.add`."""
        made = outcome.variation
        files = [(made.file, made.data), *made.beside] if made is not None else []
        self._add(files, encode_text(manifest_line(outcome)))

    def add_entry(self, entry: dict[str, Any], files: list[tuple[str, bytes]]) -> None:
        """Write a variation of another output of the same run. See `Writer.add_entry`."""
        self._add(files, encode_text(json.dumps(entry, ensure_ascii=False) + "\n"))

    def _add(self, files: list[tuple[str, bytes]], line: bytes) -> None:
        written = self._manifest.tell()
        published: list[Path] = []
        parts: list[Path] = []
        try:
            for number, (_, data) in enumerate(files):
                parts.append(self._write_part(data, number))
            self._manifest.write(line)
            for (file, _), part in zip(reversed(files), reversed(parts), strict=True):  # the image comes last
                published += self._publish(part, file)
        except BaseException as error:
            with suppress(OSError):
                self._manifest.truncate(written)
                self._manifest.seek(written)
            for path in published:
                path.unlink(missing_ok=True)
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise OutputError(
                    f"{self.folder} cannot be written any more ({reason_of(error)}); {self._kept}"
                ) from error
            raise
        finally:
            with suppress(OSError):
                for part in parts:
                    part.unlink(missing_ok=True)

    def write(self, file: str, data: bytes | Iterable[bytes]) -> None:
        """Write a file that is not a variation, in place of what this run wrote before it was interrupted."""
        path = self.folder / file
        try:
            part = self._write_part(data)
            if not self.has(file):
                self._publish(part, file)
            elif filecmp.cmp(part, path, shallow=False):
                part.unlink()
            else:
                part.replace(path)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({reason_of(error)}); {self._kept}") from error

    @property
    def _kept(self) -> str:
        """What is left of the run, after a file could not be written."""
        return KEPT if (self.folder / MANIFEST).exists() else GONE

    def has(self, file: str, size_bytes: int | None = None) -> bool:
        """Whether this run wrote the file before it was interrupted, with this size if it is known."""
        path = self.folder / file
        return self._resuming and path.exists() and size_bytes in {None, path.stat().st_size}

    def link(self, file: str, target: Path) -> None:
        """Add a file of this machine as a hard link, or as a symbolic link if it is on another disk."""
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
            raise OutputError(
                f"{path} cannot be linked to {target} ({reason_of(error)}); copy the originals instead"
            ) from error

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the manifest so far, parsed."""
        with open_regular(self.folder / MANIFEST) as lines:
            for one in lines:
                yield json.loads(one)

    def read(self, file: str) -> bytes:
        """The bytes of a file that was written. Raises OSError."""
        return read_regular(self.folder / file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._manifest.close()
        self._lock.release()

    def _write_part(self, data: bytes | Iterable[bytes], number: int = 0) -> Path:
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

    def _publish(self, part: Path, file: str) -> list[Path]:
        """Give a part its name. Returns what is new: nothing if a killed run had published the same file before."""
        path = self.folder / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            publish(part, path)
        except FileExistsError as error:
            data = part.read_bytes() if self._resuming else None
            if data is None or not path.exists():
                raise OutputError(f"{path} exists already and nothing is overwritten; {KEPT}") from error
            if has_content(path, data):
                return []
            if not is_leftover(path, data):
                raise OutputError(f"{path} exists and is not part of this run; move it away") from error
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return [path]


def resolve_recipe(
    out: Path, recipe: Recipe, same_prompts: Callable[[RunRecord, Recipe], bool] = lambda before, now: False
) -> Recipe:
    """The recipe of a run before anything is read: with the seed of the run that it resumes, or with a random one.

    Args:
        out: the folder or ZIP that the run will write to.
        recipe: what is asked for; a seed of 0 asks for none in particular.
        same_prompts: whether no engine makes anything else of its prompts than of those of the run before.

    Returns:
        The same recipe with a seed that is not 0.

    Raises:
        OutputError: `out` contains a run with different settings, or one whose recipe cannot be used here.

    Example:
        >>> resolve_recipe(Path("does not exist"), Recipe(seed=7)).seed
        7
        >>> resolve_recipe(Path("does not exist"), Recipe()).seed > 0
        True
    """
    is_zip = out.suffix.lower() == ".zip"
    folder = paid_folder_of(out) if is_zip else out
    before = read_run(folder)
    if before is None:
        return recipe.with_seed()
    found = differences_asked(before, recipe, same_prompts)
    if not found:
        return before.recipe
    if is_zip and (folder / RUN_LEDGER).exists():
        raise different_zip_run(out, folder, found)
    if not is_zip and not _is_replaceable(out):
        raise _different_run(out, found)
    return recipe.with_seed()


def _different_run(folder: Path, found: list[str]) -> OutputError:
    return OutputError(
        f"{folder} contains a run with different settings ({'; '.join(found)}). "
        "Use the same settings to resume, or choose a new or empty folder"
    )


def different_zip_run(out: Path | str, folder: Path, found: list[str]) -> OutputError:
    """The refusal of a run into a ZIP whose interrupted run had other settings, and has paid.

    Args:
        out: the ZIP or URL.
        folder: what that run keeps beside it.
        found: what differs.
    """
    return OutputError(
        f"an interrupted run into {out} had different settings ({'; '.join(found)}), and what it has paid for is in "
        f"{folder}. Use the same settings to resume, choose another name, or delete that folder"
    )


def _is_replaceable(folder: Path) -> bool:
    """Whether the folder contains a run that made nothing, and nothing else: a corrected run may replace it. One that
    has paid for answers may still make them into images."""
    if PaidAnswers(folder / PAID_ANSWERS).variations():
        return False
    names = {path.name for path in folder.iterdir()} - {LOCK, RUN_LEDGER, PAID_ANSWERS}
    return bool(names) and names <= OWN_NAMES and has_only_failures(folder)
