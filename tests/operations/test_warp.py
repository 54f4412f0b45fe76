"""Warps move every kind of image, and keep its size and mode."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.engines.gan import GanEngine
from augmentai.images import decode
from augmentai.operations import Warp, warp_for, warp_from_manifest
from augmentai.operations.homography import Homography, mirroring, quarter_turns
from augmentai.operations.presets import PRESETS, draw_homography
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES
from augmentai.types import Source
from tests.support.image_files import SIZE_WH, alpha_of, colours, deep_values, png
from tests.support.image_gallery import KINDS
from tests.support.jobs import job_of, opened

MOVING = [name for name in PRESETS if name != "none"]


def modes() -> dict[str, Image.Image]:
    with_alpha = colours()
    with_alpha.putalpha(alpha_of())
    grey_alpha = colours().convert("L")
    grey_alpha.putalpha(alpha_of())
    return {
        "RGB": colours(),
        "RGBA": with_alpha,
        "L": colours().convert("L"),
        "LA": grey_alpha,
        "1": colours().convert("1"),
        "P": colours().quantize(50),
        "CMYK": colours().convert("CMYK"),
        "I;16": Image.fromarray(deep_values()),
        "I": Image.fromarray(deep_values(kind=np.int32, top=2_000_000_000)),
        "F": Image.fromarray(deep_values(kind=np.float32, top=1000) - 500),
    }


def warp_that(geometry: str, size_wh: tuple[int, int], wanted: Any, **options: Any) -> Warp:
    """The first warp of which `wanted` is true."""
    return next(w for seed in range(1, 200) if wanted(w := warp_for(geometry, size_wh, seed, **options)))


@pytest.mark.parametrize("mode", modes())
@pytest.mark.parametrize("geometry", MOVING)
def test_every_mode_keeps_its_size_and_range(mode: str, geometry: str) -> None:
    image = modes()[mode]
    before = np.asarray(image).astype(np.float64)
    for seed in range(1, 5):
        warp = warp_for(geometry, image.size, seed)
        moved = warp.image(image)
        after = np.asarray(moved).astype(np.float64)
        assert (moved.mode, moved.size) == (image.mode, image.size)
        assert before.min() <= after.min() <= after.max() <= before.max()
        assert warp.is_identity == np.array_equal(before, after)


@pytest.mark.parametrize("mode", modes())
def test_a_mirrored_image_is_mirrored_exactly(mode: str) -> None:
    image = modes()[mode]
    warp = warp_that("flip", image.size, lambda w: not w.is_identity)
    np.testing.assert_array_equal(np.asarray(warp.image(image)), np.asarray(image)[:, ::-1])
    if mode == "P":
        assert warp.mask(image).getpalette() == image.getpalette()


def test_what_is_true_of_a_mirrored_bitmap_is_1_in_memory() -> None:
    """Pillow has it as 255: beside 1, in a bitmap that is cut afterwards, it would end a run of its run lengths."""
    bitmaps = np.asarray(colours().convert("L"))[None] > 128
    warp = warp_that("flip", colours().size, lambda w: not w.is_identity)
    moved = warp.bitmaps(bitmaps)
    np.testing.assert_array_equal(moved.view(np.uint8), bitmaps[..., ::-1].view(np.uint8))


@pytest.mark.parametrize("mode", ["RGB", "L", "I;16", "F"])
def test_pixels_are_where_the_matrix_says(mode: str) -> None:
    """A smooth slope has the value at each place that its source has there: to a hundredth of its range."""
    width, height = 120, 80
    y, x = np.mgrid[0:height, 0:width] + 0.5
    top = {"RGB": 255, "L": 255, "I;16": 60000, "F": 3.0}[mode]
    slope = top * (0.2 + 0.3 * x / width + 0.4 * y / height)
    kind = {"RGB": np.uint8, "L": np.uint8, "I;16": np.uint16, "F": np.float32}[mode]
    values = slope.astype(kind)
    image = Image.fromarray(np.dstack([values] * 3) if mode == "RGB" else values)
    for seed in range(1, 6):
        drawn = draw_homography("strong", image.size, seed, hide_border=True)
        moved = np.asarray(Warp("strong", image.size, drawn).image(image)).astype(np.float64)
        back = np.linalg.inv(drawn.matrix) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
        expected = top * (0.2 + 0.3 * back[0] / back[2] / width + 0.4 * back[1] / back[2] / height)
        found = (moved[..., 0] if mode == "RGB" else moved).ravel()
        assert np.abs(found - expected).max() < 0.01 * top


def test_colour_hidden_under_clear_pixels_never_shows() -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((0, 200, 0, 255), (16, 16, 48, 48))
    warp = warp_that("strong", image.size, lambda w: abs(w.homography.rotation_deg) > 5)
    red, _, _, alpha = np.moveaxis(np.asarray(warp.image(image)).astype(int), -1, 0)
    assert ((alpha > 20) & (alpha < 235)).any(), "no soft edge was tested"
    assert red[alpha > 20].max() <= 4


@pytest.mark.parametrize("geometry", ["flip", "strong"])
def test_channels_move_as_images_do(geometry: str) -> None:
    values = np.random.default_rng(1).integers(0, 65536, (30, 40, 3), np.uint16)
    before = values.copy()
    warp = warp_for(geometry, (40, 30), seed=3)
    expected = [np.asarray(warp.image(Image.fromarray(values[..., channel].copy()))) for channel in range(3)]
    moved = warp.colours(values)
    assert np.array_equal(np.asarray(moved), np.stack(expected, axis=-1))
    assert np.array_equal(moved[7:11], np.stack(expected, axis=-1)[7:11])
    assert np.array_equal(values, before)


@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_turned_channels_move_as_images_do(turns: int, is_mirrored: bool) -> None:
    values = np.random.default_rng(turns).integers(0, 65536, (24, 24, 3), np.uint16)
    matrix = quarter_turns(turns, (24, 24)) @ (mirroring((24, 24)) if is_mirrored else np.eye(3))
    warp = Warp("turn", (24, 24), Homography(matrix, is_mirrored, 90.0 * turns, 1.0, 0.0))
    assert warp.is_identity or warp.transposition is not None
    expected = [np.asarray(warp.image(Image.fromarray(values[..., channel].copy()))) for channel in range(3)]
    assert np.array_equal(np.asarray(warp.colours(values)), np.stack(expected, axis=-1))


def test_a_large_image_in_strips_has_no_seams() -> None:
    tall = colours((300, 2000))
    warp = warp_that("strong", tall.size, lambda w: abs(w.homography.rotation_deg) > 3)
    from augmentai.operations import resample

    whole, strips = resample._STRIP_PX, 4096
    in_one = warp.image(tall)
    resample._STRIP_PX = strips
    try:
        in_many = warp.image(tall)
    finally:
        resample._STRIP_PX = whole
    assert np.abs(np.asarray(in_one).astype(int) - np.asarray(in_many)).max() <= 1


@pytest.mark.parametrize("geometry", MOVING)
def test_a_thumbnail_is_warped_as_the_manifest_records_it_for_the_full_image(geometry: str) -> None:
    with Image.open(EXAMPLES / "chelsea.png") as opened:
        whole = opened.convert("RGB")
    size_wh = 157, 104  # not quite the same shape
    for seed in (3, 4, 5, 6):
        warp = warp_for(geometry, whole.size, seed)
        if warp.is_identity:
            continue
        recorded = json.loads(json.dumps(warp.details))["geometry"]  # as it is read again
        again = warp_from_manifest(recorded, whole.size, size_wh)
        assert again.is_mirror == warp.is_mirror
        unmoved = whole.resize(size_wh, Image.Resampling.BOX)
        expected = np.asarray(warp.image(whole).resize(size_wh, Image.Resampling.BOX), float)
        moved, still = (np.abs(np.asarray(one, float) - expected).mean() for one in (again.image(unmoved), unmoved))
        assert moved < 5 < 12 < still, f"{moved:.1f} levels of 255 apart, unmoved {still:.1f}"


class TestInAJob:
    def test_every_kind_of_file_moves_as_its_engine_left_it(self, gan: GanEngine) -> None:
        sources = [Source.from_bytes(kind.name, kind.make()) for kind in KINDS]
        recipe = Recipe(seed=3, engine="gan", strength=0.7, output_format="png", geometry="strong")
        still = Recipe(seed=3, engine="gan", strength=0.7, output_format="png")
        moved = {o.source.path: o for o in job_of(gan, sources, recipe).run()}
        for outcome in job_of(gan, sources, still).run():
            path = outcome.source.path
            warp = warp_for("strong", SIZE_WH, outcome.seed)
            assert outcome.variation is not None
            assert moved[path].variation is not None, moved[path].reason
            expected = warp.image(outcome.variation.image)
            np.testing.assert_array_equal(np.asarray(moved[path].variation.image), np.asarray(expected), err_msg=path)
            assert opened(moved[path]).size == SIZE_WH
            assert moved[path].variation.details["geometry"] == warp.details["geometry"]

    def test_strength_0_without_geometry_is_the_source_and_with_it_the_source_moved(self, gan: GanEngine) -> None:
        source = Source.from_bytes("a.png", png())
        photo = decode(png(), "a.png", 10**6)
        recipe = Recipe(seed=5, engine="gan", strength=0, geometry="light", variations=3)
        for outcome in job_of(gan, [source], recipe).run():
            expected = warp_for("light", SIZE_WH, outcome.seed).image(photo.rgb)
            np.testing.assert_array_equal(np.asarray(opened(outcome)), np.asarray(expected))
        (still,) = job_of(gan, [source], Recipe(seed=5, engine="gan", strength=0)).run()
        np.testing.assert_array_equal(np.asarray(opened(still)), np.asarray(photo.rgb))
        assert still.variation is not None
        assert "geometry" not in still.variation.details


def test_kornia_and_torch_are_imported_only_where_pixels_move() -> None:
    code = (
        "import sys; from augmentai.operations import warp_for; import augmentai.pipeline.job; "
        "warp_for('strong', (9, 9), 1);"
        "print([m for m in ('torch', 'kornia', 'shapely', 'scipy') if m in sys.modules])"
    )
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
