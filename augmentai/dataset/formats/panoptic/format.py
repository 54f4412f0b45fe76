"""COCO panoptic as a registered format: read as COCO is, and written from any labelled set."""

from __future__ import annotations

from augmentai.dataset.file_tree import Tree
from augmentai.dataset.formats.base import Format, Layout
from augmentai.dataset.formats.coco.dataset import CocoLayout
from augmentai.dataset.formats.coco.read import read_coco
from augmentai.dataset.formats.panoptic.writer import PanopticWriter


def read_panoptic(tree: Tree, requested: bool) -> Layout | None:
    """The set as COCO's if this format was asked for and it has segments; else it is recognised as COCO."""
    layout = read_coco(tree, requested) if requested else None
    return layout if layout is not None and (layout.has_segments or layout.failures) else None


PANOPTIC = Format(
    name="panoptic",
    title="COCO panoptic",
    hint="a .json file with segments_info for each image, and a PNG of them; recognised as coco",
    detect=read_panoptic,
    part=CocoLayout,
    writer=PanopticWriter,
    label_suffixes=(".json",),
)
