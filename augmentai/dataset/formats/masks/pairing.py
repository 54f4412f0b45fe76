"""Which files are masks, and of which images: by names, folders and what the files hold."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.masks.names import FileName, FolderName, Role, Span, read_file, read_folder

Group = tuple[Role, str, str]  # what files of one kind share: role, folder that gives it, and what is around the name
_LOSSLESS = (".png", ".gif", ".bmp", ".tif", ".tiff")
_LONG_NAME = 6  # letters: a shorter name ("001") is used in many folders for different images
_DIGITS = str.maketrans("", "", "0123456789")


@dataclass(frozen=True, slots=True)
class Named:
    """An image file, and what its name says. is_labelled: it has labels of its own, whatever it is called."""

    entry: Entry
    folder: FolderName
    file: FileName
    is_labelled: bool = False

    @property
    def role(self) -> Role:
        return Role.IMAGE if self.is_labelled else self.file.role or self.folder.role or Role.IMAGE


@dataclass(frozen=True, slots=True)
class Pair:
    """A file that may be the mask or the visualization of an image.

    Attributes:
        image, other: the image, and the file that belongs to it.
        group: what files of the same kind share.
        span: where the image's name is in the file's stem; None if the folder alone says whose it is.
        same_place: but for the folder that says what they are, both are in the same one.
    """

    image: Named
    other: Named
    group: Group
    span: Span | None
    same_place: bool


@dataclass
class Pairing:
    """All pairs of a set, by name alone.

    Attributes:
        pairs: every file that belongs to an image, sorted by path.
        unpaired: files that are called masks or visualizations and belong to no image.
    """

    pairs: list[Pair] = field(default_factory=list)
    unpaired: list[Named] = field(default_factory=list)


def find_pairs(tree: Tree, labelled: Container[ImageKey] = ()) -> Pairing:
    """Pair the files of a set by their names and folders. No file is opened.

    Args:
        tree: the files of the set.
        labelled: the keys of images that have labels of their own, and so are nobody's mask.
    """
    named = _named(tree.images, labelled)
    others = [one for one in named if one.role is not Role.IMAGE]
    found = Pairing()
    index = _Index(one for one in named if one.role is Role.IMAGE or one.folder.role is Role.IMAGE)
    unmatched: list[Named] = []
    for one in others:
        pair = index.match(one)
        if pair is None:
            unmatched.append(one)
        else:
            found.pairs.append(pair)
    used = {pair.other.entry.key for pair in found.pairs}
    found.pairs = [pair for pair in found.pairs if pair.image.entry.key not in used]
    found.pairs += _by_folder(unmatched, index, found.pairs)
    found.pairs += _beside(named, {key for pair in found.pairs for key in (pair.other.entry.key, pair.image.entry.key)})
    used = {pair.other.entry.key for pair in found.pairs}
    found.unpaired = [one for one in others if one.entry.key not in used]
    found.pairs.sort(key=lambda pair: pair.other.entry.key)
    return found


def group_of(one: Named, span: Span | None) -> Group:
    """What files of the same kind share: numbers and the image's name apart."""
    if one.file.role is None or span is None:
        return one.role, one.folder.marker, ""
    around = f"{one.file.stem[: span[0]]}*{one.file.stem[span[1] :]}".translate(_DIGITS)
    return one.role, one.folder.marker if one.folder.role is not Role.IMAGE else "", around.casefold()


def _named(entries: Sequence[Entry], labelled: Container[ImageKey]) -> list[Named]:
    folders = {parent(entry.path) for entry in entries}
    shared = posixpath.commonpath([f"/{folder}" for folder in folders])[1:] if folders else ""
    skip = len(shared) + 1 if shared else 0  # what all files share says nothing about any of them
    return [
        Named(
            entry,
            read_folder(parent(entry.path)[skip:]),
            read_file(PurePosixPath(entry.path).stem),
            entry.key in labelled,
        )
        for entry in sorted(entries, key=lambda entry: entry.key)
    ]


class _Index:
    """Images by what may be their name."""

    def __init__(self, images: Iterable[Named]) -> None:
        self.by_key: dict[str, list[tuple[int, Named]]] = defaultdict(list)  # (how much of its name is left out, image)
        self.by_place: dict[tuple[str, tuple[str, ...]], list[Named]] = defaultdict(list)
        for image in images:
            keys = [key for key, _ in image.file.readings()]
            keys += [key for key, _ in image.file.readings(guess=True)[:1] if image.file.has_channel]
            for rank, key in enumerate(dict.fromkeys(keys)):
                self.by_key[key].append((rank, image))
            if keys and keys[0].isdigit():
                self.by_key[f"#{int(keys[0])}"].append((len(keys), image))
            self.by_place[image.entry.origin, image.folder.parts].append(image)

    def match(self, one: Named) -> Pair | None:
        """The image that a file belongs to by its name; None if there is none, or more than one."""
        for key, span in one.file.readings():
            found = self._best(key, one)
            if found is not None:
                return Pair(found, one, group_of(one, span), span, found.folder.parts == one.folder.parts)
        for key, span in one.file.readings(guess=True) if one.folder.role is not None else ():
            for name in (key, f"#{int(key)}") if key.isdigit() else (key,):
                found = self._best(name, one, guess=True)
                if found is not None:
                    return Pair(found, one, group_of(one, span), span, same_place=True)
        return None

    def _best(self, key: str, one: Named, guess: bool = False) -> Named | None:
        scored = []
        for rank, image in self.by_key.get(key, ()):
            if image.entry.key == one.entry.key or (guess and rank and not key.startswith("#")):
                continue
            distance = _distance(image, one)
            if distance is not None and (distance[1] <= 1 or (not guess and len(key) >= _LONG_NAME)):
                scored.append(((*distance, rank), image))
        if not scored:
            return None
        lowest = min(score for score, _ in scored)
        best = [image for score, image in scored if score == lowest]
        return best[0] if len(best) == 1 else None


def _distance(image: Named, other: Named) -> tuple[int, int, int] | None:
    """How far an image and a file are from each other: (ZIP, folders, split); None if they cannot belong together."""
    splits = {image.folder.split, other.folder.split}
    if len(splits - {None}) > 1:
        return None
    a, b = image.folder.parts, other.folder.parts
    folders = 0 if a == b else 1 if _is_within(a, b) or _is_within(b, a) else 2
    return int(image.entry.origin != other.entry.origin), folders, len(splits) - 1


def _is_within(few: tuple[str, ...], many: tuple[str, ...]) -> bool:
    """Whether all of these folders are among the others, in the same order."""
    rest = iter(many)
    return all(part in rest for part in few)


def _by_folder(unmatched: list[Named], index: _Index, pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Masks whose folder alone says whose they are: it has the image's name, or there is one image beside it."""
    matched = {pair.image.entry.key for pair in pairs}
    in_folder: set[ImageKey] = set()  # images that have a folder of masks of their own
    loose: list[Named] = []
    for one in unmatched:
        origin, parts = one.entry.origin, one.folder.parts
        if one.folder.role is None or one.file.role is not None:
            continue
        named = [
            image
            for image in index.by_place.get((origin, parts[:-1]), ())
            if parts and f"{image.file.stem}{image.file.tag}".casefold() == parts[-1]
        ]
        if len(named) == 1:
            in_folder.add(named[0].entry.key)
            yield Pair(named[0], one, group_of(one, None), None, same_place=True)
        else:
            loose.append(one)
    for one in loose:
        beside = index.by_place.get((one.entry.origin, one.folder.parts), ())
        beside = [image for image in beside if image.entry.key not in in_folder]
        if len(beside) == 1 and beside[0].entry.key not in matched:
            yield Pair(beside[0], one, group_of(one, None), None, same_place=True)


def _beside(named: Sequence[Named], used: set[ImageKey]) -> Iterator[Pair]:
    """Of a.jpg and a.png in one folder the PNG may be the mask; two PNGs cannot be distinguished."""
    by_stem: dict[tuple[str, str], list[Named]] = defaultdict(list)
    for one in named:
        if one.role is Role.IMAGE and one.entry.key not in used:
            by_stem[one.entry.stem, one.entry.origin].append(one)
    for same in by_stem.values():
        lossless = [one for one in same if one.entry.path.lower().endswith(_LOSSLESS)]
        if len(same) == 2 and len(lossless) == 1:
            image = next(one for one in same if one is not lossless[0])
            span = (0, len(lossless[0].file.stem))
            yield Pair(image, lossless[0], (Role.MASK, "", ""), span, same_place=True)
