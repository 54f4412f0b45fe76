"""Formats with one text file per image: what two functions and a suffix make."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import Format, Layout
from augmentai.dataset.formats.sidecar import sidecar_format
from augmentai.types import Source
from tests.support.image_files import png


def parse(text: str, size_wh: tuple[int, int]) -> Labels:
    if text == "fail":
        raise RuntimeError("out of order")
    return Labels(tuple(Shape(name, (0, 0, *size_wh)) for name in text.split()))


def render(labels: Labels, size_wh: tuple[int, int]) -> str:
    return " ".join(shape.category for shape in labels.shapes if shape.category != "unwritable")


NAMES = sidecar_format("names", "Names", ".a.names", parse, render)


def tree_of(folder: Path, files: dict[str, bytes]) -> Tree:
    tree = Tree()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        entry = Entry(name, "", file=folder / name)
        if name.endswith(".png"):
            tree.images.append(entry)
        else:
            tree.add_sidecar(entry)
    return tree


def layout_of(folder: Path, files: dict[str, bytes], found: Format = NAMES) -> Layout:
    layout = found.detect(tree_of(folder, files), False)
    assert layout is not None
    return layout


def source_of(layout: Layout, path: str) -> Source:
    info = layout.images[path, ""]
    return Source(path, info.label, "0" * 64, 1, lambda: png((30, 20)), info.split, info.labels)


FILES = {
    "train/a.png": png((30, 20)),
    "train/a.a.names": b"cat dog",
    "train/b.png": png((30, 20)),
    "val/c.png": png((30, 20)),
}


def test_what_the_format_states() -> None:
    assert (NAMES.name, NAMES.title, NAMES.label_suffixes) == ("names", "Names", (".a.names",))
    assert NAMES.hint == "a .a.names file per image, beside it"


def test_labels_and_splits(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, FILES)
    assert {path: info.split for (path, _), info in layout.images.items()} == {
        "train/a.png": "train",
        "train/b.png": "train",
        "val/c.png": "val",
    }
    labelled, unlabelled = (layout.images[path, ""].labels for path in ("train/a.png", "train/b.png"))
    assert labelled is not None
    assert unlabelled is not None
    assert [(one.category, one.box) for one in labelled.load().shapes] == [
        ("cat", (0, 0, 30, 20)),
        ("dog", (0, 0, 30, 20)),
    ]
    assert unlabelled.load() == Labels()
    assert layout.label_paths == {"train/a.a.names"}


def test_label_files_of_variations(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, FILES)
    labels = Labels((Shape("dog", (1, 1, 2, 2)),))
    labelled, unlabelled = source_of(layout, "train/a.png"), source_of(layout, "train/b.png")
    assert [entry.path for entry in layout.own_label_files(labelled)] == ["train/a.a.names"]
    assert layout.label_files(labelled, "train/a__v1.png", labels, (30, 20)) == [("train/a__v1.a.names", b"dog")]
    assert layout.label_files(unlabelled, "train/b__v1.png", Labels(), (30, 20)) == []


@pytest.mark.parametrize("requested", [True, False])
def test_without_any_label_file_the_set_is_not_in_the_format(tmp_path: Path, requested: bool) -> None:
    images = {name: data for name, data in FILES.items() if name.endswith(".png")}
    assert NAMES.detect(tree_of(tmp_path, images), requested) is None


def test_files_that_cannot_be_parsed_are_accepted_only_if_asked_for(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, FILES | {"train/a.a.names": b"fail"})
    assert NAMES.detect(tree, False) is None
    layout = NAMES.detect(tree, True)
    assert layout is not None
    reader = layout.images["train/a.png", ""].labels
    assert reader is not None
    with pytest.raises(LabelError, match=r"train/a\.a\.names: RuntimeError: out of order"):
        reader.load()


def test_objects_that_are_not_written_are_reported(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, FILES | {"train/a.a.names": b"cat unwritable"})
    assert NAMES.writer is not None
    source = source_of(layout, "train/a.png")
    writer = NAMES.writer(layout, [source])
    assert source.labels is not None
    path = writer.image_path(source)
    assert writer.label_files(source, path, source.labels.load(), (30, 20)) == [("train/a.a.names", b"cat")]
    assert list(writer.losses) == ["some objects were left out: Names cannot hold them"]
