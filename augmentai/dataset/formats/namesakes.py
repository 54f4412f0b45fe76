"""Paths that share a name: which of them is meant, without looking at each, since a set may have thousands."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from augmentai.dataset.file_tree import parent
from augmentai.dataset.formats.image_names import shared_parts


class Namesakes:
    """Paths of one name, sorted by the folders above them from the last to the first.

    Example:
        >>> namesakes = Namesakes(["day/images/1.jpg", "night/images/1.jpg"])
        >>> namesakes.meant(["night", "images", "1.jpg"], "lists")
        ['night/images/1.jpg']
        >>> namesakes.meant(["1.jpg"], "day/lists")
        ['day/images/1.jpg']
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._sorted = sorted((_above(path.split("/")), path) for path in paths)
        self._known: dict[tuple[tuple[str, ...], str], list[str]] = {}

    def meant(self, parts: Sequence[str], folder: str) -> list[str]:
        """Those whose last folders are those that are written, as many as possible; of these, the nearest to a list.

        Args:
            parts: of the path that is written, the name included.
            folder: of the list.

        Returns:
            One path, or several of which any may be meant.
        """
        if not self._sorted:
            return []
        written = _above(parts)
        at = bisect_left(self._sorted, written, key=lambda one: one[0])
        most = max(shared_parts(above, written) for above, _ in self._sorted[max(0, at - 1) : at + 1])
        key = tuple(written[:most]), folder
        if key not in self._known:
            start = bisect_left(self._sorted, written[:most], key=lambda one: one[0][:most])
            end = bisect_right(self._sorted, written[:most], key=lambda one: one[0][:most])
            self._known[key] = _nearest([path for _, path in self._sorted[start:end]], folder)
        return self._known[key]


def _above(parts: Sequence[str]) -> list[str]:
    """The folders of a path, the last first."""
    return list(parts[:-1])[::-1]


def _nearest(paths: list[str], folder: str) -> list[str]:
    """Those of some paths that share the deepest folder with a list."""
    while folder:
        near = [path for path in paths if path.startswith(folder + "/")]
        if near:
            return near
        folder = parent(folder)
    return paths
