"""Jobs whose engine repaints: what no longer shows its class is made again, images and single objects alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

from augmentai.dataset.manifest import manifest_line
from augmentai.engines.base import Task
from augmentai.recipe import Recipe, Thresholds
from augmentai.types import Outcome, Source
from tests.support.class_sets import class_folders, labelled_scenes, part_of, scene
from tests.support.jobs import job_of
from tests.support.scripted_engine import Painter, Scripted

ALONE = Thresholds(semantic=0, drift=0, duplicate=0, near_copy=0)


class Repainting(Scripted):
    repaints = True


def run(
    paint: Painter, sources: list[Source], only: str, repainted: bool = True, **recipe: Any
) -> tuple[Outcome, dict[str, Any]]:
    """The outcome of the first source of this name, and the report; all others stay as they are."""

    def painted(task: Task) -> Image.Image:
        return paint(task) if task.source.path == only else task.photo.rgb.point(lambda v: int(v * 0.9))

    asked = Recipe(seed=3, engine="gan", geometry="none", **{"thresholds": ALONE, **recipe})
    job = job_of(Repainting(painted, repainted=repainted), sources, asked)
    outcome = next(one for one in job.run() if one.source.path == only)
    return outcome, job.report.as_dict()


def wrong(attempts: int) -> Painter:
    """A cup where a cat was, in the first attempts."""
    return lambda task: part_of("cup", 3) if task.attempt < attempts else task.photo.rgb.point(lambda v: int(v * 0.8))


def test_an_image_of_another_class_is_made_again() -> None:
    outcome, report = run(wrong(1), class_folders(), "cat/0.png")
    assert outcome.ok
    (rejected,) = outcome.rejections
    assert rejected.filter == "other_class"
    assert "no longer shows its class 'cat'" in rejected.reason
    scores = json.loads(manifest_line(outcome))["scores"]
    assert scores["class_prototype"] > rejected.scores["class_prototype"]
    assert scores["class_neighbours"] > rejected.scores["class_neighbours"]
    assert report["rejected"] == {"other_class": 1}


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"thresholds": Thresholds(semantic=0, other_class=0)}, id="switched off"),
        pytest.param({"filters": False}, id="no filters"),
        pytest.param({"repainted": False}, id="an engine that does not repaint"),
        pytest.param({"repaint": "background"}, id="the background alone"),
    ],
)
def test_it_is_not_measured(how: dict[str, Any]) -> None:
    outcome, _ = run(wrong(0), class_folders(), "cat/0.png", **how)
    assert "class_prototype" not in outcome.scores


def test_a_set_that_is_too_small_is_not_judged_and_it_is_said_once() -> None:
    outcome, report = run(wrong(4), class_folders(3), "cat/0.png")
    assert outcome.ok
    said = [notice for notice in report["notices"] if "still show their class was not judged" in notice]
    assert len(said) == 1
    assert "fewer than two classes have 6 usable images" in said[0]


def test_an_object_of_another_class_is_made_again() -> None:
    def paint(task: Task) -> Image.Image:
        return scene("cup" if task.attempt == 0 else "cat", 4)

    outcome, report = run(paint, labelled_scenes(), "cat0.png", repaint="objects")
    assert outcome.ok
    assert [one.filter for one in outcome.rejections] == ["other_class"]
    assert report["rejected"] == {"other_class": 1}
    assert outcome.scores["class_prototype"] > 0


def test_objects_are_not_judged_where_the_whole_image_is_painted() -> None:
    outcome, _ = run(lambda task: scene("cup", 4), labelled_scenes(), "cat0.png")
    assert outcome.ok
    assert "class_prototype" not in outcome.scores


def test_a_network_that_cannot_be_had_costs_no_image() -> None:
    outcome, report = run(wrong(4), class_folders(), "cat/0.png", filter_backbone="missing/network")
    assert outcome.ok
    assert any("not compared with the classes of the set" in notice for notice in report["notices"])


def test_of_one_class_nothing_is_said() -> None:
    outcome, report = run(wrong(4), class_folders(3)[:3], "cat/0.png")
    assert outcome.ok
    assert not any("class" in notice for notice in report["notices"])
