"""Lists that name an image and its mask in one line: the line of a variation names the variation's own mask."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.dataset.file_tree import joined, parent
from augmentai.dataset.formats.image_list import ImagePaths
from augmentai.dataset.formats.masks.mask_file import MaskFile
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_BETWEEN = re.compile(r"([\s,;]+)")
_ABSOLUTE = re.compile(r"/|[A-Za-z]:")
_TAG = re.compile(r"__v\d+(?=\.|$)")


def with_own_masks(lines: Iterable[bytes], folder: str, rows: ImageRows) -> Iterator[bytes]:
    """The lines of a list, in which the masks of variations are named next to them.

    Args:
        lines: as they are written for a list of images alone.
        folder: that of the list.
        rows: the images of the finished set; their sources know their masks.
    """
    names = ImagePaths(rows.paths)
    for line in lines:
        words = _BETWEEN.split(line.decode("utf-8", "surrogateescape"))
        named = _image_of(words, folder, names) if len(words) > 3 else None  # else an image alone, and the line's end
        for source in rows.sources_at(named[1])[:1] if named is not None else ():
            file = joined(parent(source.path), PurePosixPath(named[0]).name) if named is not None else ""
            words = [_renamed(word, _masks_of(source), file, folder) for word in words]
        yield "".join(words).encode("utf-8", "surrogateescape")


def _image_of(words: Iterable[str], folder: str, names: ImagePaths) -> tuple[str, str] | None:
    """(the word that names an image or a variation of it, the image's path)."""
    for word in words:
        path = names.find(_TAG.sub("", word), folder)
        if path is not None:
            return word, path
    return None


def _masks_of(source: Source) -> tuple[MaskFile, ...]:
    return tuple(getattr(source.labels, "masks", ()))


def _renamed(word: str, masks: tuple[MaskFile, ...], file: str, folder: str) -> str:
    """A word of a line; the name of the mask of an image or variation, if it names one of its source's."""
    plain = word.replace("\\", "/")
    for mask in masks:
        own = _TAG.sub("", plain)  # a mask called as its image has the name of the variation's already
        if own.endswith(_tail(mask, own)) and PurePosixPath(own).name == PurePosixPath(mask.entry.path).name:
            path = mask.path_for(file) if _TAG.search(PurePosixPath(file).name) else mask.entry.path
            if plain != word or _ABSOLUTE.match(word):  # a path of somebody's machine
                return f"./{posixpath.relpath(path, folder or '.')}"
            return word.removesuffix(PurePosixPath(word).name) + PurePosixPath(path).name
    return word


def _tail(mask: MaskFile, word: str) -> str:
    """As much of a mask's path as a word may hold: its name, with its folder if the word has one."""
    parts = PurePosixPath(mask.entry.path).parts
    return "/".join(parts[-2:]) if "/" in word and len(parts) > 1 else parts[-1]
