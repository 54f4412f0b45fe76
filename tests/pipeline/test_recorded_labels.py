"""The labels of variations, found from the manifest, are those that were written."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augmentai.annotations import Labels
from augmentai.dataset.manifest import MANIFEST, SHEET
from augmentai.pipeline.job import Job
from augmentai.pipeline.recorded_labels import RecordedLabels
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support import labelled_sets, outlined_sets
from tests.support.jobs import Darker
from tests.support.labelled_sets import gathered
from tests.support.outlined_objects import POSES

SETS = {
    "boxes": labelled_sets.voc(),
    "polygons": labelled_sets.yolo(polygons=True),
    "outlines, bitmaps and crowds": labelled_sets.coco(),
    "keypoints": outlined_sets.coco(POSES),
    "masks": labelled_sets.masks(),
}
CHANGES: dict[str, dict[str, Any]] = {
    "as it came": {"geometry": "none"},
    "geometry": {"geometry": "strong"},
    "operations": {"geometry": "flip", "operations": ["crop", "noise", "rotate"]},  # one of them moves nothing
    "objects of other images": {"geometry": "light", "operations": ["copy_paste(probability=1)", "mosaic"]},
}


def made_by(found: Path, out: Path, recipe: Recipe) -> tuple[Job, dict[str, Labels | None]]:
    """A run, and the labels of its variations as it wrote them."""
    job = Job(gathered(found), recipe, Settings(), [Darker()])
    outcomes = list(run_to_disk(job, out, [found]))
    return job, {one.variation.file: one.variation.labels for one in outcomes if one.variation is not None}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("files", SETS.values(), ids=SETS)
def test_labels_are_found_again(files: dict[str, bytes], change: dict[str, Any], tmp_path: Path) -> None:
    recipe = Recipe(seed=5, engine="gan", variations=2, filters=False, **change)
    job, made = made_by(labelled_sets.write(tmp_path / "set", files), tmp_path / "out", recipe)
    finder = RecordedLabels(job.output.sources, recipe, Settings().max_pixels)
    sources = {source.key: source for source in job.output.sources}
    lines = [json.loads(line) for line in (tmp_path / "out" / MANIFEST).read_text().splitlines()]
    entries = [entry for entry in lines if entry["status"] == "ok"]
    assert len(entries) == len(made) > 1
    for entry in entries:
        _, found = finder.of(entry, sources[entry["source"], entry["source_sha256"]])
        assert same(found, made[entry["file"]])
    assert is_drawn(tmp_path / "out" / SHEET)


def same(found: Labels | None, made: Labels | None) -> bool:
    """As a drawing shows them: the manifest rounds matrices, and noise between two moves has each resampled."""
    if found is None or made is None:
        return found is made
    masks = zip(found.masks, made.masks, strict=True)
    return (
        [shape.category for shape in found.shapes] == [shape.category for shape in made.shapes]
        and np.allclose(points_of(found), points_of(made), atol=1.01)  # pixels
        and all(np.mean(np.asarray(one) != np.asarray(other)) < 0.03 for one, other in masks)
    )


def points_of(labels: Labels) -> list[float]:
    """The corners of every object and its points, and about how much its bitmap covers."""
    numbers: list[float] = []
    for shape in labels.shapes:
        numbers += [*(shape.box or ()), *(number for point in shape.keypoints for number in point)]
        numbers += [number for ring in shape.polygons for point in ring for number in point]
        numbers += [round(float(shape.mask.mean()), 1)] if shape.mask is not None else []
    return numbers


def is_drawn(sheet: Path) -> bool:
    """Whether labels are drawn over images, in pairs of which each has some."""
    root = ET.fromstring(sheet.read_bytes())
    drawn = [node for node in root.iter() if node.tag.endswith("}svg") and node.get("class") == "labels"]
    return bool(drawn) and all(any(part.tag.endswith("polygon") for part in one.iter()) for one in drawn)


DAMAGE = {
    "no size": {"width": None},
    "an operation that is not installed": {"details": {"operations": [{"name": "nothing", "drawn": {}}]}},
    "a move that is none": {"details": {"geometry": {"name": "flip", "matrix": "x"}}},
    "an image that is gone lends": {
        "details": {"operations": [{"name": "copy_paste", "drawn": {"donors": [{"path": "x", "sha256": "y"}]}}]}
    },
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_what_the_manifest_does_not_say_is_not_drawn(change: dict[str, Any], tmp_path: Path) -> None:
    found = gathered(labelled_sets.write(tmp_path / "set", SETS["boxes"]))
    source = found.sources[0]
    entry = {"width": 64, "height": 48, "details": {"geometry": {"name": "flip"}}, **change}
    before, after = RecordedLabels(found.sources, Recipe(), Settings().max_pixels).of(entry, source)
    assert before is not None
    assert after is None
