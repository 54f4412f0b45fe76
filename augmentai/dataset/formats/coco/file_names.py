"""How a COCO file names an image of the finished set, so that the name leads to it wherever the set is."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable

from augmentai.dataset.file_tree import joined, parent


class NamedFrom:
    """The folder that the names in one COCO file are relative to.

    Args:
        file: the path of the COCO file.
        pairs: (name, path of the image) of its images. Most relative names decide; if all are absolute, or of another
            machine, it is the deepest folder that has all its images.

    Example:
        >>> NamedFrom("labels.json", [("/mnt/train/a.jpg", "train/a.jpg")]).name("/mnt/train/a.jpg", "train/a.jpg")
        'a.jpg'
        >>> one = NamedFrom("labels.json", [("train/a.jpg", "data/train/a.jpg")])
        >>> one.name("train/a.jpg", "data/train/a.jpg", "data/train/a__v1.jpg")
        'train/a__v1.jpg'
    """

    def __init__(self, file: str, pairs: Iterable[tuple[str, str]]) -> None:
        self._here = parent(file)
        roots: Counter[str] = Counter()
        folders: set[str] = set()
        for name, path in pairs:
            folders.add(parent(path))
            if self.leads_to(name, path) and path.endswith(joined(name)):
                roots[path.removesuffix(joined(name)).rstrip("/")] += 1
        common = posixpath.commonpath([f"/{folder}" for folder in folders]).strip("/") if folders else ""
        self._root = max(sorted(roots), key=roots.__getitem__, default=common)

    def leads_to(self, name: str, path: str) -> bool:
        """Whether a relative name leads to an image, from the COCO file or from some folder above the image."""
        if name.startswith("/") or "\\" in name or "://" in name:
            return False
        if path == joined(self._here, name):
            return True
        parts = name.split("/")
        return ".." not in parts and (path == joined(name) or path.endswith("/" + joined(name)))

    def name(self, name: str, path: str, made: str = "") -> str:
        """The name of an image of the finished set.

        Args:
            name: what the COCO file calls it, or the source of this variation.
            path: where that is in the given set.
            made: where the image is in the finished set; the same path by default.
        """
        made = made or path
        if self.leads_to(name, path):
            folder = name.rpartition("/")[0]
            file = made.rpartition("/")[2]
            return name if made == path else f"{folder}/{file}" if folder else file
        return posixpath.relpath(f"/{made}", f"/{self._root}")
