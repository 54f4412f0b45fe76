"""Writes a run to a URL: resumes by what is there, and never overwrites anyone else's file."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from augmentai.dataset.atomic_files import OutputError, UnbufferedFile, encode_text, reason_of
from augmentai.dataset.checkpoint import Checkpoint, PaidFailures, kept_lines
from augmentai.dataset.manifest import CARD, MANIFEST, RECIPE_FILE, manifest_line
from augmentai.dataset.run_record import RunRecord, differences
from augmentai.dataset.writers.earlier_run import HOLDS_FILES
from augmentai.dataset.writers.output_lock import OutputLock
from augmentai.dataset.writers.store_batch import StoreBatches
from augmentai.dataset.writers.store_run import StoredRun, different_stored_run
from augmentai.storage import StorageError, Store
from augmentai.storage.hub import README, is_repository
from augmentai.system.regular_files import open_regular
from augmentai.types import Outcome, Source


class StoreWriter:
    """Writes below a URL where there is nothing, or the beginning of the same run.

    An image is in the store before its line of the manifest is, so that a run that is killed loses at most the images
    of which the store has no line yet: the run that resumes it makes them again, with the same bytes. A batch of files
    is on its way while the next ones are made.

    Attributes:
        checkpoint: what need not be made again.

    Args:
        store: the output.
        record: the run that is to be written.
        sources: its sources, sorted by (path, hash).
        stored: variations whose paid answers are on this machine; see `PaidFailures`.

    Raises:
        OutputError: there is a different run or any other file, another run of this machine is writing there, or the
            store cannot be written.
    """

    def __init__(
        self, store: Store, record: RunRecord, sources: Sequence[Source] = (), stored: frozenset[str] = frozenset()
    ) -> None:
        self.store = store
        self.checkpoint = Checkpoint(sources)
        self._resumed: StoredRun | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="augmentai-")
        here = Path(self._folder.name)
        try:
            name = hashlib.sha256(store.url.encode()).hexdigest()[:20]
            self._lock = OutputLock(Path(tempfile.gettempdir(), f".augmentai-{name}.lock"), store.url)
            try:
                self._manifest = UnbufferedFile(here / MANIFEST, "ab")
                self._open(record, stored)
                (here / "files").mkdir()
                self._batches = StoreBatches(store, here / "files", self._manifest)
            except BaseException:
                self._lock.release()
                raise
        except BaseException as error:
            self._folder.cleanup()
            if isinstance(error, StorageError):
                raise OutputError(str(error)) from error
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise OutputError(f"the temporary folder cannot be used ({reason_of(error)}); see TMPDIR") from error
            raise

    def _open(self, record: RunRecord, stored: frozenset[str]) -> None:
        self.store.create()
        run = StoredRun(self.store)
        # The Hub shows it. One that is there stays, since its owner may have stated the licence in it.
        self._wants_readme = is_repository(self.store.url) and run.size_bytes(README) is None
        if run.record is not None:
            found = differences(run.record, record)
            if not found:
                self._resume(run, run.record, stored)
                return
            if not run.is_replaceable:
                raise different_stored_run(self.store, found)
            self.store.put_all({}, run.own_files())
        elif not run.is_empty:
            raise OutputError(f"{self.store.url} {HOLDS_FILES}")
        self.store.put(RECIPE_FILE, encode_text(record.to_yaml()))

    def _resume(self, run: StoredRun, before: RunRecord, stored: frozenset[str]) -> None:
        """Join the manifest and its parts, without lines of what is to be made again."""
        self._resumed = run
        self.checkpoint.manifest = Path(self._manifest.name)
        paid = PaidFailures(before.recipe.paid_retries, stored)
        for line in kept_lines(run.lines(), self.checkpoint, paid, run.are_complete):
            self._manifest.write(line)
        self.checkpoint.retry_round = self._retry_round_after(run, before)
        self._join(run.parts())

    def _retry_round_after(self, run: StoredRun, before: RunRecord) -> int:
        """As in a folder: one more if the run had ended and filters had rejected something."""
        if not (self.checkpoint.has_rejections and run.size_bytes(CARD) is not None):
            return before.retry_round
        self.store.delete(CARD)
        record = replace(before, retry_round=before.retry_round + 1)
        self.store.put(RECIPE_FILE, encode_text(record.to_yaml()))
        return record.retry_round

    def _join(self, parts: Sequence[str]) -> None:
        """Write the whole manifest, and then remove its parts."""
        self.store.put_all({MANIFEST: Path(self._manifest.name)}, parts)

    def add(self, outcome: Outcome) -> None:
        """Write one outcome. See `Writer.add`."""
        made = outcome.variation
        files = [*made.beside, (made.file, made.data)] if made is not None else []
        self._batches.add(dict(files), encode_text(manifest_line(outcome)))

    def add_entry(self, entry: dict[str, Any], files: list[tuple[str, bytes]]) -> None:
        """Write a variation of another output of the same run. See `Writer.add_entry`."""
        self._batches.add(dict(files), encode_text(json.dumps(entry, ensure_ascii=False) + "\n"))

    def write(self, file: str, data: bytes | Iterable[bytes]) -> None:
        """Write a file that is not a variation, in place of what this run wrote before it was interrupted."""
        if isinstance(data, bytes):
            self._batches.add({file: data})
        else:
            self._batches.add_pieces(file, data)
        if file == CARD and isinstance(data, bytes) and self._wants_readme:
            self._batches.add({README: data})

    def has(self, file: str, size_bytes: int | None = None) -> bool:
        """Whether this run wrote the file before it was interrupted, with this size if it is known."""
        found = self._resumed.size_bytes(file) if self._resumed is not None else None
        return found is not None and size_bytes in {None, found}

    def link(self, file: str, target: Path) -> None:
        """Send a file of this machine."""
        self._batches.add({file: target})

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the manifest so far, parsed."""
        self._batches.settle_lines()
        with open_regular(Path(self._manifest.name)) as lines:
            for one in lines:
                yield json.loads(one)

    def read(self, file: str) -> bytes:
        """The bytes of a file that was written. Raises OSError."""
        self._batches.settle(file)
        return self.store.read(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, OutputError):
                self._batches.discard()
            else:
                with self._batches:
                    self._batches.settle()
                self._join(self._batches.parts)
        except StorageError as fault:
            raise OutputError(str(fault)) from fault
        finally:
            self._manifest.close()
            self._lock.release()
            self._folder.cleanup()
