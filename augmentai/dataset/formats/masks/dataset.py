"""Images with masks: a set of them, and its masks written again with the variations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL.Image import Image

from augmentai.annotations import LabelReader, Labels
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageInfo, Layout, OutputFile, PackedLabels, StreamedFiles
from augmentai.dataset.formats.declared_classes import classes_in_files
from augmentai.dataset.formats.folders import FolderClasses
from augmentai.dataset.formats.guarded_load import guarded
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.masks.class_files import class_files, class_names
from augmentai.dataset.formats.masks.mask_file import (
    LoadedMask,
    MaskFile,
    instance_masks,
    masks_from_json,
    names_as_json,
)
from augmentai.dataset.formats.masks.names import Role, read_folder, says_all
from augmentai.dataset.formats.masks.pair_lists import with_own_masks
from augmentai.dataset.formats.masks.pair_tables import PairTable
from augmentai.dataset.formats.masks.polygon_files import PolygonFile, polygon_file
from augmentai.dataset.formats.masks.recognition import FoundMasks, find_masks
from augmentai.dataset.formats.split_lists import SplitLists, read_split_lists
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


@dataclass(frozen=True, slots=True)
class MaskLabels:
    """Reads the masks of one image.

    Attributes:
        masks: classes before instances.
        instances: each mask shows one object.
        visualizations: files that show these labels and are copied with the image.
        polygons: the outlines that the masks were drawn from, if the set has them.
        class_names: what the set calls values ("3") and colours ("#ff0000").
    """

    image: Entry
    masks: tuple[MaskFile, ...]
    instances: bool = False
    visualizations: tuple[Entry, ...] = ()
    class_names: Mapping[str, str] = field(default_factory=dict)
    polygons: PolygonFile | None = None

    def read(self) -> list[LoadedMask]:
        """The masks, with what is needed to write them again."""
        frame = image_frame(self.image) if self.masks else None
        return [mask.read(frame) for mask in self.masks if frame is not None]

    @guarded
    def load(self) -> Labels:
        images = [mask.image for mask in self.read()]
        extra = {"instances": self.instances, "class_names": self.class_names, **instance_masks(self.masks)}
        shapes = self.polygons.shapes() if self.polygons is not None else ()
        return Labels(shapes, images[0] if images else None, tuple(images[1:]), extra=extra)


class MaskLayout(Layout):
    """Images with masks.

    Attributes:
        class_files: those that name the classes.
        tables: those that name the mask of each image.
    """

    unnamed_objects = True

    def __init__(self, lists: SplitLists | None = None) -> None:
        super().__init__()
        self.class_files: list[Entry] = []
        self.tables: list[PairTable] = []
        self._lists = lists
        if lists is not None:
            self.label_paths |= {entry.path for entry in lists.entries}
            self.notices += lists.notices

    def declared_classes(self) -> list[str]:
        return classes_in_files(self.class_files)

    def shared_files(self) -> list[Entry]:
        return self.class_files

    def packed(self, reader: LabelReader) -> PackedLabels | None:
        """Of the files that show an image's labels nothing is needed: they are copied with the original alone."""
        if not isinstance(reader, MaskLabels):
            return None
        named = [*reader.masks, *([reader.polygons.name] if reader.polygons is not None else [])]
        own = {"files": names_as_json(named), "masks": len(reader.masks), "instances": reader.instances}
        return PackedLabels(tuple(one.entry for one in named), {"class_names": dict(reader.class_names)}, own)

    def unpacked(self, image: Entry, labels: PackedLabels) -> LabelReader:
        named, count = masks_from_json(labels.own["files"], labels.files), labels.own["masks"]
        polygons = PolygonFile(named[count]) if len(named) > count else None
        names = labels.shared["class_names"]
        return MaskLabels(image, named[:count], labels.own["instances"], (), names, polygons)

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        if self._lists is not None:
            for path, lines in self._lists.written(rows):
                yield path, with_own_masks(lines, parent(path), rows)
        lists = {entry.path for entry in self._lists.entries} if self._lists is not None else set()
        for table in self.tables:
            if table.is_carried and table.entry.path not in lists:
                yield table.entry.path, table.written(rows)

    def own_label_files(self, source: Source) -> list[Entry]:
        if not isinstance(source.labels, MaskLabels):
            return []
        reader = source.labels
        polygons = [reader.polygons.entry] if reader.polygons is not None else []
        return [*(mask.entry for mask in reader.masks), *polygons, *reader.visualizations]

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None or labels.mask is None or not isinstance(source.labels, MaskLabels):
            return []
        files = written_masks(source.labels, file, (labels.mask, *labels.other_masks), self.losses)
        if source.labels.polygons is not None:
            files.append(source.labels.polygons.file_for(file, labels, size_wh))
        return files


def written_masks(reader: MaskLabels, file: str, bitmaps: Sequence[Image], losses: dict[str, None]) -> list[OutputFile]:
    """The masks of a variation as files.

    Args:
        reader: of its source.
        file: the path of the variation.
        bitmaps: its masks, in the reader's order.
        losses: notices of what cannot be kept; more are added here.
    """
    frame = image_frame(reader.image)
    files = []
    for mask, loaded, bitmap in zip(reader.masks, reader.read(), bitmaps, strict=True):
        if not loaded.is_settled:
            losses.setdefault(
                f"{mask.entry.path} is lossy, and its classes cannot be distinguished; its values are moved unchanged"
            )
        files.append(mask.file_for(file, bitmap, frame, loaded))
    return files


def read_masks(tree: Tree, requested: bool) -> MaskLayout | None:
    """The set as images with masks, or None if it has no masks that match images."""
    found = find_masks(tree, requested)
    if not found.masks and not found.maps:
        return None
    images = [entry for entry in tree.images if entry.key not in found.excluded]
    lists = read_split_lists(Tree(images, tree.sidecars))
    layout = MaskLayout(lists)
    layout.excluded = found.excluded
    layout.orphans = found.orphans
    layout.class_files = class_files(tree)
    layout.label_paths |= {entry.path for entry in layout.class_files}
    names = class_names(layout.class_files)
    layout.tables = found.tables
    layout.label_paths |= {table.entry.path for table in found.tables if table.is_carried}
    layout.notices += found.notices
    mask_splits = _splits_of_masks(found)
    classes = FolderClasses({_without_image_folders(f"{one}/x")[:-2]: split for one, split in lists.folders.items()})
    for entry in images:
        masks = found.masks.get(entry.key, ())
        shown = found.visualizations.get(entry.key, ())
        polygons = polygon_file(tree, masks)
        if polygons is not None:
            layout.label_paths.add(polygons.entry.path)
        is_labelled = masks or shown
        instances = entry.key in found.instances
        labels = MaskLabels(entry, masks, instances, shown, names, polygons) if is_labelled else None
        split = lists.of(entry.path) or mask_splits.get(entry.key)
        layout.images[entry.key] = ImageInfo(_class(entry.path, classes), split, labels)
    return layout


def _splits_of_masks(found: FoundMasks) -> dict[tuple[str, str], str]:
    """The split of each image whose masks are in a folder of a split, if one of these folders is for training."""
    named = {
        key: split for key, masks in found.masks.items() if (split := read_folder(parent(masks[0].entry.path)).split)
    }
    return named if "train" in named.values() else {}


def _class(path: str, classes: FolderClasses) -> str | None:
    """The class folder of an image; a folder called "images" is not a class, nor is the image's own folder."""
    label = classes.of(_without_image_folders(path))
    own = path.rpartition("/")[2].rpartition(".")[0]
    is_own = label is not None and label.casefold() == own.casefold()
    return None if is_own or says_all(own) is Role.IMAGE else label  # "sample_7/image.png" has a folder of its own


def _without_image_folders(path: str) -> str:
    *folders, name = path.split("/")
    return "/".join([*(one for one in folders if read_folder(one).role is not Role.IMAGE), name])
