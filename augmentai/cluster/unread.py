"""Files of a set that could not be read although they were when it was planned: a folder that is not mounted on a
worker, a store that does not answer, an image that was replaced.

Readers pass over what they cannot read, and that is right for a file that nobody can. Here it would be missing from the
merged set for good, or be left out where others borrow from it.
"""

from __future__ import annotations

from dataclasses import replace

from augmentai.dataset.readers.gather import Gathered
from augmentai.types import Source


class UnreadFiles:
    """Takes note of what could not be read.

    Example:
        >>> def read() -> bytes:
        ...     raise OSError("no such file")
        >>> unread = UnreadFiles()
        >>> source = unread.watched(Source("cats/a.jpg", "cats", "ab", 6, read))
        >>> try:
        ...     source.read()
        ... except OSError:
        ...     unread.words
        '1 file of the set could not be read (cats/a.jpg: no such file)'
    """

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def watched(self, source: Source) -> Source:
        """The same image, of which it is noted if it cannot be read."""
        return replace(source, read=_WatchedRead(source, self))

    def watched_set(self, gathered: Gathered) -> Gathered:
        """The same set, of whose images it is noted."""
        sources, holdout = (tuple(map(self.watched, images)) for images in (gathered.sources, gathered.holdout))
        return replace(gathered, sources=sources, holdout=holdout)

    def note(self, path: str, reason: str) -> None:
        """Take note of a file.

        Args:
            path: its place in the set.
            reason: why it could not be read.
        """
        self._reasons.setdefault(path, reason)

    def clear(self) -> None:
        """Forget all of it."""
        self._reasons.clear()

    @property
    def words(self) -> str:
        """How many there are, and why the first could not be read; "" if all could."""
        if not self._reasons:
            return ""
        path, reason = next(iter(self._reasons.items()))
        files = f"{len(self._reasons):,} files of the set" if len(self._reasons) > 1 else "1 file of the set"
        return f"{files} could not be read ({path}: {reason})"


class _WatchedRead:
    __slots__ = ("_path", "_read", "_unread")

    def __init__(self, source: Source, unread: UnreadFiles) -> None:
        self._path, self._read, self._unread = source.path, source.read, unread

    def __call__(self) -> bytes:
        try:
            return self._read()
        except Exception as error:  # members of archives raise errors of their own
            self._unread.note(self._path, str(error) or type(error).__name__)
            raise

    def __getattr__(self, name: str) -> object:
        """The path or the URL of the file."""
        return getattr(self._read, name)
