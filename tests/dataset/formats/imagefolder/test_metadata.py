"""ImageFolder's metadata files: broken ones are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.labelled_sets import (
    gathered,
    imagefolder,
    write,
)


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("csv", b"file_name,text\none.jpg\n", "train/metadata.csv, line 2: expected 2 values, one per column"),
        ("jsonl", b'{"file_name": "one.jpg"}\n{"file_name": \n', "train/metadata.jsonl, line 2: not valid JSON"),
        ("jsonl", b'{"name": "one.jpg"}\n', "train/metadata.jsonl, line 1: no file_name"),
    ],
)
def test_broken_metadata(kind: str, text: bytes, message: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", imagefolder(kind) | {f"train/metadata.{kind}": text}))
    assert message in found.failures[0].reason
    assert "skipped 3 image(s), since their metadata is broken" in found.notices
