"""Pictures on their way to the hosted API and back: within its limits, and every point where it was."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.engines.canvas import AnswerError, prepare, prepare_mask, restore
from augmentai.engines.stability.endpoints import ENDPOINTS, INPAINT
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES
from augmentai.types import Source
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import run_job, settings_for
from tests.support.image_files import alpha_of, colours, deep_values, encoded, exif_with, greys

SIZES_WH = [
    *[(8, 8), (9, 200), (32, 32), (64, 64), (451, 300), (640, 427), (1024, 1024), (1000, 999)],
    *[(1920, 1080), (2000, 100), (100, 2000), (3000, 8), (2400, 1800), (63, 157), (1536, 614)],
]


@pytest.mark.parametrize("endpoint", ["sd3", "ultra", "structure"])
@pytest.mark.parametrize("size_wh", SIZES_WH, ids=str)
def test_every_size_is_taken_and_comes_back_as_it_was(endpoint: str, size_wh: tuple[int, int]) -> None:
    """What is sent lies within the limits; sent back untouched it is the source again, but for resampling."""
    call = ENDPOINTS[endpoint].canvas
    picture = smooth(size_wh)
    sent = prepare(picture, call)
    width, height = sent.sent_wh
    assert min(sent.sent_wh) >= 64
    assert max(sent.sent_wh) <= call.max_side_px
    assert call.min_pixels <= width * height <= call.max_pixels
    assert 1 / 2.5 <= width / height <= 2.5
    assert len(sent.data) < 10 * 1024 * 1024
    with Image.open(io.BytesIO(sent.data)) as opened:
        assert opened.size == sent.sent_wh
    back, _ = restore(sent.data, sent, picture)
    assert back.size == size_wh
    assert difference(back, picture) < 12


@pytest.mark.parametrize("endpoint", ["sd3", "ultra", "structure"])
@pytest.mark.parametrize("size_wh", [(8, 8), (451, 300), (900, 90), (60, 700)], ids=str)
def test_over_http_the_source_shines_through_at_its_place(
    emulator: Emulator,  # noqa: F811
    endpoint: str,
    size_wh: tuple[int, int],
) -> None:
    source = Source.from_bytes("a.png", encoded(smooth(size_wh)))
    settings = settings_for(emulator, stability_endpoint=endpoint)
    ran = run_job(settings, [source], Recipe(engine="stability", strength=0.02, seed=5, filters=False))
    assert ran.outcomes[0].variation is not None, ran.outcomes[0].reason
    assert ran.outcomes[0].variation.image.size == size_wh
    assert "fine_detail" not in ran.outcomes[0].variation.details, "it is smaller than what is sent"
    assert difference(ran.outcomes[0].variation.image, smooth(size_wh)) < 14


def test_a_large_photograph_stays_sharp(emulator: Emulator) -> None:  # noqa: F811
    """Six megapixels go out as one: what is finer than that comes back from the source."""
    photo = Image.new("RGB", (2706, 2400))
    with Image.open(EXAMPLES / "chelsea.png") as opened:
        for number in range(48):
            photo.paste(opened.convert("RGB"), (number % 6 * 451, number // 6 * 300))
    settings = settings_for(emulator, stability_endpoint="sd3")
    ran = run_job(
        settings,
        [Source.from_bytes("a.png", encoded(photo, compress_level=1))],
        Recipe(engine="stability", strength=0.1, seed=5, filters=False),
    )
    assert ran.outcomes[0].variation is not None, ran.outcomes[0].reason
    assert ran.outcomes[0].variation.details["fine_detail"] == "of the source"
    image = ran.outcomes[0].variation.image
    assert image.size == photo.size
    soft = photo.resize((902, 800), Image.Resampling.LANCZOS).resize(photo.size, Image.Resampling.LANCZOS)
    assert sharpness(image) > 0.8 * sharpness(photo)
    assert sharpness(soft) < 0.6 * sharpness(photo)


def sharpness(picture: Image.Image) -> float:
    """Mean step of the lightness from pixel to pixel."""
    return float(np.abs(np.diff(np.asarray(picture.convert("L"), np.int16))).mean())


@pytest.mark.parametrize("answer_wh", [(1024, 1024), (512, 512), (1344, 768), (777, 1001)], ids=str)
def test_whatever_size_comes_back_it_ends_as_the_source(answer_wh: tuple[int, int]) -> None:
    picture = colours((300, 200))
    sent = prepare(picture, ENDPOINTS["sd3"].canvas)
    assert restore(encoded(colours(answer_wh), compress_level=1), sent, picture)[0].size == (300, 200)


def test_noise_of_a_camera_stays_below_the_limit_of_a_request(emulator: Emulator) -> None:  # noqa: F811
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3400, 3), dtype=np.uint8)
    source = Source.from_bytes("a.jpg", encoded(Image.fromarray(noise), "JPEG", quality=90))
    recipe = Recipe(engine="stability", prompt="x" * 10_000, negative_prompt="ö" * 10_000, seed=5, filters=False)
    ran = run_job(settings_for(emulator), [source], recipe)
    assert ran.outcomes[0].ok, ran.outcomes[0].reason
    request = emulator.stats()["requests"][0]
    assert request["bytes"] < 10 * 1024 * 1024
    assert request["files"]["image"]["size"] == [3270, 2885]
    assert ran.outcomes[0].variation is not None
    assert ran.outcomes[0].variation.image.size == (3400, 3000)


KINDS = [
    ("upright", encoded(colours((40, 60)), "JPEG", exif=exif_with(6)), (60, 40), "RGB"),
    ("grey", encoded(greys((40, 60))), (40, 60), "L"),
    ("deep", encoded(Image.fromarray(deep_values((40, 60)))), (40, 60), "I;16"),
]


@pytest.mark.parametrize(("kind", "data", "size_wh", "mode"), KINDS, ids=[kind[0] for kind in KINDS])
def test_every_kind_of_image_is_sent_upright_and_in_colour(
    emulator: Emulator,  # noqa: F811
    kind: str,
    data: bytes,
    size_wh: tuple[int, int],
    mode: str,
) -> None:
    ran = run_job(
        settings_for(emulator), [Source.from_bytes("a.png", data)], Recipe(engine="stability", seed=5, filters=False)
    )
    made = ran.outcomes[0].variation
    assert made is not None, ran.outcomes[0].reason
    assert (made.image.size, made.image.mode) == (size_wh, mode)
    sent = emulator.stats()["requests"][0]["files"]["image"]
    assert sent["mode"] == "RGB"
    assert (sent["size"][0] > sent["size"][1]) == (size_wh[0] > size_wh[1])


def test_transparency_is_painted_over_before_sending_and_put_back(emulator: Emulator) -> None:  # noqa: F811
    picture = colours((64, 64))
    picture.putalpha(alpha_of((64, 64)))
    source = Source.from_bytes("a.png", encoded(picture))
    ran = run_job(settings_for(emulator), [source], Recipe(engine="stability", seed=5, filters=False))
    made = ran.outcomes[0].variation
    assert made is not None
    assert made.image.getchannel("A").tobytes() == alpha_of((64, 64)).tobytes()
    assert emulator.stats()["requests"][0]["files"]["image"]["mode"] == "RGB"


BAD = [
    (b"", "an empty answer"),
    (b"<html>", "something that is not an image"),
    (encoded(colours())[:200], "a corrupt or truncated image"),
    (encoded(Image.new("RGB", (4100, 4000)), "JPEG"), "far more than was asked for"),
    (encoded(colours(), "GIF"), "something that is not an image"),
]


@pytest.mark.parametrize(("data", "says"), BAD, ids=[says for _, says in BAD])
def test_bytes_that_cannot_be_used(data: bytes, says: str) -> None:
    with pytest.raises(AnswerError, match=says):
        restore(data, prepare(colours(), ENDPOINTS["structure"].canvas), colours())


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGBA", "PNG"), ("L", "PNG"), ("P", "PNG"), ("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "WEBP")]
)
def test_answers_of_every_mode_become_rgb(mode: str, kind: str) -> None:
    sent = prepare(colours(), ENDPOINTS["structure"].canvas)
    back, _ = restore(encoded(colours(sent.sent_wh).convert(mode), kind), sent, colours())
    assert (back.mode, back.size) == ("RGB", (48, 32))


def smooth(size_wh: tuple[int, int]) -> Image.Image:
    """Colours without fine detail, and a dark box that shows any shift."""
    width, height = size_wh
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    bands = [255 * x / max(1, width - 1), 255 * y / max(1, height - 1), 127 + 127 * np.sin(3 * x / width + 2)]
    picture = Image.fromarray(np.stack(bands, -1).astype(np.uint8))
    box = (width // 8, height // 8, max(width // 8 + 1, width // 3), max(height // 8 + 1, height // 3))
    ImageDraw.Draw(picture).rectangle(box, (20, 40, 60))
    return picture


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean over the pixels, of 255."""
    first, second = (np.asarray(one.convert("RGB"), np.float32) for one in (a, b))
    assert first.shape == second.shape
    return float(np.abs(first - second).mean())


@pytest.mark.parametrize(
    ("size_wh", "most_pixels"),
    [
        ((96, 72), 1 << 40),  # as it is
        ((40, 30), 1 << 40),  # enlarged to the smallest side
        ((200, 150), 10_000),  # reduced to the most pixels
        ((9, 200), 1 << 40),  # with mirrored edges, if a side is too short for any scale
    ],
)
def test_a_mask_lies_on_what_is_sent(size_wh: tuple[int, int], most_pixels: int) -> None:
    call = replace(INPAINT.canvas, max_pixels=most_pixels)
    picture = Image.new("RGB", size_wh)
    box = (0, size_wh[1] // 4, size_wh[0] // 2, size_wh[1] // 2)
    picture.paste("white", box)
    sent = prepare(picture, call)
    with Image.open(io.BytesIO(prepare_mask(np.asarray(picture.convert("L")) > 127, sent))) as opened:
        mask = opened.convert("L")
    assert set(np.unique(mask)) == {0, 255}
    assert mask.size == sent.sent_wh
    with Image.open(io.BytesIO(sent.data)) as opened:
        assert difference(mask.convert("RGB"), opened.convert("RGB")) < 6


def test_a_picture_with_a_mask_stays_below_the_limit_of_a_request() -> None:
    values = np.random.default_rng(1).integers(0, 256, (2200, 2400, 3), dtype=np.uint8)
    painted = values[..., 0] > 250  # a mask of single points
    sent = prepare(Image.fromarray(values), INPAINT.canvas)
    assert len(sent.data) + len(prepare_mask(painted, sent)) < 10 * 1024 * 1024 - 100_000
