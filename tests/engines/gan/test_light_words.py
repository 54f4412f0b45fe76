"""The words of a prompt that the local GAN follows, what it makes of them, and what it says of the others."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.readers.gather import Gathered
from augmentai.engines.gan import GanEngine
from augmentai.engines.gan.light_words import follows_any, not_followed, presets_in
from augmentai.pipeline.job import Job
from augmentai.recipe import Recipe
from augmentai.recipe.prompt_words import PROMPT_SETS, WORDS
from augmentai.settings import EXAMPLES, Settings
from augmentai.types import Outcome, Source

SETTINGS = Settings()


@pytest.fixture(scope="module")
def engine() -> GanEngine:
    return GanEngine(SETTINGS)


@pytest.fixture(scope="module")
def source() -> Source:
    buffer = io.BytesIO()
    with Image.open(EXAMPLES / "coffee.png") as photo:
        photo.convert("RGB").resize((96, 64)).save(buffer, "PNG")
    return Source.from_bytes("cups/a.png", buffer.getvalue(), "cups")


def made(engine: GanEngine, source: Source, **recipe: Any) -> list[Outcome]:
    wanted = Recipe(**{"engine": "gan", "seed": 3, "strength": 0.7, "geometry": "none", "filters": False} | recipe)
    outcomes = list(Job(Gathered((source,), (), ()), wanted, SETTINGS, [engine]).run())
    return sorted(outcomes, key=lambda outcome: outcome.index)


def pixels(outcome: Outcome) -> np.ndarray[Any, Any]:
    assert outcome.image is not None, outcome.reason
    return np.asarray(outcome.image, np.float32)


@pytest.mark.parametrize(
    ("prompt", "presets"),
    [
        ("a street at dusk", ("dusk",)),
        ("NIGHT, fog", ("night", "fog")),
        ("fog at night", ("fog", "night")),
        ("fog, night and warm light", ("fog", "night")),  # a time and a weather
        ("foggy", ("fog",)),
        ("a nightingale", ()),  # part of another word
        ("a night-time frog", ()),
        ("in golden hour", ("warm",)),
        ("a red car", ()),
        ("", ()),
    ],
)
def test_presets_of_a_prompt(prompt: str, presets: tuple[str, ...]) -> None:
    assert presets_in(prompt) == presets


@pytest.mark.parametrize("name", ["weather", "time"])
def test_each_bundled_weather_and_time_has_a_light(name: str) -> None:
    assert all(presets_in(f"in {word}") for word in WORDS[name])


@pytest.mark.parametrize(
    ("prompt", "left"),
    [
        ("at dusk", ()),
        ("a photo of the {label} in warm light", ()),
        ("a {label} in heavy rain at night", ("heavy rain",)),  # its light is followed, the rain is not painted
        ("a red car in fog", ("a red car",)),
        ("in {weather: fog | snow}", ("snow",)),
    ],
)
def test_what_is_left_of_a_prompt(prompt: str, left: tuple[str, ...]) -> None:
    assert not_followed(prompt) == left


LUMA = (0.299, 0.587, 0.114)


@pytest.mark.parametrize(
    ("word", "darker", "redder"),
    [
        ("night", True, False),
        ("dusk", True, True),
        ("fog", False, None),
        ("warm light", None, True),
        ("cold light", None, False),
        ("noon", False, None),
        ("overcast", True, None),
    ],
)
def test_each_word_shows(
    engine: GanEngine, source: Source, word: str, darker: bool | None, redder: bool | None
) -> None:
    with Image.open(io.BytesIO(source.read())) as photo:
        before = np.asarray(photo, np.float32)
    (outcome,) = made(engine, source, prompt=f"a {{label}}, {word}")
    after = pixels(outcome)
    variation = outcome.variation
    assert variation is not None
    assert variation.details["donor"] == "none"
    assert variation.details["light"] == [*presets_in(word)]
    assert variation.prompt == f"a cups, {word}"
    if darker is not None:
        assert (float((after @ LUMA).mean()) < float((before @ LUMA).mean()) - 1) == darker
    if redder is not None:
        ratios = [float(image[..., 0].mean() / image[..., 2].mean()) for image in (before, after)]
        assert (ratios[1] > ratios[0]) == redder


def test_without_a_word_for_light_pixels_are_what_they_were(engine: GanEngine, source: Source) -> None:
    plain, *others = (made(engine, source, prompt=prompt) for prompt in ("", "a red {label}", "a {colour: red | blue}"))
    for other in others:
        assert (pixels(plain[0]) == pixels(other[0])).all()
        assert other[0].variation is not None
        assert other[0].variation.prompt == ""
        assert "drawn" not in other[0].variation.details


def test_variations_are_lit_by_the_words_that_were_drawn(engine: GanEngine, source: Source) -> None:
    outcomes = made(engine, source, prompt="{time} and {weather}", variations=8, filters=True)
    assert all(outcome.ok for outcome in outcomes), [outcome.reason for outcome in outcomes]
    details = [outcome.variation.details for outcome in outcomes if outcome.variation]
    for one in details:
        assert one["light"] == [*presets_in("{time} and {weather}".format(**one["drawn"]))]
    assert len({tuple(one["light"]) for one in details}) > 3
    again = made(engine, source, prompt="{time} and {weather}", variations=8, filters=True)
    assert [outcome.variation.data for outcome in again] == [outcome.variation.data for outcome in outcomes]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"prompt": "at dusk"}, ("Local GAN follows the light of the prompt alone",)),
        (
            {"prompt": "a red car at dusk"},
            ("Local GAN follows the light of the prompt alone: does not paint a red car",),
        ),
        (
            {"prompt": "at dusk", "negative_prompt": "text"},
            ("Local GAN follows the light of the prompt alone: does not read the negative prompt",),
        ),
        ({"prompt": "a red car"}, ("Local GAN does not read the prompt",)),
        ({"negative_prompt": "at night"}, ("Local GAN does not read the prompt",)),
        ({}, ()),
        (
            {"prompt": "at dusk", "repaint": "background"},
            (
                "Local GAN follows the light of the prompt alone",
                "Local GAN changes whole images and cannot repaint a part: repaint background has no effect",
            ),
        ),
    ],
)
def test_what_is_said_before_the_run(engine: GanEngine, recipe: dict[str, Any], says: tuple[str, ...]) -> None:
    assert engine.unused_settings(Recipe(**recipe)) == says


def test_prompts_that_say_the_same_to_it_do_not_differ(engine: GanEngine) -> None:
    assert engine.follows(Recipe(prompt="a red car")) == engine.follows(Recipe(negative_prompt="text")) == ""
    assert engine.follows(Recipe(prompt="at dusk")) != engine.follows(Recipe(prompt="at night"))
    assert follows_any("\n".join(PROMPT_SETS["driving"]))
    assert not follows_any("a {colour: red | blue}")
