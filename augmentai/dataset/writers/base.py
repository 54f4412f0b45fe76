"""Variations to a folder or a ZIP, as they come. What was finished is kept when a run is stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.run_record import RunRecord
from augmentai.dataset.writers.folder import FolderWriter
from augmentai.dataset.writers.zip_file import ZipWriter
from augmentai.types import Outcome, Source

__all__ = ["FolderWriter", "OutputError", "Writer", "ZipWriter", "writer_for"]


class Writer(Protocol):
    """Takes outcomes one at a time; to be used with `with`, which finishes the output however the block ends.

    held: what it holds already of a run that was broken off.
    """

    held: Checkpoint

    def add(self, outcome: Outcome) -> None:
        """Keep one outcome. Raises OutputError where it cannot be written; what came before stays as it is."""
        ...

    def put(self, file: str, data: bytes | Iterable[bytes]) -> None:
        """Keep a file besides the variations, such as the card or labels of the whole set. Raises OutputError."""
        ...

    def has(self, file: str, size_bytes: int | None = None) -> bool:
        """Whether such a file, of this size where that is known, was kept already."""
        ...

    def link(self, file: str, target: Path) -> None:
        """Keep a file that lies on this machine, without a copy where that is possible. Raises OutputError."""
        ...

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the manifest so far."""
        ...

    def read(self, file: str) -> bytes:
        """A file that was kept. Raises OSError or KeyError."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def writer_for(path: Path, record: RunRecord | None = None, sources: Sequence[Source] = ()) -> Writer:
    """A ZIP where the path ends in .zip, else a folder. Raises OutputError.

    record: what is asked for; with it a folder that holds a broken-off run of the same is gone on with. sources: of the
    run, sorted by (path, hash).
    """
    return ZipWriter(path, record) if path.suffix.lower() == ".zip" else FolderWriter(path, record, sources)
