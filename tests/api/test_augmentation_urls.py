"""The Python API takes URLs where it takes paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import augmentai
from augmentai.storage import StorageError, Store, open_store
from augmentai.system import extras
from tests.support.image_files import jpeg

FAST = {"engine": "gan", "seed": 7, "filters": False}


@pytest.fixture
def memory() -> Iterator[Store]:
    from fsspec.implementations.memory import MemoryFileSystem

    store = open_store("memory://photos")
    store.put_all({"cats/a.jpg": jpeg((32, 24), seed=1), "dogs/b.jpg": jpeg((24, 32), seed=2)})
    yield store
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("out", ["memory://larger", "larger"])
def test_a_run(memory: Store, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = augmentai.run(memory.url, out, **FAST)
    assert result.ok
    assert str(result.path) == out
    assert [file.path for file in open_store(out).list() if "/" in file.path] == [
        "cats/a.jpg",
        "cats/a__v1.jpg",
        "dogs/b.jpg",
        "dogs/b__v1.jpg",
    ]
    assert augmentai.run(memory, out, **FAST).report["held"] == 2  # a store is taken as well, and the run resumed


def test_variations_of_a_set_of_one_image_and_of_a_pair(memory: Store) -> None:
    assert [label for _, label in augmentai.augment(memory.url, **FAST)] == ["cats", "dogs"]
    ((image, label),) = augmentai.augment([(f"{memory.url}/cats/a.jpg", "tigers")], **FAST)
    assert (image.size, label) == ((32, 24), "tigers")
    assert [one.image.size for one in augmentai.Augmenter(**FAST)(f"{memory.url}/dogs/b.jpg")] == [(24, 32)]
    found = augmentai.inspect(memory.url)
    assert [(one["name"], one["images"]) for one in found.classes] == [("cats", 1), ("dogs", 1)]


def test_a_missing_driver_is_an_error_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.MODULES, "s3", ("no_such_driver",))
    for call in (augmentai.augment, augmentai.inspect, lambda url: augmentai.run([], url)):
        with pytest.raises(StorageError, match=r"augmentai\[s3\]"):
            call("s3://bucket/set")
