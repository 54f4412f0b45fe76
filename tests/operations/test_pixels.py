"""Operations that change values in place: light, blur, noise and compression, measured in the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.operations import Operation, apply_operations
from augmentai.operations.defocus_blur import DefocusBlur
from augmentai.operations.downscale import Downscale
from augmentai.operations.exposure import Exposure
from augmentai.operations.jpeg import Jpeg
from augmentai.operations.motion_blur import MotionBlur
from augmentai.operations.noise import Noise
from augmentai.operations.vignette import Vignette
from augmentai.operations.white_balance import WhiteBalance
from tests.support.image_files import colours, deep_values, greys


def made(operation: Operation, image: Image.Image, seed: int = 3) -> Any:
    return np.asarray(apply_operations(image, None, [operation], seed).image).astype(float)


def flat(level: int, size_wh: tuple[int, int] = (64, 48), mode: str = "L") -> Image.Image:
    return Image.new(mode, size_wh, (level,) * 3 if mode == "RGB" else level)


def light(level: float) -> float:
    value = level / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("stops", [-1.0, 1.0])
def test_a_stop_doubles_or_halves_the_light(stops: float) -> None:
    values = made(Exposure(stops=stops, gamma=1), flat(100))  # type: ignore[arg-type]
    assert light(float(values.mean())) / light(100) == pytest.approx(2**stops, rel=0.02)


def test_a_deep_image_gets_the_same_light_in_its_own_range() -> None:
    deep = Image.fromarray(deep_values(top=4095))
    values = made(Exposure(stops=1, gamma=1), deep)  # type: ignore[arg-type]
    assert values.max() == 4095
    assert (np.diff(np.sort(values.ravel())) > 0).mean() > 0.5  # more levels than 8 bits have


def test_white_balance_keeps_the_lightness_of_grey() -> None:
    values = made(WhiteBalance(warmth=1, tint=0), colours())  # type: ignore[arg-type]
    assert values[..., 0].mean() > np.asarray(colours())[..., 0].mean()
    assert values[..., 2].mean() < np.asarray(colours())[..., 2].mean()
    grey = flat(120, mode="RGB")
    grey.putpixel((0, 0), (255, 0, 0))
    red, green, blue = made(WhiteBalance(warmth=1, tint=0), grey)[20, 20]  # type: ignore[arg-type]
    assert 0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue) == pytest.approx(light(120), rel=0.03)


@pytest.mark.parametrize(
    "image", [greys(), greys().convert("RGB"), Image.fromarray(deep_values())], ids=["grey", "colour", "16 bits"]
)
def test_a_grey_image_stays_grey_and_says_so(image: Image.Image) -> None:
    applied = apply_operations(image, None, [WhiteBalance()], 3)
    assert applied.image is image
    assert applied.notices == ("white_balance was left out: the image has no colour",)


def test_a_vignette_darkens_the_corners_alone() -> None:
    values = made(Vignette(amount=0.5), flat(200))  # type: ignore[arg-type]
    corners = values[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert values.max() >= 198
    assert corners.min() <= 110
    assert corners.max() < values.max()


def test_noise_has_the_stated_deviation_and_more_of_it_in_the_light() -> None:
    white, black = (made(Noise(amount=0.05), flat(level, (200, 200))).std() for level in (235, 20))  # type: ignore[arg-type]
    middle = made(Noise(amount=0.05), flat(128, (200, 200)))  # type: ignore[arg-type]
    assert middle.mean() == pytest.approx(128, abs=0.3)
    assert middle.std() == pytest.approx(0.05 * 255 * np.sqrt(0.3 + 0.7 * 128 / 255), rel=0.03)
    assert black < middle.std() < white * 1.5


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_motion_blurs_along_its_direction(share: float) -> None:
    """Also over a path so long that the image is reduced first."""
    image = Image.new("L", (240, 240), 0)
    image.paste(255, (100, 100, 140, 140))
    operation = MotionBlur()
    across = np.asarray(operation.apply(image, None, {"length_px": share * 240, "angle_deg": 0.0})[0]).astype(float)
    assert across.sum() == pytest.approx(np.asarray(image).astype(float).sum(), rel=0.02)
    rows, columns = (across > 25).any(1).sum(), (across > 25).any(0).sum()
    assert columns - 40 >= 0.6 * share * 240
    assert rows <= 46


def test_defocus_spreads_a_point_to_a_disk() -> None:
    image = Image.new("F", (61, 61), 0.0)
    image.putpixel((30, 30), 1000.0)
    spread = np.asarray(DefocusBlur().apply(image, None, {"radius_px": 6.0})[0])
    y, x = np.nonzero(spread > spread.max() / 2)
    distance = np.hypot(y - 30, x - 30)
    assert distance.max() == pytest.approx(6.5, abs=0.6)
    assert len(y) == pytest.approx(np.pi * 6.5**2, rel=0.1)


def test_low_resolution_and_compression_lose_detail() -> None:
    image = colours((128, 96), seed=3)
    before = np.abs(np.diff(np.asarray(image).astype(float), axis=1)).mean()
    assert np.abs(np.diff(made(Downscale(scale=0.4), image), axis=1)).mean() < 0.6 * before  # type: ignore[arg-type]
    worse, better = (np.abs(made(Jpeg(quality=quality), image) - np.asarray(image)).mean() for quality in (10, 90))  # type: ignore[arg-type]
    assert worse > 2 * better > 0


def test_jpeg_is_what_a_jpeg_decodes_to() -> None:
    import io

    image = colours((128, 96), seed=3)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=30)
    np.testing.assert_array_equal(made(Jpeg(quality=30), image), np.asarray(Image.open(buffer)).astype(float))  # type: ignore[arg-type]


@pytest.mark.parametrize("operation", [MotionBlur(length=0.1), DefocusBlur(radius=0.05), Downscale(scale=0.3)])  # type: ignore[arg-type]
def test_what_is_hidden_under_clear_pixels_never_shows(operation: Operation) -> None:
    values = np.zeros((64, 64, 4), np.uint8)
    values[:, :32] = (0, 200, 0, 255)
    values[:, 32:] = (255, 0, 0, 0)  # red that nobody sees
    after = made(operation, Image.fromarray(values))
    opaque = after[..., 3] > 0
    assert opaque.sum() == 64 * 32
    assert after[opaque][:, 0].max() <= 2
    assert after[opaque][:, 1].min() >= 198
