"""Snow: bright flakes of several sizes, more of them when it snows harder, and a whiter scene."""

from __future__ import annotations

import cv2
import numpy as np

from augmentai.operations.snow import Snow
from tests.support.operation_images import changed, drawn_by, flat, stripes


def test_harder_snow_has_more_flakes_and_hides_more() -> None:
    image = flat(60)
    drawn = drawn_by(Snow(), image)
    several = [changed(Snow(), image, {**drawn, "strength": strength})[..., 1] for strength in (0.1, 0.4, 1)]
    shares = [(values > 110).mean() for values in several]
    assert 0 < shares[0] < shares[1] < shares[2] < 0.8
    assert np.median(several[0]) < np.median(several[2])
    assert all(values.min() >= 59 for values in several)


def test_flakes_are_of_several_sizes() -> None:
    image = flat(20, (480, 360))
    after = changed(Snow(), image, drawn_by(Snow(strength=0.25), image))  # type: ignore[arg-type]
    bright = (after[..., 1] > after[..., 1].mean() + 15).astype(np.uint8)
    areas = cv2.connectedComponentsWithStats(bright)[2][1:, cv2.CC_STAT_AREA]
    assert len(areas) > 50
    assert np.percentile(areas, 95) > 5 * np.percentile(areas, 20)


def test_it_is_grey_in_a_grey_image_and_nearly_white_in_colour() -> None:
    after = changed(Snow(), stripes(), drawn_by(Snow(strength=0.7), stripes()))  # type: ignore[arg-type]
    red, green, blue = (after[..., channel] for channel in range(3))
    assert np.abs(red - green).max() <= 4
    assert np.abs(blue - green).max() <= 4


def test_a_narrow_strip_has_no_more_flakes_than_its_area_holds() -> None:
    drawn = {"strength": 0.5, "slant_deg": 0.0, "seed": 1}
    for size_wh in ((640, 2), (2, 640)):
        values = changed(Snow(), flat(20, size_wh), drawn)[..., 1]
        assert (values > np.median(values) + 20).mean() < 0.6
