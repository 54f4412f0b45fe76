"""A YOLO set: data.yaml, the label file and split of each image, and all of it written again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError, LabelReader, Labels
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageInfo, ImageKey, Layout, OutputFile, PackedLabels, StreamedFiles
from augmentai.dataset.formats.captions import is_caption
from augmentai.dataset.formats.image_list import ImagePaths
from augmentai.dataset.formats.keypoint_order import Skeleton
from augmentai.dataset.formats.split_claims import SplitClaims
from augmentai.dataset.formats.split_lists import SplitLists, read_split_lists
from augmentai.dataset.formats.splits import split_of
from augmentai.dataset.formats.yolo.annotation import YoloLabels, shape_to_yolo
from augmentai.dataset.formats.yolo.classes import Classes, classes_from_json, classes_from_list
from augmentai.dataset.formats.yolo.darknet import read_darknet
from augmentai.dataset.formats.yolo.data_yaml import read_data_yamls
from augmentai.dataset.formats.yolo.label_index import LabelIndex, label_path, usual_label_path
from augmentai.dataset.formats.yolo.label_kind import LabelKind, kind_of_labels
from augmentai.dataset.formats.yolo.set_file import SetFile, folders_above
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_NAME_FILES = ("classes.txt", "labels.txt", "_darknet.labels")  # and every file that ends in .names


class YoloLayout(Layout):
    """A YOLO set.

    Args:
        set_files: its data.yaml, or darknet's obj.data; several if the set holds several.
        names: files that name the classes, one per line.

    Attributes:
        lists: lists of images that no such file names, such as train.txt; known once the set is read.
    """

    def __init__(self, set_files: Sequence[SetFile], names: list[Entry]) -> None:
        super().__init__()
        self.set_files, self.names = set_files, names
        self.lists: SplitLists | None = None
        self.label_paths |= {one.entry.path for one in set_files} | {entry.path for entry in names}
        self.label_paths |= {entry.path for one in set_files for entry, _ in one.lists}

    def class_names(self) -> list[str]:
        classes = [one.classes for one in self.set_files] or [_listed_names(entry, []) for entry in self.names[:1]]
        return list(dict.fromkeys(one.names[number] for one in classes for number in sorted(one.names)))

    def skeletons(self) -> Mapping[str, Skeleton]:
        classes = [one.classes for one in self.set_files if one.classes.keypoints]
        return {
            name: Skeleton(one.keypoint_names.get(number, ()), one.flip_order)
            for one in classes
            for number, name in one.names.items()
        }

    def own_label_files(self, source: Source) -> list[Entry]:
        reader = source.labels
        return [reader.text] if isinstance(reader, YoloLabels) and reader.text is not None else []

    def shared_files(self) -> list[Entry]:
        return self.names

    def packed(self, reader: LabelReader) -> PackedLabels | None:
        if not isinstance(reader, YoloLabels):
            return None
        return PackedLabels(() if reader.text is None else (reader.text,), reader.classes.as_json())

    def unpacked(self, image: Entry, labels: PackedLabels) -> LabelReader:
        return YoloLabels(image, labels.files[0] if labels.files else None, classes_from_json(labels.shared))

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        reader = source.labels
        if labels is None or not isinstance(reader, YoloLabels) or (reader.text is None and not labels.shapes):
            return []
        path = label_path(reader.text, source.path, file) if reader.text is not None else usual_label_path(file)
        polygons = any(shape.polygons for shape in labels.shapes)
        lines = [line for shape in labels.shapes for line in shape_to_yolo(shape, reader.classes, size_wh, polygons)]
        return [(path, "".join(line + "\n" for line in lines).encode())]

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for one in self.set_files:
            yield one.entry.path, [one.text(rows, self.losses).encode()]
            yield from one.written_lists(rows)
        if self.lists is not None:
            yield from self.lists.written(rows, leads_to_files=True)


def read_yolo(tree: Tree, requested: bool) -> YoloLayout | None:
    """The set as YOLO's, or None if it does not look like one."""
    failures: list[Failure] = []
    set_files: list[SetFile] = [*read_data_yamls(tree, failures, requested), *read_darknet(tree, failures)]
    index = LabelIndex(tree)
    texts = _without_captions({entry: index.find(entry) for entry in tree.images})
    kind = kind_of_labels([entry for entry in texts.values() if entry is not None])
    if not set_files and not kind.is_yolo:
        return None
    layout = YoloLayout(set_files, _name_files(tree, set_files))
    layout.failures += failures
    layout.notices += _keypoint_notices(set_files, kind)
    _add_images(layout, tree, texts, kind)
    return layout


def _without_captions(texts: Mapping[Entry, Entry | None]) -> dict[ImageKey, Entry | None]:
    """The label file of each image. A text beside one is none if it is a caption and other labels are elsewhere."""
    beside = {image for image, text in texts.items() if text is not None and parent(text.path) == parent(image.path)}
    if len(beside) < sum(text is not None for text in texts.values()):
        texts = {
            image: None if text and image in beside and is_caption(text) else text for image, text in texts.items()
        }
    return {image.key: text for image, text in texts.items()}


def _keypoint_notices(set_files: Sequence[SetFile], kind: LabelKind) -> list[str]:
    """What the user should know about poses."""
    notices = []
    poses = [one for one in set_files if one.classes.keypoints]
    if kind.keypoints and not poses:
        notices.append(
            f"the label files are read as poses of {kind.keypoints} keypoints, though nothing says so; add "
            f"kpt_shape: [{kind.keypoints}, {kind.dimensions}] to data.yaml, which Ultralytics needs as well"
        )
    if any(not one.classes.flip_order for one in poses) or (kind.keypoints > 1 and not poses):
        notices.append(
            "images with keypoints are never flipped, since data.yaml has no valid flip_idx that says which left and "
            "right ones change places"
        )
    return notices


def _name_files(tree: Tree, set_files: Sequence[SetFile]) -> list[Entry]:
    """The files that name the classes, those that obj.data or data.yaml names first."""
    named = {one.names.path: one.names for one in set_files if one.names is not None}
    for entry in tree.sidecars_ending(".names", *_NAME_FILES):
        if PurePosixPath(entry.path).suffix.casefold() == ".names" or PurePosixPath(entry.path).name in _NAME_FILES:
            named.setdefault(entry.path, entry)
    return list(named.values())


def _add_images(layout: YoloLayout, tree: Tree, texts: dict[tuple[str, str], Entry | None], kind: LabelKind) -> None:
    """Everything that is known of each image."""
    set_files = layout.set_files
    layout.label_paths |= {text.path for text in texts.values() if text is not None}
    layout.lists = read_split_lists(tree, layout.label_paths)
    layout.label_paths |= {entry.path for entry in layout.lists.entries}
    layout.notices += layout.lists.notices
    claims = _claims(layout, tree, layout.lists)
    layout.notices += claims.notices
    classes = [kind.applied_to(one.classes) for one in set_files]
    listed_names = {
        parent(entry.path): kind.applied_to(_listed_names(entry, layout.failures)) for entry in reversed(layout.names)
    }
    unnamed = kind.applied_to(Classes({}))
    nearest_set, nearest_list = _Nearest([one.folder for one in set_files]), _Nearest(list(listed_names))
    listed = list(listed_names.values())
    for entry in tree.images:
        text = texts[entry.key]
        index = nearest_set.of(entry.path)
        if index is not None and classes[index].names:
            found = classes[index]
        else:
            nearest = nearest_list.of(text.path if text else entry.path)
            found = listed[nearest] if nearest is not None else unnamed
        split = claims.of(entry.key)
        if split is None:
            split = layout.lists.of(entry.path)
            is_elsewhere = index is not None and set_files[index].names_training  # such as "runs/detect/train"
            if split == "train" and is_elsewhere and not layout.lists.lists(entry.path):
                split = None
        layout.images[entry.key] = ImageInfo(None, split, YoloLabels(entry, text, found))


def _claims(layout: YoloLayout, tree: Tree, lists: SplitLists) -> SplitClaims:
    """What the files of the set and lists beside them say of the split of each image."""
    set_files = layout.set_files
    paths = ImagePaths(entry.path for entry in tree.images)
    listed = [one.splits_listed(paths, layout.failures, layout.notices) for one in set_files]
    claims = SplitClaims("list")
    in_folder: dict[str, list[tuple[SetFile, dict[str, set[str]]]]] = defaultdict(list)
    for one, splits in zip(set_files, listed, strict=True):
        in_folder[one.folder].append((one, splits))
    nearest = _Nearest([one.folder for one in set_files])
    for entry in tree.images:
        index = nearest.of(entry.path)
        for one, splits in in_folder[set_files[index].folder] if index is not None else ():
            for split in sorted(one.splits_of(entry.path, splits)):
                claims.add(entry.key, split, entry.path)
        of_list = lists.listed(entry.path)
        if of_list is not None:
            claims.add(entry.key, of_list, entry.path)
    claims.settle()
    claims.hold_out({entry.key: split_of(entry.path, lists.folders) for entry in tree.images})
    return claims


def _listed_names(entry: Entry, failures: list[Failure]) -> Classes:
    """The classes of a file with one name per line; none if it cannot be read, which is reported."""
    try:
        return classes_from_list(entry)
    except LabelError as error:
        failures.append(Failure(entry.path, str(error)))
        return Classes({})


class _Nearest:
    """Which of some folders contains a path most closely; if there is only one, that one in any case."""

    def __init__(self, folders: list[str]) -> None:
        self._positions = {folder: len(folders) - 1 - back for back, folder in enumerate(reversed(folders))}
        self._only = 0 if len(folders) == 1 else None

    def of(self, path: str) -> int | None:
        """Its position; None if none contains it."""
        found = (self._positions[folder] for folder in folders_above(path) if folder in self._positions)
        return next(found, self._only)
