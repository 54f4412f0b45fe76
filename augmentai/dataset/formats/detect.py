"""Which layout a set of files has: the first that fits, or the one that was asked for."""

from __future__ import annotations

from collections.abc import Callable

from augmentai.dataset.formats.base import ImageInfo, Layout
from augmentai.dataset.formats.coco.dataset import read_coco
from augmentai.dataset.formats.folders import read_folders
from augmentai.dataset.formats.imagefolder.dataset import read_imagefolder
from augmentai.dataset.formats.masks import read_masks
from augmentai.dataset.formats.voc.dataset import read_voc
from augmentai.dataset.formats.yolo.dataset import read_yolo
from augmentai.dataset.readers.file_tree import Tree
from augmentai.types import Failure

# In this order: a set that says so itself (data.yaml, COCO's JSON) comes before one that is told from its names.
_READERS: dict[str, Callable[[Tree, bool], Layout | None]] = {
    "yolo": read_yolo,
    "coco": read_coco,
    "voc": read_voc,
    "imagefolder": read_imagefolder,
    "masks": read_masks,
}
_EXPECTED = {
    "yolo": "data.yaml with names, or a .txt file for each picture in a labels folder or beside it",
    "coco": "a .json file with images, annotations and categories",
    "voc": "an .xml file for each picture in an Annotations folder or beside it",
    "masks": "a PNG of the same stem for each picture, beside it or in a masks folder",
    "imagefolder": "metadata.csv or metadata.jsonl with file_name, beside the pictures",
}


def recognise(tree: Tree, wanted: str = "auto") -> Layout:
    """The layout of a set. wanted: one of `recipe.LAYOUTS`; "auto" takes the first that fits.

    Where a layout was asked for and nothing fits it, its failures say so, and no picture is taken.
    """
    if not tree.pictures or wanted == "folders":
        return read_folders(tree)
    if wanted != "auto":
        layout = _READERS[wanted](tree, True)
        if layout is None:
            layout = Layout()
            layout.hidden = {entry.key for entry in tree.pictures}
            layout.failures.append(Failure("the set", f"it is no {wanted} set; expected {_EXPECTED[wanted]}"))
        return _without_lone_splits(layout)
    for read in _READERS.values():
        layout = read(tree, False)
        if layout is not None:
            return _without_lone_splits(layout)
    return _without_lone_splits(read_folders(tree))


def _without_lone_splits(layout: Layout) -> Layout:
    """Where nothing is for training there is nothing to keep apart: every picture may be varied, and that is said."""
    splits = {known.split for known in layout.known.values()}
    if splits <= {None} or "train" in splits:
        return layout
    named = " and ".join(sorted(split for split in splits if split))
    layout.notices.append(f"the set names {named} pictures and none for training; all of them are varied")
    layout.known = {key: ImageInfo(known.label, None, known.labels) for key, known in layout.known.items()}
    return layout
