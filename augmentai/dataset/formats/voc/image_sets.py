"""The lists in Pascal VOC's ImageSets: which split each image is of, and the lists written again."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.dataset.file_tree import Entry
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRow, ImageRows

_SPLITS = {"train": "train", "trainval": "train", "val": "val", "test": "test"}
_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}


def splits_of_stems(lists: list[Entry], stems: Container[str]) -> dict[str, str]:
    """The split of each image.

    Args:
        lists: the files in ImageSets.
        stems: the file names of all images, without their suffixes.

    Returns:
        {stem: split}. "trainval" means training unless another list says more.
    """
    found: dict[str, str] = {}
    for name in ("trainval", "test", "val", "train"):  # the later ones win
        for entry in lists:
            if PurePosixPath(entry.path).stem.casefold() == name:
                for line in entry.text().splitlines():
                    if line.strip():
                        found[_stem(_image_name(line, stems))] = _SPLITS[name]
    return found


def list_lines(entry: Entry, sources: dict[str, list[Source]], rows: ImageRows) -> Iterator[bytes]:
    """A list written again: the images that exist, then, in the same order, their variations.

    Args:
        entry: the list.
        sources: the sources by the stem of their image.
        rows: the images of the finished set.
    """
    made: list[str] = []
    for line in entry.text().splitlines():
        name = _image_name(line, sources)
        for source in sources.get(_stem(name), ()):
            if rows.original(source) is not None:
                yield f"{line.strip()}\n".encode()
            made += [_variation_line(row, line, name) for row in rows.variations_of(source)]
    yield from (line.encode() for line in made)


def _variation_line(row: ImageRow, line: str, name: str) -> str:
    """The line of a variation: its name in place of its source's, followed by whatever follows that."""
    made = PurePosixPath(row.file)
    folder, _, last = name.rpartition("/")
    has_suffix = PurePosixPath(last).suffix.lower() == PurePosixPath(row.source.path).suffix.lower()
    written = made.name if has_suffix else made.stem
    return f"{folder + '/' if folder else ''}{written}{line.strip()[len(name) :]}\n"


def _image_name(line: str, stems: Container[str]) -> str:
    """The image of a line: the first word, which a number may follow; a name with spaces is the whole line."""
    words = line.split()
    whole = line.strip()
    if not words or _stem(whole) in stems:
        return whole
    before = whole.rsplit(maxsplit=1)[0]
    return before if _stem(before) in stems else words[0]


def _stem(name: str) -> str:
    last = PurePosixPath(name)
    return last.stem if last.suffix.lower() in _IMAGE_SUFFIXES else last.name
