"""Images painted at a small size come back as sharp as their source where both show the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from augmentai.images import fine_detail
from augmentai.images.fine_detail import enlarge

EXAMPLES = Path(__file__).parents[2] / "examples"
LANCZOS = Image.Resampling.LANCZOS
Array = np.ndarray[Any, Any]


def example(name: str) -> Image.Image:
    with Image.open(EXAMPLES / name) as opened:
        return opened.convert("RGB")


def reduced(image: Image.Image, times: float = 3) -> Image.Image:
    return image.resize((round(image.width / times), round(image.height / times)), LANCZOS)


def error(one: Image.Image, other: Image.Image) -> float:
    """Root of the mean squared difference of the lightness, in levels of 255."""
    difference = np.asarray(one.convert("L"), np.float32) - np.asarray(other.convert("L"), np.float32)
    return float(np.sqrt((difference**2).mean()))


def warmer(image: Image.Image) -> Image.Image:
    r, g, b = image.split()
    return Image.merge("RGB", (r.point(lambda v: min(255, v * 0.9 + 40)), g, b.point(lambda v: v * 0.7)))


def flatter(image: Image.Image) -> Image.Image:
    return image.point(lambda v: v * 0.5 + 70)


def repainted(image: Image.Image) -> Image.Image:
    """As a model would return it: a little softer, with noise of its own."""
    noise = np.random.default_rng(0).normal(0, 2, (image.height, image.width, 3))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.5)), np.float32)
    return Image.fromarray((soft + noise).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", ["chelsea.png", "china.jpg", "retina.jpg", "hubble_deep_field.jpg", "rocket.jpg"])
def test_an_unchanged_image_regains_its_detail(name: str) -> None:
    source = example(name)
    small = reduced(source)
    assert error(enlarge(small, small, source), source) < 1
    assert error(small.resize(source.size, LANCZOS), source) > 1


@pytest.mark.parametrize("name", ["chelsea.png", "china.jpg", "coffee.png", "dandelions_clemens_engelhardt.jpg"])
@pytest.mark.parametrize("recolour", [warmer, flatter])
def test_recoloured_images_are_as_sharp_as_the_source(
    name: str, recolour: Callable[[Image.Image], Image.Image]
) -> None:
    """Compared with the same colours applied to the source itself, as a model painting at full size would."""
    source = example(name)
    wanted = recolour(source)
    painted = repainted(reduced(wanted))
    found = enlarge(painted, reduced(source), source)
    assert error(found, wanted) < 0.7 * error(painted.resize(source.size, LANCZOS), wanted)


@pytest.mark.parametrize("new", ["hubble_deep_field.jpg", "coffee.png", "plain"])
def test_the_source_does_not_show_through_new_content(new: str) -> None:
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
def test_texture_too_fine_for_the_small_images_does_not_show_through(kind: str) -> None:
    """Cloth, print, a screen: reduced, it is as flat as the wall that was painted in its place."""
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


def test_camera_grain_is_kept() -> None:
    noise = np.random.default_rng(0).normal(128, 5, (300, 300))
    source = Image.fromarray(noise.clip(0, 255).astype(np.uint8)).convert("RGB")
    painted = Image.new("RGB", (100, 100), (120, 90, 60))
    assert np.asarray(enlarge(painted, reduced(source), source).convert("L")).std() > 2, "most of it"


def test_a_squeezed_strip_keeps_its_detail() -> None:
    source = Image.new("RGB", (4000, 120))
    for left in range(0, 4000, 451):
        source.paste(example("chelsea.png").crop((0, 100, 451, 220)), (left, 0))
    small = source.resize((2048, 128), LANCZOS)
    assert error(enlarge(small, small, source), source) < 0.5 * error(small.resize(source.size, LANCZOS), source)


def test_colours_are_the_models_choice() -> None:
    """A red object that became grey gets no red edges."""
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
    monkeypatch.setattr(fine_detail, "_STRIP_PX", source.width * 17)  # of the small ones, too: 45 rows
    in_strips = np.asarray(enlarge(painted, reduced(source, 2.7), source), np.int16)
    assert np.abs(whole - in_strips).max() <= 1


@given(
    source_wh=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    painted_wh=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_output_has_the_size_of_the_source(source_wh: tuple[int, int], painted_wh: tuple[int, int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    source, painted = (
        Image.fromarray(draw.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in (source_wh, painted_wh)
    )
    found = enlarge(painted, source.resize(painted_wh, LANCZOS), source)
    assert (found.size, found.mode) == (source_wh, "RGB")
    if painted_wh == source_wh:
        assert found.tobytes() == painted.tobytes()


def test_images_of_different_sizes_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected the same size"):
        enlarge(Image.new("RGB", (8, 8)), Image.new("RGB", (8, 9)), Image.new("RGB", (30, 30)))
