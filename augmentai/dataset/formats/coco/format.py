"""COCO as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.coco.dataset import CocoLayout
from augmentai.dataset.formats.coco.read import read_coco
from augmentai.dataset.formats.coco.writer import CocoWriter

COCO = Format(
    name="coco",
    title="COCO",
    hint="a .json file with images, annotations and categories",
    detect=read_coco,
    writer=CocoWriter,
    part=CocoLayout,
    label_suffixes=(".json",),
)
