"""The result of a finished job as a file in its folder: whoever asks for it again gets it as it was announced."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from augmentai.pipeline.plan import RunPlan
from augmentai.web.jobs.snapshot import JobResult, ResultRow, Snapshot

RESULT_FILE = "result.json"
_SHOWN = ("preview", "source_preview", "original_preview", "drawing", "source_drawing", "original_drawing")


def write_result(last: Snapshot) -> None:
    """Store the last snapshot of a job in the job's folder. Raises OSError."""
    result = last.result
    assert result is not None
    folder = result.folder
    stored = {
        "report": result.report,
        "zip": str(result.zip_path.relative_to(folder)),
        "classes": result.classes,
        "credits_before": result.credits_before,
        "settled": [[list(source), index] for source, index in result.settled],
        "images": [(str(Path(path).relative_to(folder)), caption) for path, caption in last.images],
        "rows": [_relative(row, folder) for row in last.rows],
        "failures": list(last.failures),
        "seconds": last.seconds,
    }
    part = folder / f"{RESULT_FILE}.part"
    part.write_text(json.dumps(stored))
    os.replace(part, folder / RESULT_FILE)


def read_result(folder: Path, plan: RunPlan, paid: Path | None) -> Snapshot | None:
    """The last snapshot of a job.

    Args:
        folder: the job's own.
        plan: what the job was to make.
        paid: the folder with its ledger.

    Returns:
        None if there is no result, or it can no longer be read as a whole.
    """
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        stored = json.loads((folder / RESULT_FILE).read_bytes())
        rows = [_row(folder, row) for row in stored["rows"]]
        images = [(str(folder / path), str(caption)) for path, caption in stored["images"]]
        zip_path = folder / stored["zip"]
        files = [zip_path, *(Path(path) for path, _ in images), *(Path(row.preview) for row in rows if row.preview)]
        if not all(file.is_file() for file in files):
            return None
        report, classes = dict(stored["report"]), dict(stored["classes"])
        made = int(report["variations"])
        settled = [((str(path), str(sha256)), int(index)) for (path, sha256), index in stored["settled"]]
        before = float(stored["credits_before"])
        result = JobResult(plan, report, zip_path, folder, classes, paid, before, settled)
        return Snapshot(
            made, made, images, rows, stored["failures"], float(stored["seconds"]), report["credits"], result=result
        )
    return None


def _relative(row: ResultRow, folder: Path) -> dict[str, Any]:
    stored = {one.name: getattr(row, one.name) for one in fields(row)}  # asdict makes a Counter one of pairs
    return stored | {name: str(Path(path).relative_to(folder)) if (path := stored[name]) else "" for name in _SHOWN}


def _row(folder: Path, stored: dict[str, Any]) -> ResultRow:
    shown = {name: str(folder / path) if (path := stored.get(name)) else "" for name in _SHOWN}
    width, height = stored["size_wh"]
    return ResultRow(**stored | shown | {"labels": tuple(stored["labels"]), "size_wh": (width, height)})
