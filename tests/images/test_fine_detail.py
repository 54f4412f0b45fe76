"""What a model painted small comes back as sharp as its source, where it still shows the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from augmentai.images import fine_detail as detail
from augmentai.images.fine_detail import enlarge

EXAMPLES = Path(__file__).parents[2] / "examples"
LANCZOS = Image.Resampling.LANCZOS
Array = np.ndarray[Any, Any]


def example(name: str) -> Image.Image:
    with Image.open(EXAMPLES / name) as opened:
        return opened.convert("RGB")


def reduced(picture: Image.Image, times: float = 3) -> Image.Image:
    return picture.resize((round(picture.width / times), round(picture.height / times)), LANCZOS)


def error(one: Image.Image, other: Image.Image) -> float:
    """Root of the mean squared difference of the lightness, in levels of 255."""
    difference = np.asarray(one.convert("L"), np.float32) - np.asarray(other.convert("L"), np.float32)
    return float(np.sqrt((difference**2).mean()))


def warmer(picture: Image.Image) -> Image.Image:
    r, g, b = picture.split()
    return Image.merge("RGB", (r.point(lambda v: min(255, v * 0.9 + 40)), g, b.point(lambda v: v * 0.7)))


def flatter(picture: Image.Image) -> Image.Image:
    return picture.point(lambda v: v * 0.5 + 70)


def repainted(picture: Image.Image) -> Image.Image:
    """As a model would have it: a little softer, with noise of its own."""
    noise = np.random.default_rng(0).normal(0, 2, (picture.height, picture.width, 3))
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.5)), np.float32)
    return Image.fromarray((soft + noise).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", ["chelsea.png", "china.jpg", "retina.jpg", "hubble_deep_field.jpg", "rocket.jpg"])
def test_what_was_not_changed_comes_back_as_it_was(name: str) -> None:
    source = example(name)
    small = reduced(source)
    assert error(enlarge(small, small, source), source) < 1
    assert error(small.resize(source.size, LANCZOS), source) > 1


@pytest.mark.parametrize("name", ["chelsea.png", "china.jpg", "coffee.png", "dandelions_clemens_engelhardt.jpg"])
@pytest.mark.parametrize("recolour", [warmer, flatter])
def test_another_look_is_as_sharp_as_the_source(name: str, recolour: Callable[[Image.Image], Image.Image]) -> None:
    """Against the same look given to the source itself: what a model that paints at full size would make."""
    source = example(name)
    wanted = recolour(source)
    painted = repainted(reduced(wanted))
    found = enlarge(painted, reduced(source), source)
    assert error(found, wanted) < 0.7 * error(painted.resize(source.size, LANCZOS), wanted)


@pytest.mark.parametrize("new", ["hubble_deep_field.jpg", "coffee.png", "plain"])
def test_nothing_of_the_source_shows_through_what_is_new(new: str) -> None:
    source = example("chelsea.png")
    small = reduced(source)
    painted = small.copy()
    left, top, right, bottom = small.width // 4, small.height // 4, small.width * 3 // 4, small.height * 3 // 4
    other = Image.new("RGB", small.size, (90, 120, 40)) if new == "plain" else example(new).resize(small.size, LANCZOS)
    painted.paste(other.crop((left, top, right, bottom)), (left, top))
    added = np.asarray(enlarge(painted, small, source), np.float32)
    added -= np.asarray(painted.resize(source.size, LANCZOS), np.float32)
    detail = np.asarray(source, np.float32) - np.asarray(small.resize(source.size, LANCZOS), np.float32)
    inside = (slice((top + 6) * 3, (bottom - 6) * 3), slice((left + 6) * 3, (right - 6) * 3))
    assert np.abs(added[inside]).mean() < 0.05 * np.abs(detail[inside]).mean()


@pytest.mark.parametrize("kind", ["checker", "stripes", "thirds", "halftone"])
def test_a_texture_finer_than_the_small_pictures_does_not_show_through(kind: str) -> None:
    """Cloth, print, a screen: reduced it is as even as the wall that was painted in its place."""
    y, x = np.mgrid[:240, :240]
    inked = {
        "checker": (x + y) % 2,
        "stripes": x // 2 % 2,
        "thirds": x % 3 == 0,
        "halftone": (x % 6 - 3) ** 2 + (y % 6 - 3) ** 2 < 5,
    }[kind]
    source = Image.fromarray((60 + 140 * inked).astype(np.uint8)).convert("RGB")
    painted = Image.new("RGB", (60, 60), (120, 90, 60))
    assert np.asarray(enlarge(painted, source.resize((60, 60), LANCZOS), source).convert("L")).std() < 1.5


def test_a_cameras_grain_is_carried_over() -> None:
    noise = np.random.default_rng(0).normal(128, 5, (300, 300))
    source = Image.fromarray(noise.clip(0, 255).astype(np.uint8)).convert("RGB")
    painted = Image.new("RGB", (100, 100), (120, 90, 60))
    assert np.asarray(enlarge(painted, reduced(source), source).convert("L")).std() > 2, "most of it"


def test_a_strip_that_was_squeezed_keeps_its_detail() -> None:
    source = Image.new("RGB", (4000, 120))
    for left in range(0, 4000, 451):
        source.paste(example("chelsea.png").crop((0, 100, 451, 220)), (left, 0))
    small = source.resize((2048, 128), LANCZOS)
    assert error(enlarge(small, small, source), source) < 0.5 * error(small.resize(source.size, LANCZOS), source)


def test_colours_are_the_models_to_choose() -> None:
    """A red thing that became grey gets no red edges."""
    stripes = np.zeros((90, 120, 3), np.uint8)
    stripes[:, ::3, 0] = 220
    source = Image.fromarray(stripes)
    painted = reduced(source).convert("L").convert("RGB")
    found = np.asarray(enlarge(painted, reduced(source), source), np.int16)
    assert np.ptp(found, axis=-1).max() == 0


def test_strips_meet_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    source = example("coffee.png")
    painted = warmer(reduced(source, 2.7))
    whole = np.asarray(enlarge(painted, reduced(source, 2.7), source), np.int16)
    monkeypatch.setattr(detail, "_STRIP_PX", source.width * 17)  # of the small ones, too: 45 rows at a time
    in_strips = np.asarray(enlarge(painted, reduced(source, 2.7), source), np.int16)
    assert np.abs(whole - in_strips).max() <= 1


@given(
    source_wh=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    painted_wh=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_every_size_comes_back_exactly(source_wh: tuple[int, int], painted_wh: tuple[int, int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    source, painted = (
        Image.fromarray(draw.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in (source_wh, painted_wh)
    )
    found = enlarge(painted, source.resize(painted_wh, LANCZOS), source)
    assert (found.size, found.mode) == (source_wh, "RGB")
    if painted_wh == source_wh:
        assert found.tobytes() == painted.tobytes()


def test_a_picture_of_another_size_than_was_sent_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected the same size"):
        enlarge(Image.new("RGB", (8, 8)), Image.new("RGB", (8, 9)), Image.new("RGB", (30, 30)))
