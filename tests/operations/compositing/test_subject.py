"""The outline of a subject at the size of its image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

from augmentai.operations.compositing.subject import smooth_outline
from tests.support.painted_objects import overlap


def disk(size_wh: tuple[int, int], reach: float = 0.3) -> np.ndarray:
    """In the middle of an image of any proportions, as an ellipse."""
    width, height = size_wh
    y, x = np.mgrid[0:height, 0:width]
    return np.hypot((x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5) <= reach


def photo(mask: np.ndarray, subject: str, ground: str) -> Image.Image:
    image = Image.new("RGB", mask.shape[::-1], ground)
    image.paste(subject, mask=Image.fromarray(mask))
    return image.filter(ImageFilter.GaussianBlur(1))


@pytest.mark.parametrize("size_wh", [(400, 300), (90, 120), (1300, 800)])
def test_it_follows_the_edges_of_the_image(size_wh: tuple[int, int]) -> None:
    """A coarse mask that is a twentieth too large."""
    true = disk(size_wh)
    coarse = disk((100, 100), 0.31)
    found = smooth_outline(coarse, photo(true, "orange", "navy"))
    before = np.asarray(Image.fromarray(coarse).resize(size_wh, Image.Resampling.NEAREST))
    assert found.shape == true.shape
    assert overlap(found, true) > overlap(before, true)
    assert overlap(found, true) > 0.94


def test_it_has_no_stairs_where_the_image_shows_no_edge() -> None:
    coarse = disk((20, 20))
    found = smooth_outline(coarse, photo(disk((400, 400)), "gray", "gray"))
    contours = cv2.findContours(found.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    assert len(contours) == 1
    smooth = cv2.approxPolyDP(contours[0], 1.0, True)  # without the stairs of single pixels
    assert cv2.arcLength(smooth, True) < 1.05 * 2 * np.pi * 0.3 * 400  # stairs of cells are longer by a quarter
    assert overlap(found, disk((400, 400))) > 0.9


@pytest.mark.parametrize("size_wh", [(1, 1), (2, 1), (7, 3), (3, 300)])
def test_images_of_any_size(size_wh: tuple[int, int]) -> None:
    found = smooth_outline(disk((200, 200)), Image.new("RGB", size_wh, "teal"))
    assert found.shape == size_wh[::-1]
    assert found.dtype == bool
