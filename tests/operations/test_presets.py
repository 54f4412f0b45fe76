"""The presets of the recipe's geometry: what each draws, and that a seed always gives the same."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.annotations import Labels, Shape
from augmentai.operations import Warp, warp_for
from augmentai.operations.presets import PRESETS, draw_homography
from augmentai.recipe import GEOMETRIES, Recipe, RecipeError

MOVING = [name for name in PRESETS if name != "none"]

# As version 0.2 drew them for 640x480: runs made then are resumed and replayed with the same pixels.
DRAWN = """
flip 1 -1 0 640 0 1 0 0 0 1
flip 77 1 0 0 0 1 0 0 0 1
flip 424242 -1 0 640 0 1 0 0 0 1
light 1 -1.133068 0.07049182 662.3734 0.07049182 1.133068 -60.52713 0 0 1
light 77 1.063374 -0.05222712 12.59613 0.05222712 1.063374 -27.81058 0 0 1
light 424242 -1.043957 -0.07891166 669.7547 -0.07891166 1.043957 4.482031 0 0 1
strong 1 -1.166478 0.2273182 630.9666 0.2704691 1.285445 -166.6861 0.000302662 9.214986e-05 0.8815267
strong 77 1.139659 -0.1024581 6.640726 0.1823599 1.095288 -72.93834 0.000208594 9.324758e-05 0.9161688
strong 424242 -1.061876 -0.3969826 754.8742 -0.2130988 0.8948857 87.08782 -5.815506e-05 -0.0006182529 1.17083
"""


@pytest.mark.parametrize("line", DRAWN.strip().splitlines())
def test_a_seed_gives_the_matrix_that_it_always_gave(line: str) -> None:
    geometry, seed, *numbers = line.split()
    matrix = warp_for(geometry, (640, 480), int(seed)).matrix
    np.testing.assert_allclose(matrix.ravel(), [float(number) for number in numbers], rtol=1e-6, atol=1e-9)


def test_every_geometry_of_the_recipe_has_a_preset() -> None:
    assert ("auto", *PRESETS) == GEOMETRIES
    with pytest.raises(ValueError, match=r"'sideways'; expected one of none, flip, light, strong"):
        warp_for("sideways", (10, 10), 1)


@pytest.mark.parametrize("size_wh", [(8, 8), (17, 31), (2000, 8), (8, 2000), (1280, 853), (4000, 3000)])
@pytest.mark.parametrize("geometry", ["light", "strong"])
@pytest.mark.parametrize("cover", [True, False])
def test_the_frame_reaches_no_further_than_it_may(size_wh: tuple[int, int], geometry: str, cover: bool) -> None:
    border = 0.0 if cover else PRESETS[geometry].max_reflection
    turned = 0
    for seed in range(1, 60):
        drawn = draw_homography(geometry, size_wh, seed, hide_border=cover)
        seen = Warp(geometry, size_wh, drawn).frame / size_wh
        assert seen.min() >= -border - 1e-6
        assert seen.max() <= 1 + border + 1e-6
        assert 0.9 <= drawn.zoom <= PRESETS[geometry].zoom_range[1] * PRESETS[geometry].max_extra_zoom
        turned += abs(drawn.rotation_deg) > 0.2
    assert turned > 50 or max(size_wh) > 100 * min(size_wh)


def test_mirror_is_half_of_them_or_none() -> None:
    for geometry in MOVING:
        mirrored = sum(warp_for(geometry, (64, 48), seed).homography.mirrored for seed in range(400))
        assert 160 < mirrored < 240
    assert not any(warp_for("strong", (64, 48), seed, mirror=False).homography.mirrored for seed in range(400))
    keypoints = Labels((Shape("cat", (1, 1, 9, 9), keypoints=((2, 2, 2),)),))
    assert not any(warp_for("flip", (64, 48), seed, labels=keypoints).homography.mirrored for seed in range(100))
    assert all(warp_for("none", (64, 48), seed).is_identity for seed in range(100))


def test_with_boxes_alone_it_rotates_less_than_with_outlines() -> None:
    box = Labels((Shape("cat", (10, 10, 30, 30)),))
    outline = Labels((Shape("cat", (10, 10, 30, 30), (((10.0, 10.0), (30.0, 10.0), (30.0, 30.0)),)),))
    most = {
        name: max(abs(warp_for("strong", (640, 480), seed, labels=kept).homography.rotation_deg) for seed in range(300))
        for name, kept in (("box", box), ("outline", outline), ("class", None))
    }
    assert most["box"] < 8.1 < 15 < most["outline"] <= most["class"] <= 20


def test_the_recipe_refuses_a_flip_without_mirroring() -> None:
    with pytest.raises(RecipeError, match="geometry is flip and mirror is False"):
        Recipe(geometry="flip", mirror=False)
    with pytest.raises(RecipeError, match="mirror is 'no'; expected True or False"):
        Recipe(mirror="no")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="least_visible is 2; expected a number from 0 to 1"):
        Recipe(least_visible=2)
    assert Recipe(mirror=np.False_).mirror is False  # type: ignore[arg-type]
