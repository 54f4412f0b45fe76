"""Looking up a source by path and hash in a sorted sequence, without an index that would grow with the dataset."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Sequence

from augmentai.types import Source


def sort_key(source: Source) -> tuple[str, str]:
    """The order of all sequences of sources: by path, then by hash."""
    return source.path, source.sha256


class IndexedSources(Sequence[Source]):
    """Sources that are sorted by `sort_key` and not in memory, which know their places without being gone through."""

    @abstractmethod
    def position(self, path: str, sha256: str) -> int | None:
        """See `position_of`."""


def position_of(sources: Sequence[Source], path: str, sha256: str) -> int | None:
    """Where a source is in a sequence.

    Args:
        sources: sorted by `sort_key`, as `gather` returns them.
        path: the source's path.
        sha256: its hash; several sources may share a path.

    Returns:
        Its index, or None if there is no such source.
    """
    if isinstance(sources, IndexedSources):
        return sources.position(path, sha256)
    position = bisect_left(sources, (path, sha256), key=sort_key)
    if position == len(sources) or sort_key(sources[position]) != (path, sha256):
        return None
    return position


def find_source(sources: Sequence[Source], path: str, sha256: str) -> Source | None:
    """The source of this path and hash, None if there is none. Takes the arguments of `position_of`.

    Example:
        >>> source = Source.from_bytes("cats/a.jpg", b"pixels")
        >>> find_source([source], "cats/a.jpg", source.sha256) is source
        True
        >>> find_source([source], "cats/a.jpg", "another hash") is None
        True
    """
    position = position_of(sources, path, sha256)
    return None if position is None else sources[position]
