"""VIA as a registered format."""

from __future__ import annotations

from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.listed.codec import Codec
from augmentai.dataset.formats.listed.layout import ListedLayout, read_listed
from augmentai.dataset.formats.via.csv_codec import open_via_csv
from augmentai.dataset.formats.via.json_codec import open_via_json
from augmentai.dataset.formats.via.writer import ViaWriter


def read_via(tree: Tree, requested: bool) -> ListedLayout | None:
    """The set as VIA's, or None if it has no JSON or CSV file of it."""
    return read_listed(tree, requested, (".json", ".csv"), _open, ListedLayout())


def _open(entry: Entry) -> Codec | None:
    return open_via_csv(entry) if entry.path.lower().endswith(".csv") else open_via_json(entry)


VIA = Format(
    name="via",
    title="VGG Image Annotator (VIA)",
    hint="a .json or .csv file of VIA, with regions and their shape_attributes for each image",
    detect=read_via,
    writer=ViaWriter,
    label_suffixes=(".json", ".csv"),
)
