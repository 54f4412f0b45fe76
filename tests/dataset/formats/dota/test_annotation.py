"""DOTA's label files: lines parsed and written, and broken ones reported."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmentai.annotations import LabelError
from augmentai.dataset.formats.dota.annotation import labels_from_dota, looks_like_dota, shape_from_dota, shape_to_dota


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 1 5 1 5 3 1 3 plane 0", True),
        ("imagesource:GoogleEarth\ngsd:0.146343590398\n1.0 1 5 1 5 3 1 3 small-vehicle 1\n", True),  # DOTA 1.0
        ("1 1 5 1 5 3 1 3 plane\n", True),  # without how difficult it is
        ("imagesource:GoogleEarth\ngsd:null\n", False),  # no object: nothing that shows it
        ("0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2", False),  # YOLO's corners
        ("car 0 0 0 10 20 30 40 1 1 1 0 0 0 0", False),  # KITTI
        ("a caption of nine words that is no label", False),
        ("", False),
    ],
)
def test_recognition(text: str, expected: bool) -> None:
    assert looks_like_dota(text) == expected


@pytest.mark.parametrize(
    "line", ["1 1 5 1 5 3 1 3", "1 1 5 1 5 3 1 plane 0", "1 1 5 1 5 3 nan 3 plane 0", "1 1 5 1 5 3 x 3 plane 0"]
)
def test_a_broken_line(line: str) -> None:
    with pytest.raises(LabelError, match=r"a\.txt, line 2: found .*expected x and y of four corners"):
        labels_from_dota(f"gsd:0.1\n{line}\n", "a.txt")


pixels = st.floats(0, 100).map(lambda value: round(value, 2))


@given(st.lists(pixels, min_size=8, max_size=8), st.sampled_from(["plane", "small-vehicle"]), st.integers(0, 2))
def test_lines_that_did_not_move_are_written_as_they_were(values: list[float], name: str, difficult: int) -> None:
    line = f"{' '.join(map(str, values))} {name} {difficult}"
    assert shape_to_dota(shape_from_dota(line), (100, 100)) == line
