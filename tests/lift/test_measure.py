"""The measurement end to end: real images, the shipped network, real variations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from augmentai.lift import LiftError, LiftStoppedError, fine_tune, learners, measure
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES, Settings
from tests.lift.conftest import shapes

NOTHING = Recipe(engine="gan", strength=0, geometry="none", filters=False, variations=1)
LIGHT = Recipe(engine="gan", variations=1, filters=False)


def test_a_set_with_test_images(shapes_folder: Path) -> None:
    seen: list[float] = []
    before = sorted(shapes_folder.rglob("*"))
    report = measure(
        shapes_folder,
        {"light": LIGHT, "nothing": NOTHING},
        seed=3,
        on_progress=lambda words, share: seen.append(share),
    )
    assert (report.set, report.split, report.classes, report.pictures, report.training) == ("shapes", "test", 2, 10, 8)
    assert (report.repeats, report.seed, report.backbone) == (10, 3, "efficientnet-lite0")
    light, nothing = report.recipes
    assert (light.recipe, nothing.recipe) == ("light", "nothing"), "the order asked"
    assert light.baseline > 75, "discs and grids are easy to tell apart"
    assert light.pictures == 10
    assert (nothing.verdict, nothing.difference, nothing.interval) == ("cannot tell", 0.0, (0.0, 0.0))
    assert nothing.notes[0] == "this recipe changes nothing"
    assert nothing.baseline == light.baseline
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1, abs=0.2)
    assert sorted(shapes_folder.rglob("*")) == before, "nothing is written to the set"


def test_folds_and_the_same_answer_for_the_same_seed() -> None:
    first, second = (measure(shapes(2), {"light": LIGHT}, seed=5) for _ in range(2))
    assert (first.split, first.pictures, first.training) == ("folds", 4, 4)
    assert first.recipes == second.recipes
    assert first.recipes[0].verdict == "cannot tell", "four images tell nothing"
    assert first.as_dict()["recipes"][0]["shifted"]["interval"][0] <= 0


def test_deep_trains_all_layers_and_says_how_long_that_takes(
    shapes_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tune, "BATCH", 4)  # short trainings: that they are of use is measured elsewhere
    monkeypatch.setattr(fine_tune, "LEAST_STEPS", 2)
    monkeypatch.setattr(fine_tune, "MOST_STEPS", 2)
    monkeypatch.setattr(learners.FineTuning, "side_px", 64)
    costs: list[str] = []
    seen: list[float] = []
    report = measure(
        shapes_folder,
        {"light": LIGHT, "nothing": NOTHING},
        deep=True,
        on_cost=costs.append,
        on_progress=lambda words, share: seen.append(share),
    )
    light, nothing = report.recipes
    assert (report.method, report.repeats, light.pictures) == ("fine-tune", 5, 10)
    assert re.fullmatch(r"training all layers: 30 steps of [\d.]+ s on the [CG]PU, about \d+ minutes?", costs[0])
    assert light.interval[0] <= light.difference <= light.interval[1]
    assert nothing.notes[0] == "this recipe changes nothing"
    assert seen == sorted(seen)


def test_a_deep_measurement_ends_when_asked_to(shapes_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_tune, "BATCH", 4)
    monkeypatch.setattr(learners.FineTuning, "side_px", 64)
    training: list[str] = []
    with pytest.raises(LiftStoppedError):
        measure(
            shapes_folder,
            {"light": LIGHT},
            deep=True,
            on_progress=lambda words, share: training.append(words),
            should_stop=lambda: training.count("training and comparing") == 2,
        )
    assert training.count("training and comparing") == 2


def test_engines_that_cost_credits_are_not_used_unasked() -> None:
    settings = Settings(stability_api_key="sk-test")
    with pytest.raises(LiftError, match="engine stability costs credits, and a measurement spends them only if asked"):
        measure(shapes(2), {"hosted": Recipe(engine="stability")}, settings=settings)


@pytest.mark.parametrize(
    ("recipes", "settings", "expected"),
    [
        pytest.param({}, Settings(), "no recipe to measure", id="none"),
        pytest.param([Recipe(), Recipe(layout="folders")], Settings(), "read the set in several ways", id="layouts"),
        pytest.param(
            {"a": Recipe(engine="gan")},
            Settings(gan_weights=Path("missing.safetensors")),
            r"no engine is ready \(gan: the weights file missing.safetensors",
            id="no-engine",
        ),
    ],
)
def test_what_cannot_be_asked(recipes: object, settings: Settings, expected: str) -> None:
    with pytest.raises(LiftError, match=expected):
        measure(shapes(2), recipes, settings=settings)  # type: ignore[arg-type]


def test_it_can_be_stopped() -> None:
    asked = iter([False] * 3)
    with pytest.raises(LiftStoppedError):
        measure(shapes(3), {"light": LIGHT}, should_stop=lambda: next(asked, True))


def test_images_that_all_equal_each_other_cannot_be_measured(tmp_path: Path) -> None:
    photo = Image.open(EXAMPLES / "chelsea.png").convert("RGB").resize((120, 80))
    for number in range(6):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        photo.save(tmp_path / "ab"[number % 2] / f"{number}.jpg", quality=80 + number)
    with pytest.raises(LiftError, match="all 6 images nearly equal each other"):
        measure(tmp_path, {"nothing": NOTHING})
