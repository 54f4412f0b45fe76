"""Which image of a set a label file means by a name, with or without the ending of an image."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.coco.image_index import ImageIndex
from augmentai.dataset.formats.image_names import ImageNames, folder_parts, shared_parts, stem_of
from augmentai.images.file_types import IMAGE_SUFFIXES

Find = Callable[[str], ImageKey | None]


class ImageFinder:
    """Finds images by the names that label files have for them."""

    def __init__(self, tree: Tree) -> None:
        self._index = ImageIndex(tree)
        self._by_stem = ImageNames(tree.images, stem_of)

    def finder(self, file: Entry) -> Find:
        """A function that finds the image that a label file means by a name; None if there is none."""
        by_name = self._index.finder(file)
        here = folder_parts(file.path)

        @lru_cache(maxsize=64)  # the rows of one image mostly follow each other
        def find(name: str) -> ImageKey | None:
            if not name.strip():
                return None
            if (found := by_name(name)) is not None or name.lower().endswith(tuple(IMAGE_SUFFIXES)):
                return found
            same = self._by_stem.called(stem_of(name), file.path)
            wanted = folder_parts(name)[::-1]

            def nearness(image: Entry) -> tuple[int, int]:
                own = folder_parts(image.path)
                return shared_parts(own[::-1], wanted), shared_parts(own, here)

            best = sorted(same, key=nearness, reverse=True)[:2]
            is_unclear = len(best) > 1 and nearness(best[0]) == nearness(best[1])
            return best[0].key if best and not is_unclear else None

        return find
