"""TARs as the library `webdataset` writes them: classes in .cls files, on disk and in a store."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import webdataset

from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.pipeline.job import limits
from augmentai.settings import Settings
from augmentai.storage import open_store
from tests.support.image_files import jpeg
from tests.support.labelled_sets import augmented


def shard(samples: list[dict[str, Any]]) -> bytes:
    made = io.BytesIO()
    with webdataset.TarWriter(made, mtime=0) as writer:
        for sample in samples:
            writer.write(sample)
    return made.getvalue()


def samples(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "__key__": f"{n:04}",
            "jpg": jpeg((32, 24), seed=n),
            "cls": n % 2,
            "txt": f"a brown dog on grass, seen {n} times",
        }
        for n in range(start, start + count)
    ]


def read(*places: Any) -> Gathered:
    return gather(list(places), limits(Settings()))


def test_classes_of_one_shard(tmp_path: Path) -> None:
    (tmp_path / "0000.tar").write_bytes(shard(samples(3)))
    found = read(tmp_path / "0000.tar")
    assert [(one.path, one.label) for one in found.sources] == [("0000.jpg", "0"), ("0001.jpg", "1"), ("0002.jpg", "0")]
    assert not found.failures


def test_shards_of_a_folder_and_of_a_store_are_the_same(tmp_path: Path) -> None:
    shards = {f"{n:05}.tar": shard(samples(2, 2 * n)) for n in range(3)}
    store = open_store("memory://shards")
    for name, data in shards.items():
        (tmp_path / name).write_bytes(data)
        store.put(name, data)
    try:
        here, there = read(tmp_path), read(store)
        assert [(one.path, one.label, one.sha256) for one in here.sources] == [
            (one.path, one.label, one.sha256) for one in there.sources
        ]
        assert [(one.path, one.label) for one in here.sources][:3] == [
            ("00000/0000.jpg", "0"),
            ("00000/0001.jpg", "1"),
            ("00001/0002.jpg", "0"),
        ]
    finally:
        for name in shards:
            store.delete(name)


def test_names_as_classes_and_captions_come_back_with_the_variations(tmp_path: Path) -> None:
    named = [{**one, "cls": "cats and dogs"} for one in samples(2)]
    (tmp_path / "0.tar").write_bytes(shard(named))
    job = augmented([tmp_path / "0.tar"], tmp_path / "out")
    assert job.report.variations == 4
    rows = [json.loads(line) for line in (tmp_path / "out" / "metadata.jsonl").read_text().splitlines()]
    assert {row["file_name"]: row["label"] for row in rows}["0001__v2.jpg"] == "cats and dogs"
    assert (tmp_path / "out" / "0001__v2.txt").read_text() == "a brown dog on grass, seen 1 times"
