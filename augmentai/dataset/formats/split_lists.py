"""Lists that say which images are for training, validation and test: train.txt and its like, tables, JSON.

They are read for the splits, and written again with the variations in them. A set may have folders and lists: what a
list says of an image comes first. Without either, the names of the images may say it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.image_list import ImagePaths, missing_notice
from augmentai.dataset.formats.image_names import named as named_few
from augmentai.dataset.formats.split_claims import TRAINVAL, SplitClaims
from augmentai.dataset.formats.split_files import SplitFile
from augmentai.dataset.formats.split_folders import read_folder_list
from augmentai.dataset.formats.split_json import JSON_ENDINGS, read_split_json
from augmentai.dataset.formats.split_records import read_split_mapping, read_split_records
from augmentai.dataset.formats.split_tables import read_split_table
from augmentai.dataset.formats.split_texts import read_numbered_images, read_split_list, read_split_pairs
from augmentai.dataset.formats.split_words import may_name_split, read_name, split_in_file_name
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.dataset.formats.texts import KEEP_TRUE, has_sentences
from augmentai.dataset.readers.label_signatures import head_of

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_MAX_SHARED = 0.1  # of the held-out images, that may be in a training list; folds share most of them
_LIST_ENDINGS = (".txt", ".lst", ".list")
_MAX_LISTS = 50  # a set with more files of such names has label files, not lists


@dataclass
class SplitLists:
    """What the lists and folders of a set say of its splits.

    Attributes:
        folders: from `folder_splits`.
        entries: the files that are such lists.
        notices: for the user.
    """

    folders: dict[str, str | None]
    entries: list[Entry] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    _claims: SplitClaims = field(default_factory=lambda: SplitClaims("list"))
    _files: list[SplitFile] = field(default_factory=list)
    _has_training: bool = False
    _is_from_names: bool = False  # of the images themselves

    def of(self, path: str) -> str | None:
        """The split of an image. One that only held-out images are listed beside is for training."""
        if path in self._claims:
            return self._claims.of(path)
        split, folder = split_of(path, self.folders)
        if folder or split or not self._claims:
            return split
        return None if self._has_training else "train"

    def listed(self, path: str) -> str | None:
        """The split of an image by lists and tables alone; None if none names it."""
        return None if self._is_from_names else self._claims.of(path)

    def lists(self, path: str) -> bool:
        """Whether a list, a table or its own name says the split of an image."""
        return path in self._claims

    def written(self, rows: ImageRows, leads_to_files: bool = False) -> Iterator[tuple[str, Iterable[bytes]]]:
        """The lists of the finished set.

        Args:
            rows: the images of the finished set.
            leads_to_files: see `list_with_variations`.
        """
        for one in self._files:
            yield from one.written(rows, leads_to_files)


def read_split_lists(tree: Tree, others: Container[str] = ()) -> SplitLists:
    """The splits of a set by its lists, its folders, and the names of its images.

    A list is a text file called as a split, whose lines name images, or one called "split" or "partition" with a split
    on each line. A table is a CSV file with a column of splits, or called as one. JSON lists the images of each split.
    Files that also say where objects are name splits as well, but are not rewritten.

    Args:
        tree: the files of the set.
        others: paths of files that are known to be something else, such as the labels of an image.
    """
    found = SplitLists(folder_splits(entry.path for entry in tree.images))
    files = list(_split_files(tree, others))
    folds = sorted(one.path for one in files if one.are_folds)
    files = [one for one in files if not one.are_folds]
    named = {one.path: dict(one.splits) for one in files}
    contradict = _are_folds(named)
    if folds := [*folds, *sorted(named)] if contradict else folds:
        verb, they = ("name", "they are") if len(folds) > 1 else ("names", "it is")
        found.notices.append(
            f"{', '.join(folds[:4])} {verb} the same images for training and testing, as folds do; {they} not used"
        )
    if contradict:
        return SplitLists(found.folders, notices=found.notices)
    found.notices += _notices_of_unmatched(tree, others, {entry.path for one in files for entry in one.entries})
    found._files = [one for one in files if one.is_carried]
    for one in files:
        for image in one.also_training:
            found._claims.add(image, "train", image)
        for image, split in one.splits.items():
            found._claims.add(image, TRAINVAL if split == "train" and _is_of_all(one.path) else split, image)
    found._claims.settle()
    if files and found.folders:
        found._claims.hold_out({entry.path: split_of(entry.path, found.folders) for entry in tree.images})
    found.notices += found._claims.notices
    found.notices += [notice for one in files for notice in missing_notice([one.path], one.missing)]
    texts = [one.path for one in found._files if has_sentences(head_of(one.entries[0]))]
    if texts:
        found.notices.append(f"texts in {', '.join(texts[:4])} are copied to variations unchanged; {KEEP_TRUE}")
    found._has_training = any("train" in splits.values() for splits in named.values())
    found.entries = [entry for one in found._files for entry in one.entries]
    if not files and not found.folders:
        in_names = _splits_in_names(entry.path for entry in tree.images)
        found._has_training = found._is_from_names = bool(in_names)
        for image, split in in_names.items():
            found._claims.add(image, split, image)
        if in_names:
            counts = Counter(in_names.values())
            total = ", ".join(f"{counts[split]} for {split}" for split in ("train", "val", "test") if counts[split])
            found.notices.append(f"the names of the images say their splits: {total}; rename them if they do not")
    return found


def _split_files(tree: Tree, others: Container[str]) -> Iterator[SplitFile]:
    names = ImagePaths(entry.path for entry in tree.images)
    lists = _candidates(tree, others)
    for entry in lists:
        listed = read_split_list(entry, names) or read_folder_list(entry, names)
        if listed is not None:
            yield listed
    listed_paths = {entry.path for entry in lists}
    for entry in tree.sidecars_ending(*_LIST_ENDINGS):
        name = entry.path.rpartition("/")[2].casefold()
        if entry.path not in others and entry.path not in listed_paths and ("split" in name or "partition" in name):
            found = read_numbered_images(entry, tree, names) or read_split_pairs(entry, names)
            if found is not None:
                yield found
    for entry in tree.sidecars_ending(".csv", ".tsv"):
        table = read_split_table(entry, names) if entry.path not in others else None
        if table is not None:
            yield table
    jsons = [entry for entry in tree.sidecars_ending(*JSON_ENDINGS) if entry.path not in others]
    few = len(jsons) <= _MAX_LISTS  # with more they are label files
    for entry in jsons:
        parsed: SplitFile | None = read_split_json(entry, names)
        if parsed is None and few:
            parsed = read_split_records(entry, names) or read_split_mapping(entry, names)
        if parsed is not None:
            yield parsed


def _candidates(tree: Tree, others: Container[str]) -> list[Entry]:
    """Text files that are called as a split, and are not the labels of an image of that name.

    One whose name says more ("images_variant_train") counts if another says the same of another split.
    """
    found = []
    for entry in (*tree.sidecars_ending(*_LIST_ENDINGS), *_without_ending(tree)):
        name = PurePosixPath(entry.path).stem
        if may_name_split(name) and read_name(name).split and entry.path not in others:
            found.append((entry, read_name(name)))
    if found:
        stems = {entry.stem for entry in tree.images}
        found = [(entry, name) for entry, name in found if entry.stem not in stems]
    splits = defaultdict(set)
    for _, read in found:
        splits[read.rest].add(read.split)
    lists = [entry for entry, read in found if not read.rest or len(splits[read.rest]) > 1]
    return lists if len(lists) <= _MAX_LISTS else []


def _notices_of_unmatched(tree: Tree, others: Container[str], read: Container[str]) -> Iterator[str]:
    """Files that are called as splits and name nothing of the set: another part of it may be held out by them."""
    found = [entry.path for entry in _candidates(tree, others) if entry.path not in read and _has_text(entry)]
    if found:
        verb, its = ("are", "their") if len(found) > 1 else ("is", "its")
        yield (
            f"{named_few(found, 'file')} {verb} called as a split, and not used: most of {its} lines name no image and "
            "no folder of the set; to hold images out, name them there or move them into folders called val and test"
        )


def _has_text(entry: Entry) -> bool:
    return bool(head_of(entry).strip())


def _without_ending(tree: Tree) -> Iterator[Entry]:
    for path in sorted(tree.sidecars):
        if "." not in path.rpartition("/")[2]:
            yield from tree.sidecars[path]


def _splits_in_names(paths: Iterable[str]) -> dict[str, str]:
    """The split that every image has in its name ("train_0001.jpg"); empty if one has none, or if none is held out."""
    found: dict[str, str] = {}
    for path in paths:
        split = split_in_file_name(PurePosixPath(path).stem)
        if split is None:
            return {}
        found[path] = split
    return found if "train" in found.values() and len(set(found.values())) > 1 else {}


def _is_of_all(path: str) -> bool:
    return "trainval" in "".join(filter(str.isalpha, PurePosixPath(path).stem.casefold()))


def _are_folds(named: dict[str, dict[str, str]]) -> bool:
    """Whether several lists of one split contradict those of another."""
    images: dict[str, set[str]] = defaultdict(set)
    lists: dict[str, int] = defaultdict(int)
    for path, splits in named.items():
        if not _is_of_all(path):
            for split in set(splits.values()):
                lists[split] += 1
            for image, split in splits.items():
                images["train" if split == "train" else "held out"].add(image)
    shared = images["train"] & images["held out"]
    return max(lists.values(), default=0) > 1 and len(shared) > _MAX_SHARED * len(images["held out"])
