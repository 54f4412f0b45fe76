"""Which files are masks, and of which images: by names, folders and what the files hold."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.label_values import is_whole
from augmentai.dataset.formats.masks.names import (
    FileName,
    FolderName,
    Role,
    Span,
    may_be_label,
    read_file,
    read_folder,
    says_all,
)

Parts = tuple[str, ...]
Group = tuple[Role, str, str]  # what files of one kind share: role, folder that gives it, and what is around the name
_WORD_END = re.compile(r"[-_. ]")
_LOSSLESS = (".png", ".gif", ".bmp", ".tif", ".tiff")
_LONG_NAME = 6  # letters: a shorter name ("001") is used in many folders for different images
_MOST_FOLDERS = 200  # with an image of one name, that are compared: more hardly leave a single one that is meant
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

    @property
    def is_near(self) -> bool:
        """Whether both are in the same place, or one of them in a folder more: "clean/alley" and "depth/alley"."""
        few, many = sorted((self.image.folder.parts, self.other.folder.parts), key=len)
        return self.same_place or (bool(few) and _is_within(few, many))


@dataclass
class Pairing:
    """All pairs of a set, by name alone.

    Attributes:
        pairs: every file that belongs to an image, sorted by path.
        unpaired: files that are called masks or visualizations and belong to no image, or to several.
        shared: the keys of those that have the name of several images, of which none is nearer than another.
    """

    pairs: list[Pair] = field(default_factory=list)
    unpaired: list[Named] = field(default_factory=list)
    shared: set[ImageKey] = field(default_factory=set)


def find_pairs(tree: Tree, labelled: Container[ImageKey] = ()) -> Pairing:
    """Pair the files of a set by their names and folders. No file is opened.

    Args:
        tree: the files of the set.
        labelled: the keys of images that have labels of their own, and so are nobody's mask.
    """
    entries = sorted(tree.images, key=lambda entry: entry.key)
    read = _Reader(entries, labelled)
    found = Pairing()
    if any(may_be_label(read.folder(entry), entry.name_stem) for entry in entries):
        named = [read(entry) for entry in entries]
        others = [one for one in named if one.role is not Role.IMAGE]
        images = [one for one in named if one.role is Role.IMAGE or one.folder.role is Role.IMAGE]
        index = _Index(one for one in images if one.is_labelled or says_all(one.file.stem) is not Role.MASK)
        _match(others, index, found)
    used = {key for pair in found.pairs for key in (pair.other.entry.key, pair.image.entry.key)}
    rest = [entry for entry in entries if entry.key not in used]
    in_folders = list(_in_sample_folders(rest, read))
    found.pairs += in_folders
    taken = {pair.other.entry.key for pair in in_folders}
    found.unpaired = [one for one in found.unpaired if one.entry.key not in taken]
    used = {key for pair in found.pairs for key in (pair.other.entry.key, pair.image.entry.key)}
    found.pairs += _beside([entry for entry in rest if entry.key not in used], read)
    found.pairs.sort(key=lambda pair: pair.other.entry.key)
    return found


def _match(others: Sequence[Named], index: _Index, found: Pairing) -> None:
    """Find the image of each file that is called a mask or a visualization."""
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
    used = {pair.other.entry.key for pair in found.pairs}
    found.unpaired = [one for one in others if one.entry.key not in used]
    found.shared = {one.entry.key for one in found.unpaired if index.has_several(one)}


def group_of(one: Named, span: Span | None) -> Group:
    """What files of the same kind share: numbers and the image's name apart."""
    if one.file.role is None or span is None:
        return one.role, one.folder.marker, ""
    around = f"{one.file.stem[: span[0]]}*{one.file.stem[span[1] :]}".translate(_DIGITS)
    return one.role, one.folder.marker if one.folder.role is not Role.IMAGE else "", around.casefold()


class _Reader:
    """Reads the names of files; what the folders of all of them share says nothing about any."""

    def __init__(self, entries: Sequence[Entry], labelled: Container[ImageKey]) -> None:
        folders = {parent(entry.path) for entry in entries}
        shared = posixpath.commonpath([f"/{folder}" for folder in folders])[1:] if folders else ""
        self._skip = len(shared) + 1 if shared else 0
        self._labelled = labelled

    def folder(self, entry: Entry) -> FolderName:
        return read_folder(parent(entry.path)[self._skip :])

    def __call__(self, entry: Entry) -> Named:
        file = read_file(entry.name_stem)
        return Named(entry, self.folder(entry), file, entry.key in self._labelled)


class _Index:
    """Images by what may be their name, and by where they are."""

    def __init__(self, images: Iterable[Named]) -> None:
        # Name -> folders -> (how much of its own name is left out, image).
        self._by_key: dict[str, dict[Parts, list[tuple[int, Named]]]] = defaultdict(lambda: defaultdict(list))
        self.by_place: dict[tuple[str, Parts], list[Named]] = defaultdict(list)
        for image in images:
            keys = [key for key, _ in image.file.readings()]
            keys += [key for key, _ in image.file.readings(guess=True)[:1] if image.file.has_channel]
            if is_whole(keys[0]):
                keys.append(f"#{int(keys[0])}")
            for rank, key in enumerate(dict.fromkeys(keys)):
                self._by_key[key][image.folder.parts].append((rank, image))
            self.by_place[image.entry.origin, image.folder.parts].append(image)

    def match(self, one: Named) -> Pair | None:
        """The image that a file belongs to by its name; None if there is none, or more than one."""
        for key, span in one.file.readings():
            found = self._best(key, one)
            if found is not None:
                return Pair(found, one, group_of(one, span), span, found.folder.parts == one.folder.parts)
        for key, span in one.file.readings(guess=True) if one.folder.role is not None else ():
            for name in (key, f"#{int(key)}") if is_whole(key) else (key,):
                found = self._best(name, one, guess=True)
                if found is not None:
                    return Pair(found, one, group_of(one, span), span, same_place=True)
        for key, span in one.file.without_inner_word() if one.folder.role is not None else ():
            found = self._best(key, one, guess=True)
            if found is not None:
                return Pair(found, one, group_of(one, span), span, same_place=True)
        return None

    def has_several(self, one: Named) -> bool:
        """Whether several images have the name that a file of masks is called after."""
        keys = [key for key, _ in one.file.readings()]
        return any(sum(map(len, self._by_key.get(key, {}).values())) > 1 or self._begins[key] > 1 for key in keys)

    @cached_property
    def _begins(self) -> Counter[str]:
        """How many images have a name that begins with a whole word or several: "0_a" and "0_b" with "0"."""
        names = {key for images in self.by_place.values() for one in images for key, _ in one.file.readings()[:1]}
        return Counter(name[: match.start()] for name in names for match in _WORD_END.finditer(name))

    def named(self, origin: str, parts: Parts, key: str) -> list[Named]:
        """The images of this whole name in these folders."""
        found = self._by_key.get(key, {}).get(parts, ())
        return [image for rank, image in found if not rank and image.entry.origin == origin]

    def _best(self, key: str, one: Named, guess: bool = False) -> Named | None:
        by_folders = self._by_key.get(key)
        if by_folders is None:
            return None
        found = self._nearest(by_folders.get(one.folder.parts, ()), key, one, guess)
        if found or len(by_folders) > _MOST_FOLDERS:
            return found[0] if len(found) == 1 else None
        found = self._nearest([pair for pairs in by_folders.values() for pair in pairs], key, one, guess)
        return found[0] if len(found) == 1 else None

    def _nearest(self, images: Iterable[tuple[int, Named]], key: str, one: Named, guess: bool) -> list[Named]:
        """Those of some images of one name that are nearest to a file; several if nothing tells which is meant."""
        scored = []
        for rank, image in images:
            if image.entry.key == one.entry.key or (guess and rank and not key.startswith("#")):
                continue
            distance = _distance(image, one)
            if distance is not None and (distance[1] <= 1 or (not guess and len(key) >= _LONG_NAME)):
                scored.append(((*distance, rank), image))
        lowest = min((score for score, _ in scored), default=None)
        return [image for score, image in scored if score == lowest]


def _distance(image: Named, other: Named) -> tuple[int, int, int] | None:
    """How far an image and a file are from each other: (ZIP, folders, split); None if they cannot belong together."""
    splits = {image.folder.split, other.folder.split}
    if len(splits - {None}) > 1:
        return None
    a, b = image.folder.parts, other.folder.parts
    folders = 0 if a == b else 1 if _is_within(a, b) or _is_within(b, a) else 2
    return int(image.entry.origin != other.entry.origin), folders, len(splits) - 1


def _is_within(few: Parts, many: Parts) -> bool:
    """Whether all of these folders are among the others, in the same order."""
    rest = iter(many)
    return all(part in rest for part in few)


def _by_folder(unmatched: list[Named], index: _Index, pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Masks whose folder alone says whose they are: it has the image's name, or there is one image beside it."""
    matched = {pair.image.entry.key for pair in pairs}
    in_folder: set[ImageKey] = set()  # images that have a folder of masks of their own
    loose: dict[tuple[str, Parts], list[Named]] = defaultdict(list)
    for one in unmatched:
        origin, parts = one.entry.origin, one.folder.parts
        if one.folder.role is None or one.file.role is not None:
            continue
        named = index.named(origin, parts[:-1], parts[-1]) if parts else []
        if len(named) == 1:
            in_folder.add(named[0].entry.key)
            yield Pair(named[0], one, group_of(one, None), None, same_place=True)
        else:
            loose[origin, parts].append(one)
    for place, masks in loose.items():
        beside = [image for image in index.by_place.get(place, ()) if image.entry.key not in in_folder]
        if len(beside) == 1 and beside[0].entry.key not in matched:
            yield from (Pair(beside[0], one, group_of(one, None), None, same_place=True) for one in masks)


def _in_sample_folders(entries: Sequence[Entry], read: _Reader) -> Iterator[Pair]:
    """Folders of one image each, in which "mask.png" or "label.png" is its mask."""
    samples: dict[tuple[str, str, str], list[Named]] = defaultdict(list)  # by ZIP, folder and tag
    for entry in entries:
        one = read(entry)
        samples[entry.origin, parent(entry.path), one.file.tag].append(one)
    found: list[tuple[Named, list[Named]]] = []
    for files in samples.values():
        others = [one for one in files if says_all(one.file.stem) in {Role.MASK, Role.VISUALIZATION}]
        if others and len(files) == len(others) + 1:
            (image,) = (one for one in files if one not in others)
            found.append((image, [one for one in others if not one.is_labelled]))
    if len({parent(image.entry.path) for image, _ in found}) > 1 or all(
        says_all(image.file.stem) is Role.IMAGE for image, _ in found
    ):
        for image, others in found:
            for one in others:
                role = says_all(one.file.stem) or Role.MASK
                end = len(one.file.stem)
                named = replace(one, file=replace(one.file, role=role))
                yield Pair(image, named, (role, "", f"{one.file.stem}*".casefold()), (end, end), same_place=True)


def _beside(entries: Sequence[Entry], read: _Reader) -> Iterator[Pair]:
    """Of a.jpg and a.png in one folder the PNG may be the mask; two PNGs cannot be distinguished."""
    by_stem: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        by_stem[entry.stem, entry.origin].append(entry)
    for same in by_stem.values():
        lossless = [entry for entry in same if entry.path.lower().endswith(_LOSSLESS)]
        if len(same) == 2 and len(lossless) == 1:
            mask, image = read(lossless[0]), read(next(entry for entry in same if entry is not lossless[0]))
            if mask.role is image.role is Role.IMAGE and not mask.is_labelled:
                yield Pair(image, mask, (Role.MASK, "", ""), (0, len(mask.file.stem)), same_place=True)
