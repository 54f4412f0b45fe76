"""The script from arguments to table and files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.lift_calibration import main


def test_the_table_is_printed_and_saved(shapes_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, saved = tmp_path / "table.md", tmp_path / "table.json"
    saved.write_text('{"other": {"rows": []}}')
    options = ["--shots", "2", "--draws", "2", "--tests", "12", "--pool", "3", "--recipes", "local GAN"]
    main([str(shapes_set), *options, "--json", str(saved), "--markdown", str(table)])
    assert "| shapes, 2 | nothing | 12 |" in capsys.readouterr().out
    assert "| shapes, 2 | local GAN | 12 |" in table.read_text()
    known = json.loads(saved.read_text())
    assert list(known) == ["other", "shapes"]
    assert [row["draws"] for row in known["shapes"]["rows"]] == [2, 2]
