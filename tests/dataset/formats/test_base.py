"""Every layout written again in its own format, with its variations, whole or resumed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.support.expected_boxes import EXPECTED
from tests.support.labelled_sets import (
    LAYOUTS,
    TRAIN,
    as_zip,
    augmented,
    contents,
    gathered,
    write,
)

every_layout = pytest.mark.parametrize("name", LAYOUTS)


@every_layout
@pytest.mark.parametrize("to_zip", [False, True], ids=["folder", "ZIP"])
def test_a_set_is_written_with_its_variations_and_nothing_else_changes(name: str, to_zip: bool, tmp_path: Path) -> None:
    """Originals and untouched label files byte for byte, and two variations of each training image."""
    _, files = LAYOUTS[name]
    given = as_zip(tmp_path / "given.zip", files) if to_zip else write(tmp_path / "given", files)
    out = tmp_path / ("out.zip" if to_zip else "out")
    job = augmented([given], out)
    assert not job.report.failures
    if to_zip:
        with zipfile.ZipFile(out) as archive:
            assert archive.testzip() is None
            archive.extractall(tmp_path / "unpacked")
        found = contents(tmp_path / "unpacked" / "my set")
    else:
        found = contents(out)
    lists = {
        n for n in files if n.endswith((".json", ".yaml", ".jsonl", ".csv", "annotations.xml")) or "ImageSets" in n
    }
    assert {n for n in files if n not in lists and found.get(n) != files[n]} == set()
    assert {
        n for n in lists if ("val" in n or "test" in n) and "trainval" not in n and found.get(n) != files[n]
    } == set()
    sources = TRAIN if name != "class folders" else list(EXPECTED)
    made = {Path(n).name for n in found if "__v" in n and n.endswith(".jpg")}
    assert made == {f"{stem}__v{i}.jpg" for stem in sources for i in (1, 2)}


@every_layout
def test_a_written_set_is_read_with_the_same_labels(name: str, tmp_path: Path) -> None:
    """A second generation sees each variation with the labels of its source."""
    layout, files = LAYOUTS[name]
    augmented([write(tmp_path / "in", files)], tmp_path / "out")
    again = gathered(tmp_path / "out")
    assert again.layout.name == layout
    assert not again.failures
    first = {Path(s.path).stem: s for s in gathered(tmp_path / "in").sources}
    for source in again.sources:
        was = first[Path(source.path).stem.split("__v")[0]]
        assert (source.label, source.split) == (was.label, was.split)
        assert (source.labels is None) == (was.labels is None)
        if source.labels is not None and was.labels is not None:
            new, old = source.labels.load(), was.labels.load()
            assert [(s.category, s.box, s.polygons) for s in new.shapes] == [
                (s.category, s.box, s.polygons) for s in old.shapes
            ]
            assert (new.mask is None) == (old.mask is None)
            if new.mask is not None and old.mask is not None:
                assert (new.mask.mode, new.mask.getpalette()) == (old.mask.mode, old.mask.getpalette())
                assert np.array_equal(np.asarray(new.mask), np.asarray(old.mask))


@every_layout
def test_a_resumed_run_ends_with_the_same_set(name: str, tmp_path: Path) -> None:
    """Ended after its third variation, and resumed."""
    _, files = LAYOUTS[name]
    given = write(tmp_path / "in", files)
    augmented([given], tmp_path / "whole", geometry="flip")
    from augmentai.dataset.readers.gather import gather
    from augmentai.pipeline.job import Job, limits
    from augmentai.pipeline.run import run_to_disk
    from augmentai.recipe import Recipe
    from augmentai.settings import Settings
    from tests.support.jobs import Darker

    recipe = Recipe(seed=5, engine="gan", variations=2, geometry="flip", filters=False)
    out = tmp_path / "broken"
    running = run_to_disk(Job(gather([given], limits(Settings())), recipe, Settings(), [Darker()]), out, [given])
    for _ in range(3):
        next(running)
    running.close()
    augmented([given], out, geometry="flip")
    assert contents(out) == contents(tmp_path / "whole")
