"""What flows through the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.written_outputs import failure, outcome


def test_outcome_save_writes_once(tmp_path: Path) -> None:
    assert outcome(data=b"first").save(tmp_path) == tmp_path / "cats" / "a__v1.jpg"
    with pytest.raises(FileExistsError):
        outcome(data=b"second").save(tmp_path)
    assert (tmp_path / "cats" / "a__v1.jpg").read_bytes() == b"first"
    with pytest.raises(ValueError, match="no variation to save: broken"):
        failure().save(tmp_path)
