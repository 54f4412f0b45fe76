"""Class folders are merged without having them in memory: file for file what a single run writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from augmentai.cluster import merge, plan, run_shards
from tests.support.folder_sets import FOLDER_SETS
from tests.support.shared_runs import QUICK, assert_same, photos, shared, single
from tests.support.unlike_images import unlike


@pytest.fixture(autouse=True)
def is_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lists the set as a whole fails."""
    monkeypatch.setattr("augmentai.cluster.parts.planned_set", None)


@pytest.mark.parametrize("make", FOLDER_SETS)
@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"originals": "none", "splits": "leave-out"},
        {"originals": "copy", "balance": True, "operations": ["mosaic"]},
        {"originals": "link"},
    ],
    ids=["plain", "none", "copy", "link"],
)
def test_the_same_files_as_of_a_single_run(
    tmp_path: Path, make: Callable[[Path], None], recipe: dict[str, Any]
) -> None:
    (tmp_path / "set").mkdir()
    make(tmp_path / "set")
    recipe = {**QUICK, **recipe}
    assert_same(shared(tmp_path / "set", tmp_path, **recipe), single(tmp_path / "set", tmp_path, **recipe))


def test_long_names_that_differ_where_variations_lose_their_end(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 2})
    for number, name in enumerate(
        ("\u00e9" * 110 + "x", "e\u0301" * 83 + "y", "\u00c9" * 110 + "X", "a" * 240, "A" * 240)
    ):
        (folder / f"cats/{name}.jpg").write_bytes(unlike(40 + number))
    assert_same(shared(folder, tmp_path, **QUICK), single(folder, tmp_path, **QUICK))


def test_a_merge_is_resumed_and_ends_with_the_same_lines(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 4, "dogs": 3})
    plan(folder, tmp_path / "plan", shard_size=2, **QUICK)
    run_shards(tmp_path / "plan")

    def stop(progress: Any) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(tmp_path / "plan", tmp_path / "merged", on_progress=stop)
    manifest = tmp_path / "merged/manifest.jsonl"
    foreign = (
        '{"status": "ok", "source": "\\ud800", "source_sha256": "no hash", "index": 1, "engine": "x", "file": "y.jpg"}'
    )
    manifest.write_text(manifest.read_text() + foreign + "\n")
    assert merge(tmp_path / "plan", tmp_path / "merged").done == 14
    assert_same(tmp_path / "merged", single(folder, tmp_path, **QUICK))
