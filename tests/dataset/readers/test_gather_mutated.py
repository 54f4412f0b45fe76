"""Sets whose label files were mutated: every reader answers in words with file and place, and raises nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from augmentai.annotations import LabelError
from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.images.file_types import IMAGE_SUFFIXES
from augmentai.inspection.examine import examine
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from tests.support.labelled_sets import write
from tests.support.mutations import MUTATIONS, mutated
from tests.support.outlined_sets import SOURCES

FAST = settings(max_examples=12, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
THOROUGH = settings(
    max_examples=1200, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
OURS = "make no sense"  # of values that a reader did not expect: it is to say which, and where
WRITTEN = cycle([True, *[False] * 7])  # a run takes longer than reading


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("mutated")
    yield path
    shutil.rmtree(path)


def check(name: str, which: int, mutations: list[tuple[str, float, float, str]], folder: Path) -> None:
    make, objects = SOURCES[name]
    files = dict(make(objects))
    labels = sorted(path for path in files if Path(path).suffix.lower() not in IMAGE_SUFFIXES)
    path = labels[which % len(labels)] if labels else sorted(files)[0]
    files[path] = mutated(files[path], mutations)
    for old in ("in", "out"):
        shutil.rmtree(folder / old, ignore_errors=True)
    given_folder = write(folder / "in", files)
    gathered = gather([given_folder], limits(Settings()))
    words = [*gathered.notices, *(f"{one.file}: {one.reason}" for one in gathered.failures)]
    for source in (*gathered.sources, *gathered.holdout):
        words += [str(detail) for _, detail in examine(source, 10**6).faults]
        try:
            _ = source.labels.load() if source.labels is not None else None
        except LabelError as error:
            words.append(str(error))
    try:
        recipe = Recipe(engine="none", variations=1, seed=1, operations=[{"flip": {"probability": 1.0}}])
        job = Job(gathered, recipe, Settings(), available(Settings()))
    except RecipeError:
        return
    words += [str(job.report.as_dict())]
    if next(WRITTEN):
        words += [outcome.reason for outcome in run_to_disk(job, folder / "out")]
        words += [str(job.report.as_dict())]
    ours = [str(one) for one in words if OURS in str(one)]
    assert not ours, ours


@pytest.mark.parametrize("name", SOURCES)
@FAST
@given(which=st.integers(0, 7), mutations=MUTATIONS)
def test_readers(name: str, which: int, mutations: list[tuple[str, float, float, str]], folder: Path) -> None:
    check(name, which, mutations, folder)


@pytest.mark.nightly
@pytest.mark.parametrize("name", SOURCES)
@THOROUGH
@given(which=st.integers(0, 7), mutations=MUTATIONS)
def test_readers_thoroughly(
    name: str, which: int, mutations: list[tuple[str, float, float, str]], folder: Path
) -> None:
    check(name, which, mutations, folder)
