"""Where no geometry is asked for: photographs in classes are mirrored, nothing else is, and nobody's left and right."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from augmentai.dataset.labels.base import Labels, Shape
from augmentai.dataset.read import Gathered
from augmentai.geometry.choice import settled_geometry
from augmentai.job import Job
from augmentai.recipe import Recipe, Source
from augmentai.settings import Settings
from tests.makers import png
from tests.test_job import Darker, opened


class Boxed:
    def load(self) -> Labels:
        return Labels((Shape("cat", (1, 1, 9, 9)),))


def pictures(*classes: str | None, labels: Any = None, each: int = 4) -> list[Source]:
    found = []
    for place, name in enumerate(classes):
        for number in range(each):
            one = Source.from_bytes(f"{name}/{number}.png", png(seed=place * 100 + number), name)
            found.append(Source(one.path, name, one.sha256, one.size_bytes, one.read, labels=labels))
    return found


def made(sources: list[Source], **recipe: Any) -> tuple[list[Any], dict[str, Any]]:
    job = Job(Gathered(tuple(sources), (), ()), Recipe(engine="gan", **recipe), Settings(), [Darker()])
    outcomes = [outcome for outcome in job.run() if outcome.variation is not None]
    return outcomes, job.report.as_dict()


def is_mirrored(outcome: Any) -> bool:
    """Told by the pixels: the left half of every picture of `png` is not like its right half."""
    before = np.asarray(opened_source(outcome).convert("L"), float).ravel()
    after = np.asarray(opened(outcome).convert("L"), float)
    as_it_was, swapped = (np.corrcoef(before, view.ravel())[0, 1] for view in (after, after[:, ::-1]))
    assert max(as_it_was, swapped) > 0.95
    return bool(swapped > as_it_was)


def opened_source(outcome: Any) -> Any:
    import io

    from PIL import Image

    return Image.open(io.BytesIO(outcome.source.read()))


def test_photographs_in_classes_are_mirrored_in_about_half_of_their_variations() -> None:
    outcomes, report = made(pictures("cats", "dogs"), variations=8, seed=3, filters=False)
    mirrored = [is_mirrored(outcome) for outcome in outcomes]
    assert len(mirrored) == 64
    assert 20 < sum(mirrored) < 44
    told = [outcome.variation.details.get("geometry", {}).get("mirrored", False) for outcome in outcomes]
    assert told == mirrored  # the manifest says of each what its pixels show
    assert [notice for notice in report["notices"] if "are mirrored" in notice and "switch that off" in notice]


def test_a_variation_is_the_same_whether_mirroring_was_asked_for_or_chosen() -> None:
    chosen, asked = (made(pictures("cats", "dogs"), variations=3, seed=3, geometry=g)[0] for g in ("auto", "flip"))
    assert [o.variation.data for o in chosen] == [o.variation.data for o in asked]


@pytest.mark.parametrize(
    ("sources", "recipe"),
    [
        (pictures(None), {}),
        (pictures("cats"), {}),
        (pictures("cats", "dogs", labels=Boxed()), {}),
        (pictures("cats", "dogs"), {"mirror": False}),
        (pictures("cats", "dogs"), {"geometry": "none"}),
        (pictures("turn_left", "turn_right"), {}),
    ],
    ids=["loose photos", "one class", "boxes", "left and right matter", "none asked for", "classes of left and right"],
)
def test_nothing_else_moves(sources: list[Source], recipe: dict[str, Any]) -> None:
    outcomes, report = made(sources, variations=4, seed=3, filters=False, **recipe)
    assert len(outcomes) == 4 * len(sources)
    assert not any(is_mirrored(outcome) for outcome in outcomes)
    assert not any("geometry" in outcome.variation.details for outcome in outcomes)
    assert not any("are mirrored" in notice for notice in report["notices"])


@pytest.mark.parametrize(
    "name",
    ["left", "Right Hand", "turnLeft", "b", "7", "road-signs", "letters", "A", "arrow_up", "Two", "plates"],
)
def test_names_that_speak_of_left_and_right_or_of_writing(name: str) -> None:
    geometry, notice = settled_geometry(Recipe(), ["cats", name], things=False)
    assert geometry == "none"
    assert name in notice  # so that it is seen why, and what to do
    assert "ask for it" in notice


@pytest.mark.parametrize(
    "name",
    ["cleft", "bright", "n02085620", "class_12", "12", "design", "handbag", "猫", "signal", "tone", ""],
)
def test_names_that_only_look_like_it(name: str) -> None:
    assert settled_geometry(Recipe(), ["cats", name], things=False)[0] == "flip"


def test_the_choice_does_not_hang_on_the_order_of_the_sources() -> None:
    labels = ["cats", None, "left", "b", "right", "d", "text", "dogs"] * 2
    first = settled_geometry(Recipe(), labels, things=False)
    for seed in range(5):
        random.Random(seed).shuffle(labels)
        assert settled_geometry(Recipe(), labels, things=False) == first
    assert "b, d, left and 2 more" in first[1]
