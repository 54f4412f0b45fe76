"""Jobs whose operations borrow from other images: from training images alone, named, repeatable."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.operations import DonorError, replay_operations
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source
from tests.support.image_files import colours, encoded
from tests.support.jobs import Darker, job_of
from tests.support.labelled_sets import COLOURS, photo, write, yolo_line
from tests.support.plugin_package import installed, write_operations

RECIPE: dict[str, Any] = {"seed": 3, "engine": "gan", "geometry": "none", "output_format": "png", "filters": False}
OBJECTS = [("red car", 4, 6, 24, 20), ("bus", 30, 10, 60, 40), ("車", 2, 30, 16, 46), ("bus", 40, 2, 62, 12)]
NAMES = "".join(f"  {number}: {name}\n" for number, name in enumerate(COLOURS))


@pytest.fixture(scope="module", autouse=True)
def borrowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The package with the operation `stamp`, which borrows."""
    with installed(write_operations(tmp_path_factory.mktemp("operations") / "site")):
        yield


def yolo_set(folder: Path) -> Path:
    """Four training images and one each for validation and tests, every one with an object."""
    files = {"data.yaml": f"train: images/train\nval: images/val\ntest: images/test\nnames:\n{NAMES}".encode()}
    places = [("train", item) for item in OBJECTS] + [("val", ("bus", 20, 20, 44, 44)), ("test", ("bus", 1, 1, 9, 9))]
    for number, (split, item) in enumerate(places):
        files[f"images/{split}/{number}.png"] = photo([item], "png")
        files[f"labels/{split}/{number}.txt"] = yolo_line(*item).encode()
    return write(folder, files)


def run(folder: Path, **recipe: Any) -> Iterator[Outcome]:
    settings = Settings()
    wanted = Recipe(**{**RECIPE, "variations": 3, "operations": ["stamp"], **recipe})
    return Job(gather([folder], limits(settings)), wanted, settings, [Darker()]).run()


def donors_of(outcome: Outcome) -> list[dict[str, str]]:
    assert outcome.variation is not None, outcome.reason
    (record,) = outcome.variation.details["operations"]
    named: list[dict[str, str]] = record["drawn"]["donors"]
    return named


def test_only_training_images_lend_and_the_manifest_names_them(tmp_path: Path) -> None:
    outcomes = list(run(yolo_set(tmp_path), variations=8))
    lenders = {donor["path"] for outcome in outcomes for donor in donors_of(outcome)}
    assert lenders == {f"images/train/{number}.png" for number in range(4)}
    hashes = {outcome.source.path: outcome.source.sha256 for outcome in outcomes}
    for outcome in outcomes:
        (donor,) = donors_of(outcome)
        assert donor["sha256"] == hashes[donor["path"]] != outcome.source.sha256


def test_what_is_borrowed_is_in_the_pixels_and_in_the_label_files(tmp_path: Path) -> None:
    for outcome in run(yolo_set(tmp_path)):
        assert outcome.variation is not None, outcome.reason
        assert outcome.variation.labels is not None
        (donor,) = donors_of(outcome)
        lent = OBJECTS[int(Path(donor["path"]).stem)]
        shape = outcome.variation.labels.shapes[-1]
        np.testing.assert_allclose(shape.box, lent[1:])
        pixels = np.asarray(outcome.variation.image)
        x0, y0, x1, y1 = lent[1:]
        assert (pixels[y0:y1, x0:x1] == COLOURS[lent[0]]).all()
        (_, text), *_ = outcome.variation.beside
        assert yolo_line(*lent).split()[0] in [line.split()[0] for line in text.decode().splitlines()]
        assert len(text.decode().splitlines()) == len(outcome.variation.labels.shapes)


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    sources = list(gather([yolo_set(tmp_path)], limits(Settings())).sources)
    made: list[dict[tuple[str, int], Any]] = []
    for shuffle in range(2):
        random.Random(shuffle).shuffle(sources)
        job = job_of(Darker(), list(sources), Recipe(**RECIPE, variations=3, operations=["stamp"]))
        made.append({(o.source.path, o.index): (o.variation.data, donors_of(o)) for o in job.run() if o.variation})
    assert len(made[0]) == 12
    assert made[0] == made[1]


def test_a_resumed_run_is_the_same_as_one_in_a_piece(tmp_path: Path) -> None:
    folder = yolo_set(tmp_path / "set")
    settings = Settings()

    def begun(out: Path) -> Iterator[Outcome]:
        recipe = Recipe(**RECIPE, variations=3, operations=["stamp"])
        return run_to_disk(Job(gather([folder], limits(settings)), recipe, settings, [Darker()]), out, [folder])

    stopped = begun(tmp_path / "stopped")
    for _ in range(5):
        next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    for out in ("stopped", "whole"):
        assert all(outcome.ok for outcome in begun(tmp_path / out))
    files = {path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*__v*")}
    assert len(files) == 24
    for file in files:
        assert (tmp_path / "stopped" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_replay_gives_the_same_pixels_and_names_a_donor_that_is_missing(tmp_path: Path) -> None:
    settings = Settings()
    gathered = gather([yolo_set(tmp_path)], limits(settings))
    job = Job(gathered, Recipe(**RECIPE, operations=["stamp"]), settings, [Darker()])
    plain = Job(gathered, Recipe(**RECIPE), settings, [Darker()])
    before = {outcome.source.path: outcome.variation for outcome in plain.run()}
    from augmentai.pipeline.run_state import RunState

    state = RunState(job.plan, job.output, [], settings.max_pixels)
    for outcome in job.run():
        made, unstamped = outcome.variation, before[outcome.source.path]
        assert made is not None
        assert unstamped is not None
        records = json.loads(json.dumps(made.details["operations"]))
        image, labels = replay_operations(
            unstamped.image, unstamped.labels, records, state.donors.beside(outcome.source)
        )
        assert image.tobytes() == made.image.tobytes()
        assert labels == made.labels
        with pytest.raises(DonorError, match="is not among the training images"):
            replay_operations(unstamped.image, unstamped.labels, records)


def test_a_training_image_like_a_test_image_does_not_lend(tmp_path: Path) -> None:
    """What a model is tested on would get into its training by a side door."""
    folder = tmp_path / "set"
    for split, name, seed in (("train", "a", 1), ("train", "b", 9), ("train", "leak", 20), ("test", "kept", 20)):
        image = colours((64, 48), seed=seed)
        (folder / "images" / split).mkdir(parents=True, exist_ok=True)
        (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
        image.save(folder / f"images/{split}/{name}.png" if split == "train" else folder / f"images/{split}/{name}.bmp")
        (folder / f"labels/{split}/{name}.txt").write_text(yolo_line(*OBJECTS[0]))
    (folder / "data.yaml").write_text(f"train: images/train\ntest: images/test\nnames:\n{NAMES}")
    outcomes = list(run(folder, filters=True, variations=6, retries=0, thresholds={"duplicate": 0}))
    lenders = {donor["path"] for outcome in outcomes if outcome.ok for donor in donors_of(outcome)}
    assert any(one.filter == "leak" for outcome in outcomes for one in outcome.rejections)
    assert lenders == {"images/train/a.png", "images/train/b.png"}


def test_a_broken_image_does_not_lend_and_costs_nobody_else_anything(tmp_path: Path) -> None:
    folder = yolo_set(tmp_path)
    (folder / "images/train/3.png").write_bytes(b"no image")
    outcomes = list(run(folder))
    assert sum(outcome.ok for outcome in outcomes) == 9
    assert {donor["path"] for o in outcomes if o.ok for donor in donors_of(o)} == {
        f"images/train/{number}.png" for number in range(3)
    }


def test_with_nobody_to_borrow_from_the_image_stays_and_the_report_says_so() -> None:
    labelled = [Source.from_bytes("only.png", encoded(colours()))]
    job = job_of(Darker(), labelled, Recipe(**RECIPE, operations=["stamp", "flip(probability=1)"]))
    (outcome,) = job.run()
    assert outcome.variation is not None, outcome.reason
    assert [one["name"] for one in outcome.variation.details["operations"]] == ["flip"]


def test_an_operation_that_says_why_it_did_nothing_is_reported_by_file(tmp_path: Path) -> None:
    folder = yolo_set(tmp_path)
    for number in range(1, 4):
        (folder / f"images/train/{number}.png").unlink()
        (folder / f"labels/train/{number}.txt").unlink()
    settings = Settings()
    recipe = Recipe(**RECIPE, operations=["stamp"])
    job = Job(gather([folder], limits(settings)), recipe, settings, [Darker()])
    (outcome,) = job.run()
    assert outcome.ok
    words = "images/train/0.png: stamp was left out: no other image of this size has an object"
    assert words in job.report.as_dict()["notices"]
