"""A VIA set: its JSON and CSV files, and the file of attributes beside them."""

from __future__ import annotations

from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.listed.codec import Codec
from augmentai.dataset.formats.listed.layout import ListedLayout, read_listed
from augmentai.dataset.formats.via.attributes import attributes_in, classes_in_attributes
from augmentai.dataset.formats.via.csv_codec import open_via_csv
from augmentai.dataset.formats.via.json_codec import ViaJsonCodec, open_via_json


class ViaLayout(ListedLayout):
    """A VIA set. attributes: the files that list attributes and nothing else, with what they say."""

    def __init__(self, attributes: list[tuple[Entry, object]]) -> None:
        super().__init__()
        self.attributes = attributes

    def declared_classes(self) -> list[str]:
        projects = (codec.attributes() for codec in self.codecs if isinstance(codec, ViaJsonCodec))
        contents = [content for _, content in self.attributes]
        return list(dict.fromkeys(name for one in (*contents, *projects) for name in classes_in_attributes(one)))

    def shared_files(self) -> list[Entry]:
        return [entry for entry, _ in self.attributes]


def read_via(tree: Tree, requested: bool) -> ViaLayout | None:
    """The set as VIA's, or None if it has no JSON or CSV file of it."""
    named = [entry for entry in tree.sidecars_ending(".json") if "attribute" in entry.path.casefold()]
    found = [(entry, content) for entry in named if (content := attributes_in(entry)) is not None]
    layout = ViaLayout(found)
    if read_listed(tree, requested, (".json", ".csv"), _open, layout) is None:
        return None
    layout.label_paths |= {entry.path for entry, _ in found}
    return layout


def _open(entry: Entry) -> Codec | None:
    return open_via_csv(entry) if entry.path.lower().endswith(".csv") else open_via_json(entry)
