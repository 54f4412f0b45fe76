"""Text files that name the splits of images: lists of one split, and lists with a split or a number on each line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.image_list import (
    ImagePaths,
    list_with_variations,
    listed_images,
    missing_images,
    names_other_files,
)
from augmentai.dataset.formats.label_values import is_whole
from augmentai.dataset.formats.split_claims import held_out_first
from augmentai.dataset.formats.split_files import (
    SplitFile,
    locates_objects,
    names_with_variations,
    splits_of_codes,
)
from augmentai.dataset.formats.split_words import read_name, split_named

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_MIN_FOUND = 0.5  # of the lines of a list, that name an image of the set
_MAX_OTHER_LINES = 2  # at the top of a list: how many images follow, and what its columns are
_CELL = re.compile(r"[^\s,;|]+")
_FILE_OF_SPLITS = re.compile(r"split|partition|subset")
_TRAINING = {"1": "train", "0": "test"}


@dataclass(frozen=True)
class SplitList(SplitFile):
    """A list of the images of one split, as train.txt."""

    def written(self, rows: ImageRows, leads_to_files: bool) -> Iterator[tuple[str, Iterable[bytes]]]:
        yield self.path, list_with_variations(self.entries[0], rows, leads_to_files)


@dataclass(frozen=True)
class SplitPairs(SplitFile):
    """Lines of an image and its split, as CelebA's list_eval_partition.txt.

    Attributes:
        lines: (line, the name of an image in it, the image); the last two are "" for those that name none.
    """

    lines: tuple[tuple[str, str, str], ...] = ()

    def written(self, rows: ImageRows, leads_to_files: bool) -> Iterator[tuple[str, Iterable[bytes]]]:
        lines = [line for text, name, image in self.lines for line in self._grown(text, name, image, rows)]
        others = sum(not image for _, _, image in self.lines)
        if is_whole(self.lines[0][0].strip()):
            lines[0] = str(len(lines) - others)
        yield self.path, [f"{line}\n".encode() for line in lines]

    def _grown(self, text: str, name: str, image: str, rows: ImageRows) -> list[str]:
        if not image:
            return [text]
        folder = parent(self.path)
        return [text.replace(name, made, 1) for made, _ in names_with_variations(name, image, rows, folder)]


@dataclass(frozen=True)
class NumberedImages(SplitFile):
    """A file that numbers the images, and one with the split of each number, as CUB-200 has them.

    Attributes:
        numbers: (number, name, image).
    """

    numbers: tuple[tuple[str, str, str], ...] = ()

    def written(self, rows: ImageRows, leads_to_files: bool) -> Iterator[tuple[str, Iterable[bytes]]]:
        images, splits = [], []
        following = max(int(number) for number, _, _ in self.numbers) + 1
        codes = {split: code for code, split in _TRAINING.items()}
        for number, name, image in self.numbers:
            for made, file in names_with_variations(name, image, rows, parent(self.path)):
                own = number
                if file != image:
                    own, following = str(following), following + 1
                images.append(f"{own} {made}\n".encode())
                splits.append(f"{own} {codes[self.splits[image]]}\n".encode())
        yield self.entries[0].path, images
        yield self.entries[1].path, splits


def read_split_list(entry: Entry, names: ImagePaths) -> SplitList | None:
    """A list that is called as a split; None if most of its lines name no image."""
    try:
        lines = list(listed_images(entry, names))
    except LabelError:
        return None
    found = [line for line in lines if line.path]
    missing = missing_images(lines)
    if not found or len(found) + len(missing) < _MIN_FOUND * len(lines):
        return None
    split = read_name(PurePosixPath(entry.path).stem).split or ""
    carried = not any(locates_objects(re.split(r"[\s,;]+", one.text.replace(one.name, "", 1))) for one in found)
    carried = carried and not names_other_files(found, names, parent(entry.path))
    return SplitList((entry,), dict.fromkeys((one.path for one in found), split), carried, missing=missing)


def read_split_pairs(entry: Entry, names: ImagePaths) -> SplitPairs | None:
    """A list with a split, or its number, at the end of each line; None if the file is something else."""
    if not _FILE_OF_SPLITS.search(PurePosixPath(entry.path).stem.casefold()):
        return None
    try:
        texts = [text for text in entry.text().splitlines() if text.strip()]
    except LabelError:
        return None
    folder = parent(entry.path)
    lines, values = [], []
    for text in texts:
        cells = _CELL.findall(text)
        image = names.find(cells[0], folder) if len(cells) > 1 else None
        lines.append((text, cells[0] if image else "", image or ""))
        if image:
            values.append((image, cells[-1]))
    codes = splits_of_codes(value for _, value in values)
    pairs = [(image, codes.get(value) or split_named(value) or "") for image, value in values]
    if not pairs or not all(split for _, split in pairs) or len(texts) - len(pairs) > _MAX_OTHER_LINES:
        return None
    splits, twice = held_out_first(pairs)
    return SplitPairs((entry,), splits, True, tuple(lines), also_training=twice)


def read_numbered_images(entry: Entry, tree: Tree, names: ImagePaths) -> NumberedImages | None:
    """train_test_split.txt, in which 1 is for training, with the images.txt beside it; None if it is something else."""
    folder = parent(entry.path)
    listed = tree.sidecar(joined(folder, "images.txt"), entry.origin)
    if PurePosixPath(entry.path).name.casefold() != "train_test_split.txt" or listed is None:
        return None
    try:
        codes = dict(_two_columns(entry))
        numbers = [(number, name, names.find(name, folder) or "") for number, name in _two_columns(listed)]
    except (LabelError, ValueError):
        return None
    numbers = [one for one in numbers if one[2] and is_whole(one[0]) and codes.get(one[0]) in _TRAINING]
    if not numbers or len(numbers) < _MIN_FOUND * len(codes):
        return None
    splits = {image: _TRAINING[codes[number]] for number, _, image in numbers}
    return NumberedImages((listed, entry), splits, True, tuple(numbers))


def _two_columns(entry: Entry) -> list[tuple[str, str]]:
    """The first word of each line and the rest of it; ValueError if a line has one word."""
    rows = [text.split(maxsplit=1) for text in entry.text().splitlines() if text.strip()]
    return [(first, rest.strip()) for first, rest in rows]
