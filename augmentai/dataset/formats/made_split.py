"""A set that had no split, written with one in its own format: as folders, as lists of images, or a label file each."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import takewhile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

from augmentai.annotations import Labels
from augmentai.dataset.bounded_yaml import load_yaml
from augmentai.dataset.file_tree import Entry, parent
from augmentai.dataset.formats.base import Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.coco.dataset import CocoLayout
from augmentai.dataset.formats.detect import usable_formats
from augmentai.dataset.formats.format_writer import conversion_of
from augmentai.dataset.formats.imagefolder.dataset import ImageFolderLayout
from augmentai.dataset.formats.imagefolder.metadata import Metadata
from augmentai.dataset.formats.keypoint_order import Skeleton
from augmentai.dataset.formats.listed.layout import ListedLayout
from augmentai.dataset.formats.made_split_files import TRAINING, image_lines, named_for, naming_image, rows_of_split
from augmentai.dataset.formats.masks.companions import without_companions
from augmentai.dataset.formats.splits import folder_splits, split_named, split_of
from augmentai.dataset.formats.supervisely.dataset import SuperviselyLabels, image_folder_at
from augmentai.dataset.formats.voc.dataset import VocLayout
from augmentai.dataset.formats.yolo.data_yaml import NO_VALIDATION, data_yaml
from augmentai.recipe import RecipeError
from augmentai.recipe.split_shares import SPLITS
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


def layout_with_split(layout: Layout, sources: Sequence[Source]) -> Layout:
    """What writes a set with a split.

    Args:
        layout: the set, which had no validation and no test images when it was read.
        sources: its images as they were read.

    Raises:
        RecipeError: sets of this format cannot be written with a split that they did not have.
    """
    made = _made()
    if layout.name not in made:
        _refuse(layout, f"in the format {layout.name}")
    return made[layout.name](layout, [without_companions(source) for source in sources])


def _made() -> dict[str, type[_SplitLayout]]:
    """What writes each format with a split."""
    folders = {"folders": _Folders, "masks": _Folders, "dota": _Folders, "labelme": _LabelMeFolders}
    listed = dict.fromkeys(("csv", "createml", "via", "cvat"), _ListedFiles)
    lists = {"yolo": _YoloLists, "coco": _CocoFiles, "panoptic": _CocoFiles, "voc": _VocLists}
    return {**folders, **listed, **lists, "imagefolder": _MetadataFolders, "supervisely": _Datasets}


def _refuse(layout: Layout, what: str) -> NoReturn:
    known = _made().keys() - {layout.name}
    targets = ", ".join(one.name for one in usable_formats()[0] if one.writer is not None and one.name in known)
    raise RecipeError(f"make_split cannot be written {what}; convert the set with to: one of {targets}")


class _SplitLayout(Layout):
    """Another layout, written with a split. It says of the set what that one says, and shares what it collects."""

    def __init__(self, inner: Layout, sources: Sequence[Source]) -> None:
        super().__init__()
        self.inner = inner
        self.name, self.label_paths = inner.name, inner.label_paths
        self.losses, self.notices, self.conversions = inner.losses, inner.notices, inner.conversions
        # Constants of each format's class, of which this one has none.
        self.__dict__.update(labelled=inner.labelled, unnamed_objects=inner.unnamed_objects)

    def class_names(self) -> list[str]:
        return self.inner.class_names()

    def declared_classes(self) -> list[str]:
        return self.inner.declared_classes()

    def skeletons(self) -> Mapping[str, Skeleton]:
        return self.inner.skeletons()

    def is_in(self, name: str) -> bool:
        return self.inner.is_in(name)

    def own_label_files(self, source: Source) -> list[Entry]:
        return self.inner.own_label_files(source)

    def shared_files(self) -> list[Entry]:
        return self.inner.shared_files()

    def image_path(self, source: Source) -> str:
        return self.inner.image_path(source)

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        return self.inner.label_files(source, file, labels, size_wh)

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        return self.inner.record(source, labels, size_wh)

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        yield from self.inner.dataset_files(rows)

    def leave_out(self, paths: Iterable[str]) -> None:
        """Report lists of images that said "training" of all, which is not so any more."""
        if found := sorted(paths):
            self.losses.setdefault(f"left out, since the set has a split now: {', '.join(found)}")


class _Folders(_SplitLayout):
    """Folders called train, val and test below whatever folder contains all; one that all had for training goes."""

    def __init__(self, inner: Layout, sources: Sequence[Source]) -> None:
        super().__init__(inner, sources)
        paths = [source.path for source in sources if source.split]
        splits = folder_splits(paths)
        # The names of folders that said "training" of all their images.
        self._dropped = {PurePosixPath(split_of(path, splits)[1]).name for path in paths} - {""}
        self._shared = self._shared_folders(sources)

    def _shared_folders(self, sources: Sequence[Source]) -> list[str]:
        """The folders that contain all images with their class folders, and all masks."""
        found = [parent(source.path) for source in sources]
        if any(source.label for source in sources):
            # Where masks and class folders meet, it is not certain which folder is which.
            found = [""] if self.inner.labelled else [parent(folder) for folder in found]
        found += [parent(entry.path) for source in sources for entry in self.own_label_files(source)]
        found += self._folders_of_files()
        kept = {tuple(self._kept(folder.split("/"))) if folder else () for folder in found}
        first, last = (min(kept), max(kept)) if kept else ((), ())
        return [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))]

    def image_path(self, source: Source) -> str:
        return self._placed(source, self.inner.image_path(source))

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        files = self.inner.label_files(source, file, labels, size_wh)
        return [(self._placed(source, path), data) for path, data in files]

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        self.leave_out(path for path, _ in self.inner.dataset_files(rows))
        yield from ()

    def _kept(self, folders: list[str]) -> list[str]:
        """Folders without the first that said "training"."""
        dropped = next((place for place, folder in enumerate(folders) if folder in self._dropped), None)
        return folders if dropped is None else folders[:dropped] + folders[dropped + 1 :]

    def _folders_of_files(self) -> list[str]:
        """The folders of files that say something of many images and move with them."""
        return []

    def _placed(self, source: Source, path: str) -> str:
        return self._in_split(source.split or "", path)

    def _in_split(self, split: str, path: str) -> str:
        *folders, name = path.split("/")
        folders, above = self._kept(folders), len(self._shared)
        return "/".join((*folders[:above], split, *folders[above:], name))


class _LabelMeFolders(_Folders):
    """Folders whose label files name their images anew, since label files and images may be in different folders."""

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        return [
            (path, naming_image(file, path, data)) for path, data in super().label_files(source, file, labels, size_wh)
        ]


class _MetadataFolders(_Folders):
    """Folders called train, val and test, each with metadata of its own images."""

    def __init__(self, inner: Layout, sources: Sequence[Source]) -> None:
        assert isinstance(inner, ImageFolderLayout)
        self._inner = inner
        if inner.companions.copied or any(inner.own_label_files(source) for source in sources):
            _refuse(inner, "for metadata that names masks or other files beside the images")
        super().__init__(inner, sources)

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        if self._inner.lists is not None:
            self.leave_out(path for path, _ in self._inner.lists.written(rows))
        for split in SPLITS:
            if split in rows.splits:
                moved = copy(self._inner)
                moved.lists = None
                moved.files = [self._moved(file, split) for file in self._inner.files]
                yield from moved.dataset_files(rows.of_split(split))

    def _moved(self, file: Metadata, split: str) -> Metadata:
        """A metadata file in the folder of a split; it is written anew, as its other rows are in other files."""
        entry = replace(file.entry, path=self._in_split(split, file.entry.path))
        return replace(file, entry=entry, is_mended=True)

    def _folders_of_files(self) -> list[str]:
        return [parent(file.entry.path) for file in self._inner.files]


class _Datasets(_Folders):
    """A Supervisely project whose datasets become one for each split."""

    def __init__(self, inner: Layout, sources: Sequence[Source]) -> None:
        super().__init__(inner, sources)
        self._projects = {parent(entry.path) for entry in inner.shared_files()}
        places = ((source, image_folder_at(source.path)) for source in sources)
        self._datasets = {tuple(source.path.split("/")[:at]) for source, at in places if at is not None}
        for source in sources:
            if isinstance(source.labels, SuperviselyLabels) and "train" in map(split_named, source.labels.tags()):
                _refuse(inner, f"since a tag in {source.labels.file.path} says that it is for training")

    def _placed(self, source: Source, path: str) -> str:
        at = image_folder_at(source.path)
        if at is None:
            return super()._placed(source, path)
        folders, split = path.split("/"), source.split or ""
        home = folders[:at]
        if not home or "/".join(home) in self._projects:
            home = [*home, split]
        else:
            home[-1] = split if len(self._datasets) == 1 else f"{TRAINING.sub('', home[-1]) or 'ds'}_{split}"
        return "/".join((*home, *folders[at:]))


class _YoloLists(_SplitLayout):
    """Files stay where they are; data.yaml names a list of images for each split."""

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        files = list(self.inner.dataset_files(rows))
        yamls = {path: b"".join(pieces) for path, pieces in files if path.lower().endswith((".yaml", ".yml"))}
        described = yamls or {"data.yaml": self._names(rows).encode()}
        anew = {posixpath.join(parent(path), f"{split}.txt") for path in described for split in rows.splits}
        self.leave_out(path for path, _ in files if path not in yamls and path not in anew)
        for path, text in described.items():
            content = load_yaml(text.decode())
            for split in SPLITS:
                content.pop(split, None)
                lines = list(image_lines(rows, split, parent(path), {parent(other) for other in yamls}))
                if lines:
                    content[split] = f"{split}.txt"
                    yield posixpath.join(parent(path), f"{split}.txt"), lines
            if val_is_train := "val" not in content:
                content["val"] = content.get("train", "train.txt")
                self.losses.setdefault(NO_VALIDATION)
            yield path, [data_yaml(content, val_is_train).encode()]

    def _names(self, rows: ImageRows) -> str:
        """The start of data.yaml for a set whose classes are named elsewhere, or only numbered."""
        names = self.class_names()
        if not names:
            known = conversion_of(self.inner, rows.sources, with_classes=True).class_names
            last = max((int(name) for name in known if name.isdigit()), default=0)
            names = [str(number) for number in range(last + 1)]
        return data_yaml({"names": dict(enumerate(names))}, val_is_train=False)


class _CocoFiles(_SplitLayout):
    """Images stay where they are; each JSON file becomes one for each split."""

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        assert isinstance(self.inner, CocoLayout)
        lists = {path for path, _ in self.inner.lists.written(rows)}
        self.leave_out(lists)
        for split in SPLITS:
            if split in rows.splits:
                for path, pieces in self.inner.dataset_files(rows.of_split(split)):
                    if path not in lists:
                        yield named_for(path, split), pieces


class _ListedFiles(_SplitLayout):
    """Images stay where they are; each label file becomes one for each split.

    Images that no label file lists are in lists of images.
    """

    def __init__(self, inner: Layout, sources: Sequence[Source]) -> None:
        super().__init__(inner, sources)
        assert isinstance(inner, ListedLayout)
        self._paths = {entry.path for entry in inner.entries}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        some_unlisted = any(source.labels is None for source in rows.sources)
        for split in SPLITS:
            if split in rows.splits:
                others = []
                for path, pieces in self.inner.dataset_files(rows.of_split(split)):
                    if path in self._paths:
                        yield named_for(path, split), pieces
                    else:
                        others.append(path)
                self.leave_out(others)
                if some_unlisted:
                    yield f"{split}.txt", image_lines(rows, split, "", ())


class _VocLists(_SplitLayout):
    """Files stay where they are; ImageSets/Main gets a list for each split."""

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        folders = {parent(row.file) for row in rows.originals()} or {parent(row.file) for row in rows.variations()}
        for source in rows.sources:
            folders.update(parent(entry.path) for entry in self.own_label_files(source))
        home = posixpath.commonpath(folders) if folders and "" not in folders else ""
        lists = {posixpath.join(home, "ImageSets/Main", f"{split}.txt"): split for split in SPLITS}
        assert isinstance(self.inner, VocLayout)
        self.leave_out(path for path, _ in self.inner.others.written(rows))
        own = self.inner.lists.written(rows)
        yield from ((path, pieces) for path, pieces in own if path not in lists)
        for path, split in lists.items():
            if split in rows.splits:
                yield path, (f"{PurePosixPath(row.file).stem}\n".encode() for row in rows_of_split(rows, split))
