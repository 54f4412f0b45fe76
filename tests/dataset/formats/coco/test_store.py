"""COCO's JSON files in a database."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.dataset_runs import failures
from tests.support.labelled_sets import (
    coco,
)


def test_truncated_json(tmp_path: Path) -> None:
    """Its images are skipped, since their labels are unknown; those of the other files are augmented."""
    files = coco()
    text = json.dumps(json.loads(files["annotations/instances_val.json"]), indent=1)
    files["annotations/instances_val.json"] = text[: text.index('"area"')].encode()
    found, job = failures(files, tmp_path)
    assert list(found) == ["annotations/instances_val.json"]
    assert ", line " in found["annotations/instances_val.json"]
    assert "skipped 1 image without labels, since a label file is broken" in job.report.as_dict()["notices"]
    assert job.report.variations == 3
