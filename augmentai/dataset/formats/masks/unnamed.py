"""Files that hold what masks hold under names that say nothing: no images, as far as their folders tell."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, permutations

from PIL import Image

from augmentai.dataset.file_names import name_key
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.masks.content import read_content
from augmentai.dataset.readers.read_report import NameSample
from augmentai.images.decode import FORMATS

Folder = dict[str, Entry]  # by the stem

_FILES_SAMPLED = 10
MOST_SIBLINGS = 4  # more folders side by side are classes
_MIN_COMMON_FRACTION = 0.8
_ENDING = re.compile(r"(.+?)([-_. ][a-z]\w{0,11})")
_CLASS_NUMBERS = frozenset({"L", "I", "I;16", "I;16B", "I;16L"})  # modes that masks of class numbers have
_ADVICE = (
    "If they are masks of these images, call their folder masks, and each as its image; if they are images, choose the "
    "dataset format folders"
)
LOSSLESS = (".png", ".bmp", ".tif", ".tiff", ".gif")


def unnamed_masks(tree: Tree) -> tuple[list[Entry], list[str]]:
    """What in a set of classes is a mask all the same. A sample of the files is opened.

    Args:
        tree: the files of a set that has no masks by name.

    Returns:
        (the masks, notices).
    """
    found: dict[ImageKey, Entry] = {}
    notices = []
    for why, images, masks in _twins(tree):
        known = next(iter(masks.values())).key in found
        if not known and _all_are(masks, flat=True) and _all_are(images, flat=False):
            found.update((entry.key, entry) for entry in masks.values())
            notices.append(
                f"{_names(masks)}: flat and of few values, and {why} other images of the set; taken for masks and "
                f"copied unchanged. {_ADVICE}"
            )
    if not found:
        found = _label_maps(tree)
        if found:
            notices.append(
                f"{_names({entry.path: entry for entry in found.values()})}: flat and nearly black; taken for masks of "
                f"class numbers and copied unchanged. {_ADVICE}"
            )
    return list(found.values()), notices


def _label_maps(tree: Tree) -> dict[ImageKey, Entry]:
    """Files in folders where some of a sample hold class numbers, and other files do not."""
    lossless = {entry.path: entry for entry in tree.images if entry.path.lower().endswith(LOSSLESS)}
    folders = {parent(entry.path) for entry in _sample(lossless).values() if is_label_map(entry)}
    inside = [entry for entry in lossless.values() if parent(entry.path) in folders] if folders else []
    found = {entry.key: entry for entry in inside if is_label_map(entry)}
    return found if len(found) < len(tree.images) else {}


def _twins(tree: Tree) -> Iterator[tuple[str, Folder, Folder]]:
    """Two folders side by side, with the same names or as many files: (why, images, what may be their masks).

    So are two halves of a folder whose names differ by what follows them ("a" and "a_m").
    """
    folders: dict[str, Folder] = defaultdict(dict)
    for entry in tree.images:
        folders[parent(entry.path)][name_key(entry.name_stem, fold_case=True)] = entry
    for files in folders.values():
        for images, masks in _halves(files):
            yield "named after", images, masks
    for group in sibling_folders(sorted(folders)):
        if len(group) <= MOST_SIBLINGS:
            for images, masks in permutations((folders[one] for one in group), 2):
                common = len(masks.keys() & images.keys())
                if may_be_twins(common, len(images), len(masks)):
                    yield "named as" if _are_named_alike(common, len(masks)) else "as many as", images, masks


def may_be_twins(common: int, images: int, masks: int) -> bool:
    """Whether the files of a folder may be the masks of those in another one.

    Args:
        common: how many names both have.
        images, masks: how many files each has.

    Example:
        >>> may_be_twins(common=0, images=3, masks=3), may_be_twins(common=0, images=4, masks=3)
        (True, False)
    """
    return _are_named_alike(common, masks) or images == masks > 1


def _are_named_alike(common: int, masks: int) -> bool:
    return common > 1 and common >= _MIN_COMMON_FRACTION * masks


def sibling_folders(folders: Sequence[str]) -> list[list[str]]:
    """Folders whose paths differ in one part alone, in the order of the first of each group, and of that part."""
    numbers: dict[tuple[int, str], int] = {}  # of the beginnings and endings of paths, which are compared more quickly

    def number(known: int, part: str) -> int:
        return numbers.setdefault((known, part), len(numbers) + 1)

    split = [folder.split("/") for folder in folders]
    before = [list(accumulate(parts, number, initial=0)) for parts in split]
    forks = Counter(above for above, _ in numbers)  # how many folders are in each
    after = [list(accumulate(reversed(parts), number, initial=0))[::-1] for parts in split]
    found: list[tuple[int, int, list[str]]] = []
    for place in range(max(map(len, split), default=0)):
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for position, parts in enumerate(split):
            if place < len(parts) and forks[before[position][place]] > 1:
                groups[before[position][place], after[position][place + 1]].append(position)
        several = [group for group in groups.values() if len(group) > 1]
        found += [(group[0], place, [folders[position] for position in group]) for group in several]
    return [group for _, _, group in sorted(found)]


def _halves(folder: Folder) -> Iterator[tuple[Folder, Folder]]:
    """(files, those whose names are theirs with the same ending) for each such ending."""
    by_ending: dict[str, dict[str, str]] = defaultdict(dict)  # ending -> name -> name with the ending
    for name in folder:
        found = _ENDING.fullmatch(name)
        if found is not None and found[1] in folder:
            by_ending[found[2]][found[1]] = name
    for names in by_ending.values():
        if are_half(len(names), len(folder)):
            yield {name: folder[name] for name in names}, {name: folder[name] for name in names.values()}


def _all_are(folder: Folder, flat: bool) -> bool:
    """Whether all files of a sample hold what masks hold, or none does; the first that differs ends it."""
    return hold_masks(_sample(folder).values(), flat)


def hold_masks(sample: Iterable[Entry], flat: bool = True) -> bool:
    """Whether all of some files hold what masks hold, or none does; the first that differs ends it.

    Args:
        sample: the files.
        flat: whether they are to hold it.
    """
    for entry in sample:
        content = read_content(entry)
        if content is None or content.is_flat != flat or (flat and not content.is_few):
            return False
    return True


def _sample(folder: Folder) -> Folder:
    names = sorted(folder)
    return {name: folder[name] for name in names[:: step_of(len(names))]}


def step_of(count: int) -> int:
    """Every how many of so many files belong to a sample."""
    return max(1, count // _FILES_SAMPLED)


def affixed(name: str) -> str | None:
    """What may follow another file's name in this one; None if nothing may.

    Example:
        >>> affixed("cat_m"), affixed("cat_12")
        ('_m', None)
    """
    found = _ENDING.fullmatch(name)
    return None if found is None else found[2]


def are_half(count: int, files: int) -> bool:
    """Whether so many files of a folder may be the masks of others in it.

    Args:
        count: the files that are named after others, with the same ending.
        files: all of the folder.
    """
    return count > 1 and count >= _MIN_COMMON_FRACTION * files / 2


def is_label_map(entry: Entry) -> bool:
    """Whether a file holds class numbers."""
    try:
        with entry.open() as stream, Image.open(stream, formats=FORMATS) as opened:
            if opened.mode not in _CLASS_NUMBERS:
                return False  # known from its header
    except Exception:
        return False
    content = read_content(entry)
    return content is not None and content.is_label_map


def _names(folder: Folder) -> str:
    sample = NameSample()
    for entry in folder.values():
        sample.add(entry.path)
    return str(sample)
