"""A set at a URL gives what the same set on disk gives, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from augmentai.storage import Store, open_store
from tests.support.labelled_sets import LAYOUTS, Files, augmented, contents, write


@pytest.fixture
def memory() -> Iterator[Store]:
    from fsspec.implementations.memory import MemoryFileSystem

    yield open_store("memory://a set")
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def stored(store: Store, files: Files) -> Store:
    for name, data in files.items():
        store.put(name, data)
    return store


def same_runs(local: Path | list[Path], remote: Store | list[Store], tmp_path: Path) -> None:
    locals_, remotes = (list(one) if isinstance(one, list) else [one] for one in (local, remote))
    first = augmented(locals_, tmp_path / "from disk")
    second = augmented(remotes, tmp_path / "from a store")
    assert second.gathered.sources == first.gathered.sources
    assert second.gathered.holdout == first.gathered.holdout
    assert second.gathered.failures == first.gathered.failures
    assert second.gathered.notices == first.gathered.notices
    assert second.gathered.labels_sha256 == first.gathered.labels_sha256
    assert first.report.variations
    assert contents(tmp_path / "from a store") == contents(tmp_path / "from disk")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_set_in_a_store_is_the_set_on_disk(name: str, memory: Store, tmp_path: Path) -> None:
    files = LAYOUTS[name][1]
    same_runs(write(tmp_path / "a set", files), stored(memory, files), tmp_path)
