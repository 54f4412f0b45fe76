"""Any set converted to ImageFolder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import trainers
from tests.support.dataset_runs import LABELLED, converted
from tests.support.expected_boxes import EXPECTED, assert_boxes, named_by_masks


@pytest.mark.parametrize("name", [*LABELLED[:4], "masks beside", "class folders with splits"])
def test_to_imagefolder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    out, _ = converted(name, "imagefolder", tmp_path)
    loaded = trainers.loads_as_imagefolder(out, tmp_path / "cache")
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 9, "validation": 1, "test": 1}
    if name.startswith("class"):
        assert sorted(set(loaded["train"]["label"])) == sorted(["red car", "車", "nothing"])
        return
    row = loaded["validation"][0]["objects"]
    found = [(c, (x, y, x + w, y + h)) for (x, y, w, h), c in zip(row["bbox"], row["categories"], strict=True)]
    assert_boxes({"three": found}, named_by_masks(name, {"three": EXPECTED["three"]}), tolerance=1.001)
