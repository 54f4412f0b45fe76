"""Shadow: darker by the stated share inside its polygon, and nothing changes outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from augmentai.operations.shadow import Shadow
from tests.support.operation_images import SIZE_WH, changed, drawn_by, flat, stripes

DRAWN = {
    "strength": 0.5,
    "caster": "object",
    "corners": [[0.2, 0.3], [0.7, 0.2], [0.8, 0.9], [0.3, 0.8]],
    "blur": 0.01,
    "seed": 1,
}


def inside(margin_px: int) -> Any:
    """The pixels of the polygon of DRAWN, without its border; below 0, those around it as well."""
    image = Image.new("L", SIZE_WH, 0)
    corners = [(x * SIZE_WH[0], y * SIZE_WH[1]) for x, y in DRAWN["corners"]]  # type: ignore[attr-defined]
    ImageDraw.Draw(image).polygon(corners, fill=255)
    size = 2 * abs(margin_px) + 1
    return np.asarray(image.filter((ImageFilter.MinFilter if margin_px > 0 else ImageFilter.MaxFilter)(size))) > 0


@pytest.mark.parametrize("strength", [0.2, 0.5, 0.8])
def test_it_darkens_by_the_stated_share_inside_its_polygon_alone(strength: float) -> None:
    for mode, channel in (("L", ...), ("RGB", (..., 1))):
        after = changed(Shadow(), flat(200, mode=mode), {**DRAWN, "strength": strength})[channel]
        np.testing.assert_allclose(after[inside(10)], 200 * (1 - strength), atol=2)
        np.testing.assert_allclose(after[~inside(-10)], 200, atol=1)


def test_its_edges_are_soft() -> None:
    after = changed(Shadow(), flat(200, mode="L"), DRAWN)
    steps = np.abs(np.diff(after, axis=1)).max(axis=1)
    assert 3 < steps.max() < 40


def test_leaves_let_spots_of_light_through() -> None:
    image = flat(200, (480, 320), "L")
    covering = {**DRAWN, "corners": [[-0.4, -0.4], [1.4, -0.4], [1.4, 1.4], [-0.4, 1.4]]}
    leaves = changed(Shadow(), image, {**covering, "caster": "leaves"})
    assert (leaves > 190).mean() > 0.01
    assert (leaves < 110).mean() > 0.4
    assert changed(Shadow(), image, covering).max() < 105


def test_shadows_are_bluish() -> None:
    red, green, blue = changed(Shadow(), flat(200), DRAWN)[inside(10)].mean(0)
    assert red < green < blue


@pytest.mark.parametrize("caster", ["object", "leaves"])
def test_every_shadow_covers_some_of_the_image(caster: Any) -> None:
    for seed in range(1, 15):
        drawn = drawn_by(Shadow(strength=0.5, caster=caster), stripes(), seed)  # type: ignore[arg-type]
        assert drawn["caster"] == caster
        lost = 1 - changed(Shadow(), flat(200, mode="L"), drawn) / 200
        assert 0.01 < lost.mean() < 0.5, seed
