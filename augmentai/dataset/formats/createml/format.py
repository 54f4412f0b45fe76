"""CreateML as a registered format."""

from __future__ import annotations

from augmentai.dataset.file_tree import Tree
from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.createml.codec import open_createml
from augmentai.dataset.formats.createml.writer import CreateMlWriter
from augmentai.dataset.formats.listed.layout import ListedLayout, read_listed


def read_createml(tree: Tree, requested: bool) -> ListedLayout | None:
    """The set as CreateML's, or None if it has no such JSON file."""
    return read_listed(tree, requested, (".json",), open_createml, ListedLayout())


CREATEML = Format(
    name="createml",
    title="CreateML",
    hint="a .json file with a list of image and annotations, as _annotations.createml.json",
    detect=read_createml,
    writer=CreateMlWriter,
    label_suffixes=(".json",),
)
