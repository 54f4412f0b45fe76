"""Where no geometry is asked for: photographs in classes are flipped, except where left and right may matter."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.operations.auto_geometry import DatasetTraits, dataset_traits, resolve_geometry
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from augmentai.web.jobs.uploads import inspect_uploads
from tests.support.image_files import png
from tests.support.jobs import Darker, opened
from tests.support.labelled_sets import as_zip
from tests.support.scripted_engine import Copying


class Boxed:
    def load(self) -> Labels:
        return Labels((Shape("cat", (1, 1, 9, 9)),))


def images(*classes: str | None, labels: Any = None, each: int = 4) -> list[Source]:
    found = []
    for place, name in enumerate(classes):
        for number in range(each):
            one = Source.from_bytes(f"{name}/{number}.png", png(seed=place * 100 + number), name)
            found.append(Source(one.path, name, one.sha256, one.size_bytes, one.read, labels=labels))
    return found


def seen(*classes: str | None) -> DatasetTraits:
    return dataset_traits(((f"{name}/a.png", name) for name in classes), labelled=False)


def made(sources: list[Source], **recipe: Any) -> tuple[list[Any], dict[str, Any]]:
    job = Job(Gathered(tuple(sources), (), ()), Recipe(engine="gan", **recipe), Settings(), [Darker()])
    outcomes = [outcome for outcome in job.run() if outcome.variation is not None]
    return outcomes, job.report.as_dict()


def is_mirrored(outcome: Any) -> bool:
    """Judged by the pixels: the left half of every image of `png` is unlike its right half."""
    before = np.asarray(opened_source(outcome).convert("L"), float).ravel()
    after = np.asarray(opened(outcome).convert("L"), float)
    as_it_was, swapped = (np.corrcoef(before, view.ravel())[0, 1] for view in (after, after[:, ::-1]))
    assert max(as_it_was, swapped) > 0.95
    return bool(swapped > as_it_was)


def opened_source(outcome: Any) -> Any:
    return Image.open(io.BytesIO(outcome.source.read()))


def test_photographs_in_classes_are_mirrored_in_about_half_of_their_variations() -> None:
    outcomes, report = made(images("cats", "dogs"), variations=8, seed=3, filters=False)
    mirrored = [is_mirrored(outcome) for outcome in outcomes]
    assert len(mirrored) == 64
    assert 20 < sum(mirrored) < 44
    recorded = [outcome.variation.details.get("geometry", {}).get("mirrored", False) for outcome in outcomes]
    assert recorded == mirrored  # the manifest says of each what its pixels show
    assert report["geometry"] == "flip of those with a class"
    assert [
        notice for notice in report["notices"] if "are flipped horizontally" in notice and "disable flipping" in notice
    ]


def test_a_variation_is_the_same_whether_mirroring_was_asked_for_or_chosen() -> None:
    chosen, asked = (made(images("cats", "dogs"), variations=3, seed=3, geometry=g)[0] for g in ("auto", "flip"))
    assert [o.variation.data for o in chosen] == [o.variation.data for o in asked]


@pytest.mark.parametrize(
    ("sources", "recipe"),
    [
        (images(None), {}),
        (images("cats"), {}),
        (images("cats", "dogs", labels=Boxed()), {}),
        (images("cats", "dogs"), {"mirror": False}),
        (images("cats", "dogs"), {"geometry": "none"}),
        (images("cats", "dogs"), {"strength": 0.0}),
        (images("turn_left", "turn_right"), {}),
    ],
    ids=["loose", "one class", "boxes", "left and right matter", "none asked for", "strength 0", "classes of left"],
)
def test_nothing_else_moves(sources: list[Source], recipe: dict[str, Any]) -> None:
    outcomes, report = made(sources, variations=4, seed=3, filters=False, **recipe)
    assert len(outcomes) == 4 * len(sources)
    assert not any(is_mirrored(outcome) for outcome in outcomes)
    assert not any("geometry" in outcome.variation.details for outcome in outcomes)
    assert not any("are flipped horizontally" in notice for notice in report["notices"])


def test_photographs_without_a_class_are_not_flipped_beside_those_with_one() -> None:
    outcomes, _ = made(images("cats", "dogs", None), variations=8, seed=3, filters=False)
    mirrored = [outcome.source.label for outcome in outcomes if is_mirrored(outcome)]
    assert {"cats", "dogs"} == set(mirrored)


def test_a_bare_mirror_image_is_a_near_copy_unless_it_was_asked_for() -> None:
    """A training that flips by itself would see that image twice."""
    settings, sources = Settings(), Gathered(tuple(images("cats", "dogs")), (), ())
    chosen = Job(sources, Recipe(engine="gan", seed=3, strength=0.5), settings, [Copying()])
    assert {outcome.rejections[-1].filter for outcome in chosen.run()} == {"near_copy"}
    recipe = Recipe(engine="gan", seed=3, strength=0.5, variations=4, geometry="flip", retries=0)
    asked = Job(sources, recipe, settings, [Copying()])
    assert {is_mirrored(outcome) for outcome in asked.run() if outcome.variation is not None} == {True}


SENSITIVE = [
    *("left", "Right Hand", "turnLeft", "LEFTTurn", "lefthand", "turnright", "leftwards", "clockwise"),
    *("b", "7", "７", "A", "upper_B", "Two", "letters", "handwritten"),
    *("road-signs", "trafficsign", "plates", "licenseplate", "arrow_up", "depth", "gt", "input"),
    *("retinas", "fundus_images"),  # a mirrored one would be of the other eye
]
PLAIN = [
    *("cleft", "bright", "upright", "copyright", "n02085620", "class_12", "12", "design", "handbag", "猫", "signal"),
    *("tone", "oneself", "street", "leaflet", "", "masked", "pitbull"),
]


@pytest.mark.parametrize("name", SENSITIVE)
def test_names_that_suggest_left_and_right_writing_or_pairs(name: str) -> None:
    choice = resolve_geometry(Recipe(), seen("cats", name))
    assert choice.with_class == "none"
    assert name in choice.notice  # so that it is seen why, and what to do
    assert "choose the geometry flip" in choice.notice


@pytest.mark.parametrize("name", PLAIN)
def test_names_that_only_look_like_it(name: str) -> None:
    assert resolve_geometry(Recipe(), seen("cats", name)).with_class == "flip"


def test_characters_of_any_script_are_written() -> None:
    assert resolve_geometry(Recipe(), seen("あ", "い", "う")).with_class == "none"


def test_the_folders_around_a_class_count_too() -> None:
    places = [("left/cats/a.png", "cats"), ("right/dogs/b.png", "dogs")]
    assert dataset_traits(places, labelled=False).flip_sensitive == ("left", "right")
    assert resolve_geometry(
        Recipe(), dataset_traits([("plan b/cats/a.png", "cats"), ("x/dogs/b.png", "dogs")], False)
    ).notice


def test_the_choice_does_not_depend_on_the_order_of_the_sources() -> None:
    labels = ["cats", None, "left", "b", "right", "d", "text", "dogs"] * 2
    first = resolve_geometry(Recipe(), seen(*labels))
    for seed in range(5):
        random.Random(seed).shuffle(labels)
        assert resolve_geometry(Recipe(), seen(*labels)) == first
    assert "b, d, left and 2 more" in first.notice


@pytest.mark.parametrize(
    ("beside", "geometry"),
    [
        ({}, "flip"),
        ({"README.txt": b"by hand", "LICENSE.txt": b"free", "classes.txt": b"cats"}, "flip"),
        ({"readme.json": b"{}"}, "flip"),
        ({"cats/a.json": b"{}"}, "none"),
        ({"cats/a.txt": b"1 2"}, "none"),
        ({"landmarks.csv": b"a,1,2"}, "none"),
        ({"annotations.xml": b"<annotations/>"}, "none"),
    ],
)
def test_files_that_may_say_where_an_object_is(tmp_path: Path, beside: dict[str, bytes], geometry: str) -> None:
    """Labels of a kind that is not known would not be moved along; the page says beforehand what the job will do."""
    files = {"cats/a.png": png(seed=1), "dogs/b.png": png(seed=2), **beside}
    given = as_zip(tmp_path / "set.zip", files)
    settings = Settings()
    job = Job(gather([given], limits(settings)), Recipe(engine="gan"), settings, [Darker()])
    assert job.plan.geometry.with_class == geometry
    shown = inspect_uploads([("set.zip", str(given))], settings).as_state()["traits"]
    assert resolve_geometry(Recipe(), DatasetTraits(**shown)) == job.plan.geometry
