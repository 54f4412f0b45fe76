"""The result of a finished job as a file: what is read again is what was announced."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from augmentai.web.jobs.snapshot import JobResult, ResultRow, Snapshot
from augmentai.web.jobs.stored_result import read_result, write_result

PLAIN = ResultRow("a__v1.png", "a.png", "1f", ("cat",), 1, "stability", "core", 7, 0.4, "", "", "", "", None, (60, 40))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        # objects as they are counted; one that left the frame
        {"objects": Counter(cat=2, dog=0), "lost": Counter(cat=1)},
        # a class that a mask shows
        {"objects": Counter({"road": 0})},
        {"scores": {"similarity": 0.5}, "geometry": {"flip": True}, "labels": ("cat", "dog")},
    ],
)
def test_rows_are_read_as_they_were_written(changes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "out.zip").touch()
    rows = [PLAIN, replace(PLAIN, **changes)]
    report = {"variations": 2, "credits": 10.0}
    plan: Any = None
    result = JobResult(plan, report, tmp_path / "out.zip", tmp_path, {"cat": 1}, None, 0.0, [(("a.png", "1f"), 1)])
    write_result(Snapshot(2, 2, [], rows, [], 1.0, 10.0, result=result))
    again = read_result(tmp_path, plan, None)
    assert again is not None
    assert again.rows == rows
