"""Masks that only a table pairs with their images: they move with them, and the table gains the variations."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.formats.masks.dataset import MaskLabels
from tests.support.labelled_sets import Files, augmented, contents, gathered, write
from tests.support.mask_sets import in_file, mask_of, painted

PHOTOS: Files = {f"scans/{'xyz'[i]}.jpg": in_file(painted(i), "a.jpg") for i in range(3)}
DRAWN: Files = {f"drawn/k{9 - i}.png": in_file(mask_of(value=i + 1), "a.png") for i in range(3)}
PAIRS = [(f"scans/{'xyz'[i]}.jpg", f"drawn/k{9 - i}.png") for i in range(3)]
MADE = [(f"scans/{'xyz'[i]}__v1.jpg", f"drawn/k{9 - i}__scans_{'xyz'[i]}__v1.png") for i in range(3)]


def lines(separator: str, *head: str) -> bytes:
    return "\n".join([*head, *(separator.join(pair) for pair in PAIRS)]).encode()


def bare(path: str) -> str:
    return Path(path).name


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


# (name of the table, its content)
TABLES: dict[str, tuple[str, bytes]] = {
    "CSV with a header": ("pairs.csv", lines(",", "image,mask")),
    "CSV of other columns": (
        "index.csv",
        "\n".join(["id,x,y", *(f"{i},{a},{b}" for i, (a, b) in enumerate(PAIRS))]).encode(),
    ),
    "masks first": ("pairs.csv", "\n".join(["mask;image", *(f"{b};{a}" for a, b in PAIRS)]).encode()),
    "CSV without a header": ("pairs.csv", lines(",")),
    "TSV": ("pairs.tsv", lines("\t", "image\tmask")),
    "names alone": ("pairs.csv", "\n".join(["image,mask", *(f"{bare(a)},{bare(b)}" for a, b in PAIRS)]).encode()),
    "lines of text": ("pairs.txt", lines(" ")),
    "a training list": ("train.txt", lines(" ")),
    "named as a split": ("train.csv", lines(",", "image,mask")),
    "JSON of objects": ("pairs.json", as_json([{"id": i, "image": a, "mask": b} for i, (a, b) in enumerate(PAIRS)])),
    "JSON below a key": ("pairs.json", as_json({"version": 1, "data": [{"img": a, "gt": b} for a, b in PAIRS]})),
    "JSON of pairs": ("pairs.json", as_json([list(pair) for pair in PAIRS])),
    "JSON by image": ("pairs.json", as_json(dict(PAIRS))),
    "JSON by image, deeper": ("pairs.json", as_json({a: {"mask": b, "view": 2} for a, b in PAIRS})),
    "JSON lines": ("pairs.jsonl", b"\n".join(as_json({"image": a, "mask": b}) for a, b in PAIRS)),
}


@pytest.mark.parametrize(("name", "table"), TABLES.values(), ids=TABLES)
def test_masks_that_a_table_names_move_with_their_images(name: str, table: bytes, tmp_path: Path) -> None:
    given = write(tmp_path / "in", PHOTOS | DRAWN | {name: table})
    job = augmented([given], tmp_path / "out", variations=1, geometry="light")
    assert job.gathered.layout.name == "masks"
    assert not job.gathered.notices
    written = contents(tmp_path / "out")
    assert written.keys() == {*PHOTOS, *DRAWN, name, *(path for pair in MADE for path in pair)}
    text = written[name].decode()
    for image, mask in (*PAIRS, *MADE):
        assert text.count(bare(image)) == 1
        assert text.count(bare(mask)) == 1
    again = gathered(tmp_path / "out")
    assert not again.unread_labels.kinds
    pairs = {}
    for source in again.sources:
        assert isinstance(source.labels, MaskLabels)
        pairs[source.path] = source.labels.masks[0].entry.path
    assert pairs == dict(PAIRS + MADE)


def test_other_columns_stay(tmp_path: Path) -> None:
    rows = ["image,mask,site", *(f"{a},{b},north" for a, b in PAIRS)]
    augmented(
        [write(tmp_path / "in", PHOTOS | DRAWN | {"pairs.csv": "\n".join(rows).encode()})],
        tmp_path / "out",
        variations=1,
    )
    with (tmp_path / "out/pairs.csv").open() as stream:
        assert list(csv.reader(stream)) == [
            ["image", "mask", "site"],
            *([*pair, "north"] for both in zip(PAIRS, MADE, strict=True) for pair in both),
        ]


def test_a_table_of_outlines_is_not_carried(tmp_path: Path) -> None:
    """The masks still belong to their images; the table is named."""
    rows = ["image,mask,polygon", *(f'{a},{b},"[1, 2, 3, 4]"' for a, b in PAIRS)]
    found = gathered(write(tmp_path / "in", PHOTOS | DRAWN | {"pairs.csv": "\n".join(rows).encode()}))
    assert {source.path for source in found.sources} == PHOTOS.keys()
    assert [kind.files for kind in found.unread_labels.kinds] == [("pairs.csv",)]


def test_masks_that_the_table_leaves_out_are_not_images(tmp_path: Path) -> None:
    files = PHOTOS | DRAWN | {"drawn/k1.png": in_file(mask_of(), "a.png"), "pairs.csv": lines(",", "image,mask")}
    found = gathered(write(tmp_path / "in", files))
    assert {source.path for source in found.sources} == PHOTOS.keys()
    assert "drawn/k1.png: no image belongs to these masks; they are copied unchanged" in found.notices


# tables that pair nothing with a mask
OTHERS: dict[str, Files] = {
    "two photos": {f"b/{i}.jpg": in_file(painted(i + 5), "a.jpg") for i in range(3)}
    | {"pairs.csv": "\n".join(["before,after", *(f"scans/{'xyz'[i]}.jpg,b/{i}.jpg" for i in range(3))]).encode()},
    "one file": {"list.csv": "\n".join(["image,class", *(f"{a},cat" for a, _ in PAIRS)]).encode()},
}


@pytest.mark.parametrize("files", OTHERS.values(), ids=OTHERS)
def test_other_tables(files: Files, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", PHOTOS | files))
    assert found.layout.name == "folders"
