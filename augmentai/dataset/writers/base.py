"""What a writer does: takes outcomes as they come, so that an interrupted run keeps what was finished."""

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
    """Writes outcomes one at a time. To be used with `with`, which completes the output however the block ends.

    Attributes:
        checkpoint: what the output contains already from an interrupted run.
    """

    checkpoint: Checkpoint

    def add(self, outcome: Outcome) -> None:
        """Write one outcome: its line in the manifest, the variation and its label files.

        Raises:
            OutputError: it cannot be written. Earlier outcomes stay as they are.
        """
        ...

    def add_entry(self, entry: dict[str, Any], files: list[tuple[str, bytes]]) -> None:
        """Write a variation that another output of the same run holds.

        Args:
            entry: its line of that manifest, parsed.
            files: the paths and bytes of its image and label files.

        Raises:
            OutputError: it cannot be written. Earlier outcomes stay as they are.
        """
        ...

    def write(self, file: str, data: bytes | Iterable[bytes]) -> None:
        """Write a file that is not a variation, such as the card, an original or a label file of the whole dataset.

        Args:
            file: its relative path.
            data: its bytes, or pieces of them.

        Raises:
            OutputError: it cannot be written.
        """
        ...

    def has(self, file: str, size_bytes: int | None = None) -> bool:
        """Whether this file was written already, with this size if it is known."""
        ...

    def link(self, file: str, target: Path) -> None:
        """Add a file of this machine, without copying it if possible.

        Raises:
            OutputError: it cannot be linked or written.
        """
        ...

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the manifest so far, parsed."""
        ...

    def read(self, file: str) -> bytes:
        """The bytes of a file that was written.

        Raises:
            OSError: it cannot be read.
            KeyError: a ZIP has no such file.
        """
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def writer_for(path: Path, record: RunRecord | None = None, sources: Sequence[Source] = ()) -> Writer:
    """Open the output of a run.

    Args:
        path: a new ZIP if it ends in ".zip", else a folder.
        record: the run that is to be written. With it, a folder that contains the beginning of the same run is resumed;
            without it, only a new or empty folder is accepted.
        sources: the sources of the run, sorted by (path, hash).

    Returns:
        A writer; its `checkpoint` says what exists already.

    Raises:
        OutputError: the place cannot be written, or contains something else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with writer_for(Path(folder, "out")) as writer:
        ...         writer.write("notes.txt", b"hello")
        ...     sorted(path.name for path in Path(folder, "out").iterdir())
        ['manifest.jsonl', 'notes.txt']
    """
    return ZipWriter(path, record) if path.suffix.lower() == ".zip" else FolderWriter(path, record, sources)
