"""Jobs that repaint a part of each image: what is sent, what it costs, and that the rest comes back to the bit."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.annotations import Labels, Shape
from augmentai.engines.stability import StabilityEngine
from augmentai.images.encode import DIGITAL_SOURCE_TYPES
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import run_job, settings_for
from tests.support.image_files import encoded
from tests.support.known_labels import KnownLabels

PRICE = 5.0
BOX = (20, 12, 60, 44)
BACKGROUND = Recipe(engine="stability", seed=7, repaint="background", filters=False, output_format="png")
OBJECTS = replace(BACKGROUND, repaint="objects")


def noise(size_wh: tuple[int, int] = (96, 72), seed: int = 1) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    return Image.fromarray(values)


def source(image: Image.Image | None = None, labels: Labels | None = None, path: str = "a.png") -> Source:
    known = KnownLabels(labels if labels is not None else Labels((Shape("cat", BOX),)))
    return replace(Source.from_bytes(path, encoded(image or noise(), "PNG")), labels=known)


def written(outcome: Outcome) -> np.ndarray[Any, Any]:
    assert outcome.variation is not None, outcome.reason
    with Image.open(io.BytesIO(outcome.variation.data)) as image:
        return np.asarray(image)


def inside(box: tuple[int, int, int, int], size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    mask = np.zeros(size_wh[::-1], bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def test_the_form_has_a_mask_and_no_strength(emulator: Emulator) -> None:
    recipe = replace(BACKGROUND, prompt="in snow", negative_prompt="text", strength=0.4)
    settings = settings_for(emulator, stability_fields={"style_preset": "photographic"}, stability_endpoint="ultra")
    ran = run_job(settings, [source()], recipe)
    (request,) = emulator.stats()["requests"]
    assert request["path"] == "/v2beta/stable-image/edit/inpaint"
    assert request["fields"] == {
        "prompt": "in snow",
        "negative_prompt": "text",
        "seed": str(ran.outcomes[0].seed),
        "output_format": "png",
        "grow_mask": "0",
        "style_preset": "photographic",
    }
    assert request["files"]["mask"]["size"] == request["files"]["image"]["size"] == [96, 72]
    variation = ran.outcomes[0].variation
    assert variation is not None
    assert variation.model == "inpaint"
    assert variation.details["endpoint"] == "edit/inpaint"
    assert variation.details["repaint"] == {"of": "background", "share": 0.8148, "feather_px": 2.0}
    assert variation.details["credits"] == ran.report.credits == emulator.stats()["charged"] == PRICE
    assert DIGITAL_SOURCE_TYPES[1].encode() in variation.data, "a real photograph that a model has altered"


SIZES = [
    ((96, 72), "as it is"),
    ((40, 30), "smaller than the service accepts"),
    ((300, 70), "longer than other calls of the service accept"),
]


@pytest.mark.parametrize("size_wh", [row[0] for row in SIZES], ids=[row[1] for row in SIZES])
@pytest.mark.parametrize("part", ["background", "objects"])
def test_what_is_kept_is_the_sources_own_at_every_size(emulator: Emulator, part: str, size_wh: tuple[int, int]) -> None:
    box = (size_wh[0] // 5, size_wh[1] // 6, size_wh[0] // 2, size_wh[1] // 2)
    image = noise(size_wh)
    ran = run_job(
        settings_for(emulator), [source(image, Labels((Shape("cat", box),)))], replace(BACKGROUND, repaint=part)
    )
    found, original, labelled = written(ran.outcomes[0]), np.asarray(image), inside(box, size_wh)
    kept = labelled if part == "background" else ~labelled
    assert (found[kept] == original[kept]).all()
    assert (found[~kept] != original[~kept]).any(-1).mean() > 0.8


@pytest.mark.parametrize("size", [(64, 48), (192, 144), (100, 100)])
def test_an_answer_of_another_size_changes_nothing_of_that(emulator: Emulator, size: tuple[int, int]) -> None:
    emulator.fault("other-size", size=list(size))
    image = noise()
    ran = run_job(settings_for(emulator), [source(image)], BACKGROUND)
    found, labelled = written(ran.outcomes[0]), inside(BOX, image.size)
    assert (found[labelled] == np.asarray(image)[labelled]).all()
    assert (found[~labelled] != np.asarray(image)[~labelled]).any(-1).mean() > 0.8


@pytest.mark.parametrize(
    "kind",
    [
        "RGBA",  # with transparent parts, which the service never sees
        "L",
        "LA",
        "I;16",  # more depth than the service returns
    ],
)
def test_every_kind_of_pixels_is_kept(emulator: Emulator, kind: str) -> None:
    rng = np.random.default_rng(3)
    if kind == "I;16":
        image = Image.fromarray(rng.integers(0, 65536, (72, 96), dtype=np.uint16))
    else:
        channels = [Image.fromarray(rng.integers(0, 256, (72, 96), dtype=np.uint8)) for _ in kind]
        image = channels[0] if len(channels) == 1 else Image.merge(kind, channels)
    ran = run_job(settings_for(emulator), [source(image)], BACKGROUND)
    found, labelled = written(ran.outcomes[0]), inside(BOX, image.size)
    assert (found[labelled] == np.asarray(image)[labelled]).all()
    assert (found[~labelled] != np.asarray(image)[~labelled]).mean() > 0.3


def test_images_alike_with_other_labels_have_masks_of_their_own(emulator: Emulator) -> None:
    image = noise()
    others = Labels((Shape("dog", (50, 40, 90, 70)),))
    ran = run_job(settings_for(emulator), [source(image), source(image, others, "b.png")], BACKGROUND)
    for outcome in ran.outcomes:
        box = BOX if outcome.source.path == "a.png" else (50, 40, 90, 70)
        labelled = inside(box, image.size)
        assert (written(outcome)[labelled] == np.asarray(image)[labelled]).all()
        assert (
            written(outcome)[inside((2, 50, 18, 70), image.size)] != np.asarray(image)[50:70, 2:18].reshape(-1, 3)
        ).any()


def test_what_cannot_be_repainted_is_said_and_costs_nothing(emulator: Emulator) -> None:
    sources = [source(path="a.png"), source(noise(seed=2), Labels(), "b.png")]
    ran = run_job(settings_for(emulator), sources, BACKGROUND, [StabilityEngine(settings_for(emulator))])
    by_path = {outcome.source.path: outcome for outcome in ran.outcomes}
    assert by_path["a.png"].ok
    assert not by_path["b.png"].ok
    assert by_path["b.png"].reason.endswith("stability: not repainted: nothing is labelled in it")
    assert emulator.stats()["charged"] == PRICE


def test_more_than_an_engine_may_set_aside_at_once(emulator: Emulator) -> None:
    unlabelled = [source(noise(seed=10 + i), Labels(), f"{i:02}.png") for i in range(20)]
    sources = [*unlabelled[:19], source(path="middle.png"), *unlabelled[19:]]
    ran = run_job(settings_for(emulator), sources, BACKGROUND, [StabilityEngine(settings_for(emulator))])
    assert sorted(outcome.source.path for outcome in ran.outcomes) == sorted(one.path for one in sources)
    assert [outcome.source.path for outcome in ran.outcomes if outcome.ok] == ["middle.png"]


def test_the_next_engine_makes_it_and_says_that_it_does_not_repaint(emulator: Emulator) -> None:
    sources = [source(path="a.png"), source(noise(seed=2), Labels(), "b.png")]
    ran = run_job(settings_for(emulator), sources, replace(BACKGROUND, engine="auto"))
    by_path = {outcome.source.path: outcome for outcome in ran.outcomes}
    assert ran.engines == {"stability": 1, "gan": 1}
    (fallback,) = by_path["b.png"].fallbacks
    assert fallback.reason == "not repainted: nothing is labelled in it"
    assert by_path["b.png"].notices == ("made by Local GAN, which does not repaint, so the whole image changed",)
    variation = by_path["b.png"].variation
    assert variation is not None
    assert "repaint" not in variation.details


def test_class_folders_keep_their_subject(emulator: Emulator) -> None:
    photo = Image.new("RGB", (160, 160), (90, 120, 150))
    ImageDraw.Draw(photo).ellipse((50, 50, 110, 110), fill=(220, 60, 20))
    plain = Image.new("RGB", (160, 160), (90, 120, 150))
    sources = [Source.from_bytes(f"c/{i}.png", encoded(one, "PNG"), "c") for i, one in enumerate((photo, plain))]
    ran = run_job(settings_for(emulator), sources, BACKGROUND, [StabilityEngine(settings_for(emulator))])
    subject, nothing = sorted(ran.outcomes, key=lambda outcome: outcome.source.path)
    assert (written(subject)[70:90, 70:90] == (220, 60, 20)).all()
    assert (written(subject)[:20, :20] != (90, 120, 150)).any()
    assert "not repainted: nothing stands out from the surroundings" in nothing.reason


def test_filters_do_not_reject_what_was_asked_for(emulator: Emulator) -> None:
    """Small objects change little of an image, and another scene is not what its source shows."""
    recipe = replace(OBJECTS, filters=True, variations=3)
    small = Labels((Shape("cat", (20, 12, 34, 24)),))
    photo = noise((16, 12)).resize((200, 150), Image.Resampling.BICUBIC)
    ran = run_job(settings_for(emulator), [source(photo, small)], recipe)
    assert [outcome.ok for outcome in ran.outcomes] == [True] * 3, ran.reasons
    ran = run_job(settings_for(emulator), [source(photo)], replace(BACKGROUND, filters=True))
    assert ran.outcomes[0].ok, ran.reasons
    assert "semantic" not in ran.outcomes[0].scores


def test_prices_and_what_has_no_effect_are_known_beforehand() -> None:
    settings = Settings(stability_api_key="sk-1", stability_fields={"cfg_scale": 5, "style_preset": "enhance"})
    engine = StabilityEngine(settings)
    assert engine.credits_per_image(BACKGROUND) == 5
    assert engine.credits_per_image(Recipe()) == 3.5
    assert engine.unused_settings(BACKGROUND) == ("Stability AI knows no cfg_scale where it paints a part: not sent",)
    assert engine.unused_settings(replace(BACKGROUND, strength=0.5))[0] == (
        "Stability AI paints a part entirely anew: the strength has no effect on it"
    )
    dearer = StabilityEngine(settings.model_copy(update={"stability_prices": {"inpaint": 6.0}}))
    estimate = dearer.estimate(BACKGROUND, 10)
    assert estimate is not None
    assert estimate.credits == 60
