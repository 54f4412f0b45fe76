"""What files that name splits have in common, and what in them would be untrue for a variation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.image_list import ListedImage, renamed

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

SPLIT_COLUMNS = frozenset({"split", "subset", "set", "dataset", "partition", "usage", "phase", "datasplit"})
_CODES = (
    {"0": "train", "1": "val", "2": "test"},  # CelebA
    {"1": "train", "2": "val", "3": "test"},
)
_FLAG = re.compile(r"(is|in)?(train|training|test|testing|val|valid|validation|holdout)(image|set|data)?")
_TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_PLACE_WORDS = frozenset(
    {"bbox", "box", "boxes", "roi", "polygon", "polygons", "segmentation", "points", "landmarks", "keypoints"}
    | {"xmin", "ymin", "xmax", "ymax", "encodedpixels", "rle", "coordinates", "regionshapeattributes"}
)
# As language models are taught boxes: "<loc0100><loc0200>" (PaliGemma, Florence), "<box>(10,20),(30,40)</box>" (Qwen).
_PLACES_IN_TEXT = re.compile(
    r"<(loc|bin|patch_index|coord|[xy])_?\d+>|<(box|quad|ref|poly|points?)\b"
    r"|[\[({]\s*\d+(\.\d+)?(\s*[,\s]\s*\d+(\.\d+)?){3,}\s*[\])}]|\[\s*\[\s*\d"
)
_MANY_NUMBERS = 4  # a row with so many numbers may hold a box


@dataclass(frozen=True)
class SplitFile:
    """Files that name the splits of images together; usually one.

    Attributes:
        entries: the files.
        splits: the split of each image, by its path.
        also_training: the images that the files hold out, and name for training too.
        are_folds: they name splits several times, for cross validation; which one is meant is unknown.
        missing: names of images in the files that the set does not have.
        is_carried: written again with the variations. False for files that say more than splits: they are named as
            label files that are not understood.
    """

    entries: tuple[Entry, ...]
    splits: Mapping[str, str]
    is_carried: bool = True
    also_training: frozenset[str] = field(default=frozenset(), kw_only=True)
    missing: tuple[str, ...] = field(default=(), kw_only=True)
    are_folds: bool = field(default=False, kw_only=True)

    @property
    def path(self) -> str:
        return self.entries[0].path

    def written(self, rows: ImageRows, leads_to_files: bool) -> Iterator[tuple[str, Iterable[bytes]]]:
        """The files of the finished set.

        Args:
            rows: its images.
            leads_to_files: see `list_with_variations`.
        """
        raise NotImplementedError


def names_with_variations(name: str, image: str, rows: ImageRows, folder: str) -> Iterator[tuple[str, str]]:
    """What a name becomes in the finished set: that of the image, if it is there, and those of its variations.

    Args:
        name: as it is written in a file.
        image: the path of the image that it means.
        rows: the images of the finished set.
        folder: that of the file.

    Yields:
        (name, path) of each.
    """
    listed = ListedImage("", name, image)
    for source in rows.sources_at(image) if image else ():
        original = rows.original(source)
        files = [original] if original is not None else []
        for file in (*files, *(row.file for row in rows.variations_of(source))):
            yield renamed(listed, file, folder, leads_to_files=False), file


def letters_of(name: str) -> str:
    """The letters of a column's name, in lower case: "Split Name" is "splitname"."""
    return "".join(letter for letter in name.casefold() if letter.isalpha())


def is_split_column(name: str) -> bool:
    """Whether a column is called as one of splits.

    Example:
        >>> is_split_column("Split"), is_split_column("label")
        (True, False)
    """
    return letters_of(name) in SPLIT_COLUMNS


def splits_of_codes(values: Iterable[str], column: str = "") -> dict[str, str]:
    """The split that each number or truth value means; empty if they may mean anything.

    Args:
        values: all that occur.
        column: what their column is called, letters alone in lower case.

    Example:
        >>> splits_of_codes(["0", "1", "2"])["2"], splits_of_codes(["True", "False"], "isvalid")["True"]
        ('test', 'val')
        >>> splits_of_codes(["0", "1"])
        {}
    """
    found = set(values)
    flag = _FLAG.fullmatch(column)
    if flag and {value.casefold() for value in found} <= set(_TRUTH):
        named = {"tr": "train", "te": "test", "va": "val", "ho": "test"}[flag[2][:2]]
        other = "test" if named == "train" else "train"
        return {value: named if _TRUTH[value.casefold()] else other for value in found}
    return next((dict(codes) for codes in _CODES if found == set(codes)), {})


def locates_objects(cells: Sequence[str], header: Iterable[str] = ()) -> bool:
    """Whether the rest of a row says where something is in its image, which may be untrue for a variation.

    Args:
        cells: the row without the names of files.
        header: the names of the columns, letters alone in lower case.

    Example:
        >>> locates_objects(["12", "30", "44", "61", "car"]), locates_objects(["7", "car"])
        (True, False)
    """
    numbers = [cell for cell in cells if _is_number(cell) and float(cell) not in {-1, 0, 1}]
    return (
        len(numbers) >= _MANY_NUMBERS
        or any(cell.lstrip().startswith(("[", "{")) or says_place(cell) for cell in cells)
        or not _PLACE_WORDS.isdisjoint(header)
    )


def says_place(text: str) -> bool:
    """Whether a text, such as an answer or a caption, says in numbers where something is.

    Example:
        >>> says_place("<loc0100><loc0200><loc0600><loc0700> car"), says_place("the cat is at [12, 30, 40, 52]")
        (True, True)
        >>> says_place("a cat (2 years old) and a dog")
        False
    """
    return _PLACES_IN_TEXT.search(text) is not None


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", cell) is not None
