"""One run at a time writes an output: a lock that the system frees when its process ends, however it ends."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from augmentai.dataset.atomic_files import OutputError

if TYPE_CHECKING:
    from filelock import BaseFileLock


class OutputLock:
    """The lock of one output.

    Args:
        file: the lock file, in an existing folder.
        out: the folder, ZIP or URL, for the message.
        wait_seconds: for another run to end.

    Raises:
        OutputError: another run is writing there.
        OSError: the lock file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first = OutputLock(Path(folder, "lock"), Path("out"))
        ...     try:
        ...         OutputLock(Path(folder, "lock"), Path("out"))
        ...     except OutputError as error:
        ...         print(error)
        ...     first.release()
        another run is writing into out and nothing is overwritten; wait until it has ended, or choose another place
    """

    def __init__(self, file: Path, out: Path | str, wait_seconds: float = 0.0) -> None:
        from filelock import FileLock, Timeout

        self._file = file
        self._lock: BaseFileLock = FileLock(file, timeout=wait_seconds, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise OutputError(
                f"another run is writing into {out} and nothing is overwritten; "
                "wait until it has ended, or choose another place"
            ) from error

    def release(self) -> None:
        """Free the output, and remove the lock file."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)  # while it is still locked, so that no other run has it
        self._lock.release()
