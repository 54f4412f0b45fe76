"""Label files that nothing reads: which they are, what they look like, and what becomes of them.

Files are grouped by folder and ending, and of a large group a few are opened, so that a set with a hundred thousand
label files is judged as quickly as a small one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from augmentai.dataset.file_names import name_key, printable
from augmentai.dataset.file_tree import Tree
from augmentai.dataset.formats.base import Format, Layout
from augmentai.dataset.formats.captions import SUFFIXES as CAPTION_SUFFIXES
from augmentai.dataset.formats.detect import format_named, is_label_file
from augmentai.dataset.readers.compare_labels import Comparison, compared_labels
from augmentai.dataset.readers.label_signatures import (
    BINARY,
    CAPTIONS,
    TEXT,
    ImageNames,
    Signature,
    head_of,
    image_stem,
    looks_like_caption,
    signature_of,
)
from augmentai.plurals import counted
from augmentai.registry import RegistryError

_LISTS = frozenset({".csv", ".json", ".jsonl", ".xml"})
_ABOUT_THE_DATASET = (
    *("readme", "licen", "attribution", "credits", "dataset_info", "dataset-metadata", "copyright", "citation"),
    *("changelog", "requirements"),
)
_CLASS_LISTS = {"classes", "class_names", "obj"}
_NO_IMAGE = "no image has the same name; add the images, or rename the label files"
_CONVERT = "convert to a format that is read, such as COCO or YOLO"
_WORD_END = re.compile(r"[-_. ]+")
_IMAGE_LISTS = Signature("lists of images")
_FILES_OPENED = 20  # of a group of files in one folder with one ending
_NAMES_KEPT = 1000
_NAMES_IN_A_NOTICE = 5
_LARGEST_TRIAL_BYTES = 32 << 20  # label files up to this size are given to a format to see whether it reads them


@dataclass(frozen=True)
class UnreadKind:
    """Label files of one kind that nothing reads.

    Attributes:
        looks_like: the kind, in words.
        why: why they are not read, and what would help, in words.
        count: how many there are.
        files: the first of them by name, at most 1,000.
        without_image: a format reads them, but the images that they describe are not in the set.
        second: a format reads them, but the set has labels in another one, which are used.
        agrees: as far as both were compared, they say the same as the labels that are used.
    """

    looks_like: str
    why: str
    count: int
    files: tuple[str, ...] = field(repr=False)
    without_image: bool = False
    second: bool = False
    agrees: bool = False

    def __str__(self) -> str:
        names = ", ".join(map(printable, self.files[:_NAMES_IN_A_NOTICE]))
        more = f" and {self.count - _NAMES_IN_A_NOTICE} more" if self.count > _NAMES_IN_A_NOTICE else ""
        those = counted(self.count, "label file is", "label files are")
        state = "also there, and not used" if self.second else "not understood"
        return f"{those} {state} ({self.looks_like}: {names}{more}): {self.why}"


@dataclass(frozen=True)
class UnreadLabels:
    """All label files of a set that nothing reads.

    Attributes:
        kinds: by what they look like.
        whole_set: no label file of the set is read, and these describe most of its images.
        may_locate: they, or files that nobody understands, may say where something is in the images.
    """

    kinds: tuple[UnreadKind, ...] = ()
    whole_set: bool = False
    may_locate: bool = False

    @property
    def count(self) -> int:
        return sum(kind.count for kind in self.kinds)

    def notices(self) -> list[str]:
        """What the user should know before anything is made, the most important first."""
        if not self.kinds:
            return []
        lead = "the labels of this set are not understood, and the result will not have them" if self.whole_set else ""
        outcome = (
            "label files that are not understood are not carried to the result, and their images are augmented "
            "without them"
        )
        outcomes = [outcome] if any(not kind.second for kind in self.kinds) else []
        return [*([lead] if lead else []), *map(str, self.kinds), *outcomes]


def may_be_label_file(name: str) -> bool:
    """Whether a file may hold labels, of a format that is read or of another one, by how its name ends.

    Example:
        >>> [may_be_label_file(name) for name in ("a.txt", "boxes.tsv", "gt.mat", "train.py")]
        [True, True, True, False]
    """
    suffix = PurePosixPath(name).suffix.lower()
    return is_label_file(name) or suffix in TEXT or suffix in BINARY


def begins_as_labels(head: bytes) -> bool:
    """Whether a file without an ending begins as XML or JSON of labels does.

    Example:
        >>> begins_as_labels(b"<annotation>\\n"), begins_as_labels(b"all: build\\n")
        (True, False)
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith((b"<?xml", b"<annotation", b'{"', b"[{", b"{\n", b"[\n"))


def find_unread_labels(tree: Tree, layout: Layout) -> tuple[UnreadLabels, list[str]]:
    """Sort the files that a layout does not use into label files and others.

    Args:
        tree: all files of a set.
        layout: as it was detected; label files that it names are read.

    Returns:
        (the label files that nothing reads, the paths of all other unused files).
    """
    return _Search(tree, layout).result()


class _Search:
    def __init__(self, tree: Tree, layout: Layout) -> None:
        self._tree, self._layout = tree, layout
        failed = {failure.file for failure in layout.failures}
        self._unused = [path for path in tree.sidecars if path not in layout.label_paths and path not in failed]
        self._found: dict[Signature, list[str]] = defaultdict(list)
        self._others: list[str] = []

    @cached_property
    def _names(self) -> ImageNames:
        return ImageNames([entry.path for entry in self._tree.images])

    @cached_property
    def _stems(self) -> Counter[str]:
        """How many images have each file name, without its ending."""
        return Counter(name_key(entry.name_stem) for entry in self._tree.images)

    def result(self) -> tuple[UnreadLabels, list[str]]:
        if not self._tree.images or not self._layout.name:  # nothing is augmented, which is reported
            return UnreadLabels(), self._unused
        groups: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
        for path in self._unused:
            name = PurePosixPath(path)
            if _describes_the_set(name):
                self._others.append(path)
            else:
                groups[str(name.parent), name.suffix.lower(), self._is_named_after_image(name)].append(path)
        for (_, _, beside), paths in groups.items():
            self._sort(sorted(paths), beside)
        kinds = tuple(self._kind(signature, sorted(paths)) for signature, paths in self._found.items())
        described = any(self._describes_most(signature, paths) for signature, paths in self._found.items())
        return UnreadLabels(kinds, described and not self._has_labels(), self._may_locate()), self._others

    def _is_named_after_image(self, name: PurePosixPath) -> bool:
        """Whether a file has the name of an image, alone or before another word: "a.json", "a_labels.json"."""
        stem = image_stem(name)
        if stem in self._stems:
            return True
        ends = (match.start() for match in _WORD_END.finditer(stem))
        return name.suffix.lower() in TEXT and any(stem[:end] in self._stems for end in ends if end)

    def _sort(self, paths: list[str], beside: bool) -> None:
        """Sort files of one folder and ending. beside: each has the name of an image."""
        if len(paths) <= _FILES_OPENED:
            for path in paths:
                self._put([path], self._signature(path, beside))
            return
        step = len(paths) // _FILES_OPENED
        verdicts = Counter(self._signature(path, beside) for path in paths[::step])
        self._put(paths, verdicts.most_common(1)[0][0])

    def _put(self, paths: list[str], signature: Signature | None) -> None:
        if signature is None or not signature.title:
            self._others += paths
        else:
            self._found[signature] += paths

    def _signature(self, path: str, beside: bool) -> Signature | None:
        """What a file looks like; None if it holds no labels."""
        suffix = PurePosixPath(path).suffix.lower()
        if suffix in BINARY:
            return Signature(f"{BINARY[suffix]} files, which may hold labels", per_image=True)
        text = head_of(self._tree.sidecars[path][0])
        found = signature_of(path, text)
        if found is not None:
            return found
        if beside and looks_like_caption(text):
            return CAPTIONS
        if beside:
            return Signature(f"{suffix} files with the names of images", per_image=True)
        if suffix == ".txt" and self._names.listed_in(text):
            return _IMAGE_LISTS
        return Signature(f"{suffix} files that name images of the set") if self._names.named_in(text) else None

    def _kind(self, signature: Signature, paths: list[str]) -> UnreadKind:
        first = tuple(paths[:_NAMES_KEPT])
        if (comparison := self._in_second_format(signature, paths)) is not None:
            why = f"the set is read as {self._title()}"
            why += f"; the two {comparison.words}" if comparison.words else ""
            why += f"; not carried to the result; choose the dataset format {signature.format} to use these instead"
            return UnreadKind(signature.title, why, len(paths), first, second=True, agrees=comparison.agrees)
        why = self._reason(signature, paths)
        return UnreadKind(signature.title, why, len(paths), first, why == _NO_IMAGE)

    def _title(self) -> str:
        """What the format is called that the set is read in."""
        return "class folders" if self._layout.name == "folders" else format_named(self._layout.name).title

    def _in_second_format(self, signature: Signature, paths: list[str]) -> Comparison | None:
        """How files compare to the labels that are used; None if there are none, or no other format reads the files."""
        known = self._format(signature)
        if known is None or known.name == self._layout.name or not self._layout.labelled:
            return None
        if self._is_of_no_image(signature, paths):
            return None
        found = self._as_read(known.name, paths)
        return compared_labels(self._tree, self._layout, found) if found is not None else None

    def _format(self, signature: Signature) -> Format | None:
        try:
            return format_named(signature.format) if signature.format else None
        except RegistryError:
            return None

    def _is_of_no_image(self, signature: Signature, paths: list[str]) -> bool:
        stems = (image_stem(PurePosixPath(path)) for path in paths)
        return signature.per_image and not any(stem in self._stems for stem in stems)

    def _reason(self, signature: Signature, paths: list[str]) -> str:
        if PurePosixPath(paths[0]).suffix.lower() in BINARY:
            return f"cannot be read; {_CONVERT}"
        if signature == CAPTIONS:
            return (
                f"not carried: expected the name of one image, and an ending such as {', '.join(CAPTION_SUFFIXES[:3])}"
            )
        if signature == _IMAGE_LISTS:
            return "not read; if these are splits, move the images into folders called train, val and test"
        known = self._format(signature)
        if known is None:
            return f"no installed format reads this; {_CONVERT}"
        if self._is_of_no_image(signature, paths):
            return _NO_IMAGE
        if known.name != self._layout.name and self._as_read(known.name, paths) is not None:
            return f"the set is read as {self._title()}; choose the dataset format {known.name} to read this instead"
        if signature.per_image:  # they have the names of images
            return f"the set is not recognised as {known.title}; expected {known.hint}"
        return f"matches no image; for {known.title}, expected {known.hint}"

    def _as_read(self, name: str, paths: list[str]) -> Layout | None:
        """The set as a format reads it that is asked for; None if it does not read these files."""
        entries = [self._tree.sidecars[path][0] for path in paths]
        if sum(entry.size_bytes or 0 for entry in entries) > _LARGEST_TRIAL_BYTES:
            return Layout()  # it takes too long to find out
        try:
            found = format_named(name).detect(self._tree, True)
        except Exception:  # it may fail in any way on files that are not its own; the advice is all that is lost
            return None
        return found if found is not None and any(path in found.label_paths for path in paths) else None

    def _has_labels(self) -> bool:
        """Whether something else says what the images show: label files, captions, or several class folders."""
        images = self._layout.images.values()
        if self._layout.labelled or any(info.labels is not None for info in images):
            return True
        return len({info.label for info in images} - {None}) > 1

    def _describes_most(self, signature: Signature, paths: list[str]) -> bool:
        """Whether files describe most images of the set: one each, or a list of them."""
        beside = sum(self._stems[stem] for stem in {image_stem(PurePosixPath(path)) for path in paths})
        return not signature.per_image or 2 * beside >= len(self._tree.images)

    def _may_locate(self) -> bool:
        suffixes = {PurePosixPath(path).suffix.lower() for path in self._unused if not _describes_the_set(path)}
        return bool(self._found) or bool(suffixes & _LISTS)


def _describes_the_set(path: str | PurePosixPath) -> bool:
    stem = PurePosixPath(path).stem.lower()
    return stem.startswith(_ABOUT_THE_DATASET) or stem in _CLASS_LISTS
