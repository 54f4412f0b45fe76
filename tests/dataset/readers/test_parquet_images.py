"""Parquet files with images, as `datasets` writes them and as others do, are read as an ImageFolder."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augmentai.dataset.bounds import MOST_COLUMNS
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.pipeline.job import limits
from augmentai.settings import Settings
from augmentai.storage import open_store
from augmentai.system import extras
from tests.support.call_counts import calls_of
from tests.support.image_files import jpeg, png
from tests.support.labelled_sets import augmented

NAMES = ["cats", "dogs"]


def parquet(rows: list[dict[str, Any]], features: dict[str, Any] | None = None, rows_per_group: int = 2) -> bytes:
    table = pa.Table.from_pylist(rows)
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    made = io.BytesIO()
    pq.write_table(table, made, row_group_size=rows_per_group)
    return made.getvalue()


def pictures(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"image": {"bytes": jpeg((32, 24), seed=number), "path": f"{number}.jpg"}, "label": number % 2}
        for number in range(start, start + count)
    ]


def read(*places: Any) -> Gathered:
    return gather(list(places), limits(Settings()))


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


CLASSES = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": NAMES}}


def test_classes_and_splits_of_a_dataset_of_the_hub(tmp_path: Path) -> None:
    files = {
        "data/train-00000-of-00002.parquet": parquet(pictures(3), CLASSES),
        "data/train-00001-of-00002.parquet": parquet(pictures(3), CLASSES),  # the same names, and the same images
        "data/validation-00000-of-00001.parquet": parquet(pictures(2, 10), CLASSES),
        "README.md": b"---\n---\n",
    }
    found = read(written(tmp_path / "set", files))
    assert [(one.path, one.label, one.split) for one in found.sources] == [
        ("data/train/0.jpg", "cats", "train"),
        ("data/train/0_2.jpg", "cats", "train"),
        ("data/train/1.jpg", "dogs", "train"),
        ("data/train/1_2.jpg", "dogs", "train"),
        ("data/train/2.jpg", "cats", "train"),
        ("data/train/2_2.jpg", "cats", "train"),
    ]
    assert [(one.path, one.label) for one in found.holdout] == [
        ("data/validation/10.jpg", "cats"),
        ("data/validation/11.jpg", "dogs"),
    ]
    assert found.sources[0].read() == found.sources[1].read() == jpeg((32, 24), seed=0)
    assert not found.failures


@pytest.mark.parametrize("as_list", [False, True])
def test_boxes_and_captions(as_list: bool, tmp_path: Path) -> None:
    one = {"bbox": [[2.0, 3.0, 10.0, 8.0], [1.0, 1.0, 4.0, 4.0]], "category": [1, 0]}
    objects = [dict(zip(one, values, strict=True)) for values in zip(*one.values(), strict=True)] if as_list else one
    kind = {"_type": "ClassLabel", "names": NAMES}
    inner = {
        "bbox": {"_type": "Sequence", "feature": {"dtype": "float32", "_type": "Value"}, "length": 4},
        "category": kind,
    }
    features = {"image": {"_type": "Image"}, "objects": [inner] if as_list else {"feature": inner, "_type": "Sequence"}}
    rows = [{"image": {"bytes": jpeg((32, 24)), "path": None}, "caption": "two animals", "objects": objects}]
    (source,) = read(written(tmp_path / "set", {"train.parquet": parquet(rows, features)})).sources
    assert source.path == "train/image_000001.jpg"
    assert source.labels is not None
    shapes = source.labels.load().shapes
    assert [(shape.category, shape.box) for shape in shapes] == [("dogs", (2, 3, 12, 11)), ("cats", (1, 1, 5, 5))]


def test_a_run_gives_an_imagefolder_with_moved_labels(tmp_path: Path) -> None:
    files = {"train-00000-of-00001.parquet": parquet(pictures(4), CLASSES)}
    job = augmented([written(tmp_path / "set", files)], tmp_path / "out")
    assert job.report.variations == 8
    rows = [json.loads(line) for line in (tmp_path / "out/train/metadata.jsonl").read_text().splitlines()]
    assert {row["file_name"]: row["label"] for row in rows if "__v1" in row["file_name"]} == {
        f"{number}__v1.jpg": NAMES[number % 2] for number in range(4)
    }


def test_masks_in_a_second_column_of_images(tmp_path: Path) -> None:
    rows = [
        {"image": {"bytes": jpeg((32, 24), seed=n), "path": f"{n}.jpg"}, "mask": {"bytes": png((32, 24)), "path": ""}}
        for n in range(2)
    ]
    job = augmented([written(tmp_path / "set", {"train.parquet": parquet(rows)})], tmp_path / "out")
    assert (tmp_path / "out/train/mask/0.png").read_bytes() == png((32, 24))
    assert [source.path for source in job.gathered.sources] == ["train/0.jpg", "train/1.jpg"]


def test_bytes_in_a_plain_column_and_in_a_store(tmp_path: Path) -> None:
    data = parquet([{"img": jpeg((32, 24), seed=n), "class": n} for n in range(3)])
    store = open_store("memory://tables")
    store.put("cats.parquet", data)
    (tmp_path / "cats.parquet").write_bytes(data)
    try:
        for place in (tmp_path, tmp_path / "cats.parquet", store, store.within("cats.parquet")):
            found = read(place)
            assert [(one.path, one.label) for one in found.sources] == [
                (f"cats/image_00000{n + 1}.jpg", str(n)) for n in range(3)
            ]
    finally:
        store.delete("cats.parquet")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    rows = [*pictures(1), {"image": None, "label": 1}, {"image": {"bytes": None, "path": "a.jpg"}, "label": 1}]
    files = {"a.parquet": b"PAR1 no", "b.parquet": parquet([{"text": "a"}]), "c.parquet": parquet(rows)}
    found = read(written(tmp_path / "set", files))
    assert [source.path for source in found.sources] == ["c/0.jpg"]
    failures = {one.file: one.reason for one in found.failures}
    assert failures["c/row 2"] == failures["c/row 3"] == "the row holds no bytes of an image; skipped"
    assert failures["a.parquet"].startswith("not a valid Parquet file")
    assert failures["b.parquet"].startswith("has no column of images; its columns are text")


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.MODULES, "parquet", ("no_such_package",))
    found = read(written(tmp_path / "set", {"train.parquet": parquet(pictures(1))}))
    assert "augmentai[parquet]" in found.failures[0].reason


def test_a_table_beside_images_is_a_file_of_labels(tmp_path: Path) -> None:
    files = {"cats/a.jpg": jpeg(), "features.parquet": parquet([{"text": "a"}])}
    found = read(written(tmp_path / "set", files))
    assert [source.path for source in found.sources] == ["cats/a.jpg"]
    assert not found.failures


def test_the_images_count_against_the_limit(tmp_path: Path) -> None:
    place = written(tmp_path / "set", {"train.parquet": parquet(pictures(3))})
    found = gather([place], limits(Settings(max_zip_gb=0.000001)))
    assert "the limit (AUGMENTAI_MAX_ZIP_GB); split it" in found.failures[0].reason


def test_the_page_does_not_open_it(tmp_path: Path) -> None:
    place = written(tmp_path / "set", {"train.parquet": parquet(pictures(3))})
    assert not gather([place], limits(Settings(), 100)).sources


def test_the_same_name_in_every_row_takes_time_in_proportion(tmp_path: Path) -> None:
    one = {"bytes": jpeg((16, 12)), "path": "a.jpg"}

    def calls(count: int) -> int:
        path = tmp_path / f"{count}.parquet"
        path.write_bytes(parquet([{"image": one}] * count, rows_per_group=1000))
        return calls_of(lambda: read(path))

    calls(10)
    assert calls(200) < 3 * calls(100)
    written(
        tmp_path / "set",
        {"a.parquet": parquet([{"image": {**one, "path": name}} for name in ("a.jpg", "a_2.jpg", "a.jpg", "a.jpg")])},
    )
    found = read(tmp_path / "set")
    assert not found.failures
    assert "duplicate" not in str(found.notices)
    assert [source.path for source in found.sources] == ["a/a.jpg", "a/a_2.jpg", "a/a_3.jpg", "a/a_4.jpg"]


def test_rows_and_columns_are_bounded_before_any_is_read(tmp_path: Path) -> None:
    bounds = replace(limits(Settings()), archive_files=5)
    wide = pa.Table.from_pydict({"image": [jpeg((32, 24))], **{f"c{number}": [1] for number in range(MOST_COLUMNS)}})
    made = io.BytesIO()
    pq.write_table(wide, made)
    files = {"few.parquet": parquet(pictures(4)), "many.parquet": parquet(pictures(6)), "wide.parquet": made.getvalue()}
    folder = written(tmp_path, files)
    found = gather([folder], bounds)
    assert len(found.sources) == 4
    assert {one.file: one.reason for one in found.failures} == {
        "many.parquet": "has 6 rows, the limit is 5 (AUGMENTAI_MAX_ARCHIVE_FILES); split it",
        "wide.parquet": "has 10,001 columns; at most 10,000 are read; remove some",
    }
