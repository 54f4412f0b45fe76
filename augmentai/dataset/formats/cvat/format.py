"""CVAT as a registered format."""

from __future__ import annotations

from augmentai.dataset.file_tree import Tree
from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.cvat.codec import open_cvat
from augmentai.dataset.formats.cvat.writer import CvatWriter
from augmentai.dataset.formats.listed.layout import ListedLayout, read_listed


def read_cvat(tree: Tree, requested: bool) -> ListedLayout | None:
    """The set as CVAT's, or None if it has no such XML file."""
    return read_listed(tree, requested, (".xml",), open_cvat, ListedLayout())


CVAT = Format(
    name="cvat",
    title="CVAT",
    hint="an .xml file with <annotations> and an <image> for each image (CVAT for images 1.1)",
    detect=read_cvat,
    writer=CvatWriter,
    label_suffixes=(".xml",),
)
