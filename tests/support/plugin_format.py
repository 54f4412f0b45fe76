"""A package outside the tree with two dataset formats, as a stranger would write them from the documentation alone.

`lbl`: one .lbl file per image with lines "class x0 y0 x1 y1", by the helper for such formats. `boxtable`: one boxes.tsv
for the whole set, by the protocol itself.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.labelled_sets import IMAGES, Files, photo
from tests.support.plugin_package import write_package

MODULE = "strangers_formats"
FORMAT_POINTS = {"augmentai.formats": {"lbl": f"{MODULE}:LBL", "boxtable": f"{MODULE}:BOX_TABLE"}}
FORMATS = """
from dataclasses import dataclass

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.formats.base import Format, ImageInfo, Layout
from augmentai.dataset.formats.format_writer import ListingWriter
from augmentai.dataset.formats.sidecar import sidecar_format


def parse(text, size_wh):
    shapes = []
    for number, line in enumerate(text.splitlines(), 1):
        category, *corners = line.rsplit(maxsplit=4)
        if len(corners) != 4:
            raise ValueError(f"line {number}: expected a class and four corners")
        shapes.append(Shape(category, tuple(map(float, corners))))
    return Labels(tuple(shapes))


def render(labels, size_wh):
    return "".join(f"{one.category} {' '.join(f'{value:g}' for value in one.box)}\\n" for one in labels.shapes)


LBL = sidecar_format("lbl", "Label lines", ".lbl", parse, render)


@dataclass(frozen=True)
class RowLabels:
    rows: tuple

    def load(self):
        return Labels(tuple(Shape(category, tuple(map(float, corners))) for _, category, *corners in self.rows))


def table(rows):
    return "".join("\\t".join(map(str, row)) + "\\n" for row in rows).encode()


def rows_of(file, labels):
    return [(file, one.category, *(f"{value:g}" for value in one.box)) for one in labels.shapes]


class BoxTableLayout(Layout):
    def record(self, source, labels, size_wh):
        return [list(row[1:]) for row in rows_of("", labels)] if labels is not None else None

    def dataset_files(self, rows):
        lines = []
        for row in rows:
            own = row.source.labels.load()
            record = row.record if row.record is not None else self.record(row.source, own, None)
            lines += [(row.file, *values) for values in record]
        yield "boxes.tsv", [table(lines)]


class BoxTableWriter(ListingWriter):
    def record(self, source, labels, size_wh):
        return [list(row[1:]) for row in rows_of("", Labels(tuple(self.objects(source, labels))))]

    def dataset_files(self, rows):
        lines = [
            (row.file, *values)
            for split in (None, "train", "val", "test")
            for row, record in self.records(rows, split)
            for values in record
        ]
        yield "boxes.tsv", [table(lines)]


def read_box_table(tree, requested):
    entry = next(tree.sidecars_ending("boxes.tsv"), None)
    if entry is None:
        return None
    layout = BoxTableLayout()
    layout.label_paths = {entry.path}
    rows = [line.split("\\t") for line in entry.text().splitlines()]
    for image in tree.images:
        own = tuple(tuple(row) for row in rows if row[0] == image.path)
        split = next((part for part in image.path.split("/")[:-1] if part in ("train", "val", "test")), None)
        layout.images[image.key] = ImageInfo(None, split, RowLabels(own))
    return layout


BOX_TABLE = Format(
    name="boxtable",
    title="Box table",
    hint="a boxes.tsv",
    detect=read_box_table,
    writer=BoxTableWriter,
    label_suffixes=(".tsv",),
)
"""


def write_formats(folder: Path) -> Path:
    """The package with the formats `lbl` and `boxtable`, in a folder to import from."""
    return write_package(folder, MODULE, FORMATS, FORMAT_POINTS)


def lbl() -> Files:
    """The small set of `labelled_sets` in the format `lbl`; an image without objects has no label file."""
    files: Files = {}
    for split, stem, objects in IMAGES:
        files[f"{split}/{stem}.jpg"] = photo(objects)
        if objects:
            lines = [f"{name} {' '.join(map(str, corners))}\n" for name, *corners in objects]
            files[f"{split}/{stem}.lbl"] = "".join(lines).encode()
    return files


def box_table() -> Files:
    """The same set in the format `boxtable`."""
    files = {f"{split}/{stem}.jpg": photo(objects) for split, stem, objects in IMAGES}
    rows = [
        "\t".join(map(str, (f"{split}/{stem}.jpg", *one))) + "\n" for split, stem, objects in IMAGES for one in objects
    ]
    return files | {"boxes.tsv": "".join(rows).encode()}
