"""The built-in formats as the registry has them, and what each states of itself."""

from __future__ import annotations

import re

import pytest

from augmentai.dataset.formats import BUILT_IN
from augmentai.dataset.formats.detect import format_named, is_label_file, usable_formats
from augmentai.settings import ROOT

DOCS = ROOT / "docs" / "datasets.md"


def rows_of(heading: str) -> dict[str, str]:
    """{format: second column} of the table of docs/datasets.md with this heading."""
    table = DOCS.read_text("utf-8").split(f"| {heading} |")[1].split("\n\n")[0]
    rows = (line.split(" | ") for line in table.splitlines() if line.startswith("| `"))
    return {row[0].strip("|` "): row[1].replace("`", "").strip() for row in rows}


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_format_is_registered_under_its_name(name: str) -> None:
    found = format_named(name)
    assert found.name == name
    assert re.fullmatch(r"[a-z]+", name)
    assert found.title
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in found.label_suffixes)


def test_all_can_be_used_and_class_folders_are_asked_last() -> None:
    formats, reasons = usable_formats()
    assert not reasons
    assert [one.name for one in formats] == [
        "yolo",
        "coco",
        "panoptic",
        "voc",
        "imagefolder",
        "createml",
        "labelme",
        "cvat",
        "via",
        "supervisely",
        "csv",
        "dota",
        "masks",
        "folders",
    ]


def test_the_docs_state_what_each_is_recognised_by_and_what_a_conversion_loses() -> None:
    formats, _ = usable_formats()
    assert rows_of("layout") == {one.name: one.hint for one in formats}
    assert set(rows_of("to")) == {one.name for one in formats if one.writer is not None}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((f"a{suffix}", True) for suffix in (".txt", ".xml", ".json", ".jsonl", ".csv", ".yaml", ".yml", ".names")),
        ("A.DATA", True),
        ("labels/a.b.TXT", True),
        ("a.tsv", False),
        ("txt", False),
        (".txt", False),  # a hidden file without a suffix
        ("a.png", False),
    ],
)
def test_which_files_may_hold_labels(name: str, expected: bool) -> None:
    assert is_label_file(name) is expected
