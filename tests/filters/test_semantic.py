"""What shows something else than its source is caught, whatever the set; another light or some lost detail is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from augmentai.backbone import BackboneError
from augmentai.dataset.manifest import manifest_line
from augmentai.filters import SemanticFilter
from augmentai.filters.semantic import agreement, changed_image
from augmentai.recipe import Recipe, RecipeError, Thresholds
from augmentai.settings import EXAMPLES
from augmentai.types import Outcome, Source
from tests.support.jobs import job_of
from tests.support.judged import photo_source
from tests.support.scripted_engine import Painter, Scripted

PHOTOS = ("chelsea.png", "china.jpg", "coffee.png", "flower.jpg", "rocket.jpg")
MOST_PIXELS = 10**8


def photo(name: str) -> Image.Image:
    with Image.open(EXAMPLES / name) as opened:
        return opened.convert("RGB").resize((240, 160))


def other(name: str) -> Image.Image:
    return photo(PHOTOS[(PHOTOS.index(name) + 1) % len(PHOTOS)])


def pasted(name: str) -> Image.Image:
    """Another object over the middle three quarters of each side."""
    image = photo(name)
    image.paste(other(name).resize((180, 120)), (30, 20))
    return image


def empty(name: str) -> Image.Image:
    """The ground alone: what stands at the top and at the bottom, and nothing between."""
    rows = np.asarray(photo(name)).astype(np.float32)
    top, bottom = rows[:12].mean((0, 1)), rows[-12:].mean((0, 1))
    share = np.linspace(0, 1, 160)[:, None, None]
    ground = top * (1 - share) + bottom * share + np.random.default_rng(1).normal(0, 6, rows.shape)
    return Image.fromarray(ground.clip(0, 255).astype(np.uint8))


WRONG: dict[str, Callable[[str], Image.Image]] = {
    "another image": other,
    "a pasted object": pasted,
    "empty ground": empty,
    "a sliver": lambda name: photo(name).crop((0, 0, 50, 35)).resize((240, 160)),
}
GOOD: dict[str, Callable[[str], Image.Image]] = {
    "unchanged": photo,
    "darker": lambda name: photo(name).point(lambda v: int(v * 0.55)),
    "warmer": lambda name: ImageOps.colorize(photo(name).convert("L"), "#201008", "#ffe9c8"),
    "less colour": lambda name: ImageEnhance.Color(photo(name)).enhance(0.4),
    "softer": lambda name: photo(name).filter(ImageFilter.GaussianBlur(0.8)),
    "mirrored": lambda name: ImageOps.mirror(photo(name)),
}


@pytest.fixture(scope="module")
def semantic() -> SemanticFilter:
    return SemanticFilter([photo_source(name) for name in PHOTOS], MOST_PIXELS, Recipe().thresholds.semantic)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("how", WRONG)
def test_what_shows_something_else_is_caught(semantic: SemanticFilter, name: str, how: str) -> None:
    assert semantic.compare(photo_source(name), photo(name), WRONG[how](name)) < semantic.least


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("how", GOOD)
def test_good_changes_pass(semantic: SemanticFilter, name: str, how: str) -> None:
    assert semantic.compare(photo_source(name), photo(name), GOOD[how](name)) >= semantic.least


def test_the_threshold_depends_on_the_set_and_not_on_its_order() -> None:
    sources = [photo_source(name) for name in PHOTOS[:3]]
    least = SemanticFilter(sources, MOST_PIXELS, 0.05).least
    assert SemanticFilter(sources[::-1], MOST_PIXELS, 0.05).least == least
    assert SemanticFilter(sources, MOST_PIXELS, 0.5).least > least  # a larger share is stricter
    assert SemanticFilter(sources[:1], MOST_PIXELS, 0.05).least != least


def test_unreadable_images_have_no_part_in_it() -> None:
    broken = Source.from_bytes("broken.jpg", b"no image")
    sources = [photo_source(name) for name in PHOTOS[:2]]
    least = SemanticFilter(sources, MOST_PIXELS, 0.05).least
    assert SemanticFilter([broken, *sources], MOST_PIXELS, 0.05).least == least
    assert SemanticFilter([broken], MOST_PIXELS, 0.05).least == -1


def test_a_change_is_repeatable_and_differs_by_seed() -> None:
    image = np.asarray(photo("coffee.png").resize((160, 160)))
    np.testing.assert_array_equal(changed_image(image, 4), changed_image(image, 4))
    assert np.abs(changed_image(image, 4).astype(int) - changed_image(image, 7)).mean() > 5


def test_no_features_agree_with_anything() -> None:
    assert agreement(np.zeros(3), np.ones(3)) == 1


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"semantic is 1\.5; expected a fraction from 0 to 1"):
        Thresholds(semantic=1.5)


class TestInAJob:
    """An engine that paints the wrong thing in its first attempts."""

    def run(self, paint: Painter, repainted: bool = True, **recipe: Any) -> tuple[Outcome, dict[str, Any]]:
        asked = Recipe(seed=3, engine="gan", geometry="none", **recipe)
        job = job_of(Scripted(paint, repainted=repainted), [photo_source()], asked)
        (outcome,) = job.run()
        return outcome, job.report.as_dict()

    def wrong(self, attempts: int) -> Painter:
        return lambda task: (other if task.attempt < attempts else GOOD["darker"])("chelsea.png")

    def test_it_is_retried(self) -> None:
        outcome, report = self.run(self.wrong(1))
        assert outcome.ok
        assert outcome.rejections[0].filter == "semantic"
        assert "shows something else than its source" in outcome.rejections[0].reason
        assert outcome.rejections[0].scores["semantic"] < outcome.scores["semantic"]
        line = json.loads(manifest_line(outcome))
        assert line["scores"]["semantic"] == outcome.scores["semantic"]
        assert report["rejected"] == {"semantic": 1}
        assert "1 semantic" in report["filtered"]

    def test_it_is_given_up_after_all_attempts(self) -> None:
        outcome, report = self.run(self.wrong(4))
        assert outcome.reason.startswith("rejected in each of 4 attempts: shows something else")
        assert report["left_out"] == 1

    @pytest.mark.parametrize(
        "how",
        [
            pytest.param({"thresholds": Thresholds(semantic=0)}, id="switched off"),
            pytest.param({"filters": False}, id="no filters"),
            pytest.param({"repainted": False}, id="an engine that does not repaint"),
            pytest.param({"strength": 0}, id="strength 0"),
        ],
    )
    def test_it_is_not_measured(self, how: dict[str, Any]) -> None:
        outcome, _ = self.run(self.wrong(4), **how)
        assert outcome.ok
        assert "semantic" not in outcome.scores

    def test_a_network_that_cannot_be_loaded_costs_no_image(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from augmentai.backbone import load

        monkeypatch.setattr(load, "WEIGHTS", Path("missing.safetensors"))
        load._loaded.cache_clear()
        try:
            with pytest.raises(BackboneError):
                load.load_backbone()
            outcome, report = self.run(self.wrong(0))
        finally:
            load._loaded.cache_clear()
        assert outcome.ok
        assert "not compared with what its source shows" in " ".join(report["notices"])
