"""metadata.parquet, as `datasets` reads it since it takes Parquet beside images."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augmentai.dataset.formats.imagefolder import parquet
from tests.support.coco_files import SIZE_WH, photos
from tests.support.labelled_sets import Files, augmented, gathered, write

ROW = {"file_name": "a.jpg", "score": 0.5, "objects": {"bbox": [[4, 3, 10, 8]], "categories": ["cat"]}}


def with_rows(*rows: dict[str, Any], images: tuple[str, ...] = ("a.jpg",)) -> Files:
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), data)
    return photos(*images) | {"metadata.parquet": data.getvalue()}


@pytest.mark.parametrize("geometry", ["none", "light"])
def test_rows_are_read_and_written(geometry: str, tmp_path: Path) -> None:
    """Boxes of whole pixels become fractions where the image is turned."""
    given = write(tmp_path / "in", with_rows(ROW, {**ROW, "file_name": "gone.jpg"}))
    found = gathered(given)
    assert found.layout.name == "imagefolder"
    assert found.notices == (
        "metadata.parquet: 1 row (gone.jpg) left out, since the images that they name are missing",
    )
    augmented([given], tmp_path / "out", variations=1, geometry=geometry)
    rows = pq.read_table(tmp_path / "out/metadata.parquet").to_pylist()
    assert [(row["file_name"], row["score"], row["objects"]["categories"]) for row in rows] == [
        ("a.jpg", 0.5, ["cat"]),
        ("a__v1.jpg", 0.5, ["cat"]),
    ]
    assert rows[0]["objects"]["bbox"] == [[4, 3, 10, 8]]
    assert (rows[1]["objects"]["bbox"] == rows[0]["objects"]["bbox"]) == (geometry == "none")
    assert all(0 <= value <= SIZE_WH[0] for value in rows[1]["objects"]["bbox"][0])


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (with_rows({"file_name": "a.jpg", "image": b"bytes"}), "holds more than names, numbers and texts"),
        (photos("a.jpg") | {"metadata.parquet": b"PAR1 and no more"}, "is not a valid Parquet file"),
    ],
)
def test_other_files_are_refused(files: Files, words: str, tmp_path: Path) -> None:
    failures = gathered(write(tmp_path, files)).failures
    assert [(failure.file, words in failure.reason) for failure in failures] == [("metadata.parquet", True)]


def test_without_pyarrow_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "can_read", lambda: False)
    found = gathered(write(tmp_path, with_rows(ROW)))
    assert found.layout.name == "folders"
    assert [kind.files for kind in found.unread_labels.kinds] == [("metadata.parquet",)]


def test_values_are_counted_before_any_is_read(tmp_path: Path) -> None:
    """Three million rows of one value are a file of some kilobytes, and would take gigabytes."""
    data = io.BytesIO()
    column = pa.array(["a.jpg"] * 3_000_000).dictionary_encode()
    pq.write_table(pa.table({"file_name": column, "label": column}), data)
    assert len(data.getvalue()) < 100_000
    found = gathered(write(tmp_path, photos("a.jpg") | {"metadata.parquet": data.getvalue()}))
    assert [one.reason for one in found.failures] == [
        "metadata.parquet has 3,000,000 rows of 2 columns, 6,000,000 values; at most 5,000,000 are read; split it"
    ]
