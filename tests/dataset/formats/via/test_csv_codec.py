"""VIA's CSV: a row per region, or one for an image without any."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augmentai.dataset.formats.via.csv_codec import COLUMNS, open_via_csv
from tests.support.dataset_runs import failures
from tests.support.labelled_sets import SIZE_WH, augmented, contents, photo, write
from tests.support.listed_files import assert_read_or_reported
from tests.support.memory_file import MemoryFile, mutated

CAR, BUS = ("red car", 4, 6, 24, 20), ("bus", 30, 10, 60, 40)
PHOTO, EMPTY = photo([CAR, BUS]), photo([])


def table(*shapes: str, first: str = "filename") -> bytes:
    """A file of a.jpg with these shapes, and of b.jpg without any."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([first, *COLUMNS[1:]])
    for i, shape in enumerate(shapes):
        rows.writerow(["a.jpg", len(PHOTO), '{"time":"day"}', len(shapes), i, shape, '{"name":"car"}'])
    rows.writerow(["b.jpg", len(EMPTY), "{}", 0, 0, "{}", "{}"])
    return text.getvalue().encode()


RECT = '{"name":"rect","x":4,"y":6,"width":20,"height":14}'
POINT = '{"name":"point","cx":10,"cy":12}'


@pytest.mark.parametrize("first", ["filename", "#filename"])  # as VIA 2 and VIA 1 have it
def test_rows_of_variations(first: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", {"a.jpg": PHOTO, "b.jpg": EMPTY, "via.csv": table(RECT, POINT, first=first)})
    augmented([given], tmp_path / "out", operations=[{"flip": {"probability": 1.0}}], variations=1)
    found = contents(tmp_path / "out")
    lines = found["via.csv"].decode().splitlines()
    assert lines[:4] == table(RECT, POINT, first=first).decode().splitlines()
    made = list(csv.reader(lines[4:]))
    size = str(len(found["a__v1.jpg"]))
    assert [row[:5] for row in made] == [
        ["a__v1.jpg", size, '{"time":"day"}', "2", "0"],
        ["a__v1.jpg", size, '{"time":"day"}', "2", "1"],
        ["b__v1.jpg", str(len(found["b__v1.jpg"])), "{}", "0", "0"],
    ]
    assert [json.loads(row[5]) for row in made] == [
        {"name": "rect", "x": 40, "y": 6, "width": 20, "height": 14},
        {"name": "point", "cx": 54, "cy": 12},
        {},
    ]


def test_regions_that_leave_the_image_are_not_counted(tmp_path: Path) -> None:
    corner = '{"name":"rect","x":0,"y":0,"width":2,"height":2}'
    given = write(tmp_path / "in", {"a.jpg": PHOTO, "b.jpg": EMPTY, "via.csv": table(corner)})
    augmented([given], tmp_path / "out", operations=[{"crop": {"scale": [0.25, 0.25]}}], variations=6, seed=2)
    rows = list(csv.DictReader(contents(tmp_path / "out")["via.csv"].decode().splitlines()))
    gone = [row for row in rows if row["filename"].startswith("a__") and row["region_shape_attributes"] == "{}"]
    assert gone
    assert all((row["region_count"], row["region_id"]) == ("0", "0") for row in gone)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("{name: rect}", "line 2: region_shape_attributes is '{name: rect}'; expected JSON"),
        ("[1]", "line 2: region_shape_attributes is '[1]'; expected a mapping in JSON"),
        ('{"name":"rect","x":4}', "line 2, region 1: y of car is None; expected a number"),
        ("[" * 5000, "line 2: region_shape_attributes is"),
    ],
    ids=["no JSON", "a list", "a side", "deep"],
)
def test_a_broken_row_costs_its_image_alone(shape: str, message: str, tmp_path: Path) -> None:
    found, job = failures({"a.jpg": PHOTO, "b.jpg": EMPTY, "via.csv": table(shape)}, tmp_path)
    assert list(found) == ["a.jpg"]
    assert found["a.jpg"].startswith(f"via.csv, {message}")
    assert job.report.variations == 1


@given(st.integers(0, 2**32), st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_mutated_files_are_read_or_reported(seed: int, count: int) -> None:
    pieces = [b"", b",", b'"', b"nan", b"-", b"\xff", b"\n", b"1e99", b"[", b"{}", "²".encode(), b"null"]
    assert_read_or_reported(
        lambda: open_via_csv(MemoryFile("a.csv", mutated(table(RECT, POINT), seed, count, pieces))),
        "a.csv",
        "line ",
        SIZE_WH,
    )
