"""Whether an editor has moved an image, whatever it has done to its light."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from augmentai.engines.editing import MOST_SHIFT, measured_shift
from augmentai.settings import EXAMPLES


def shifted(image: Image.Image, share: float) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, (1, 0, -share * image.width, 0, 1, 0))


def zoomed(image: Image.Image, share: float) -> Image.Image:
    width, height = image.size
    return image.resize(image.size, box=(share * width, share * height, (1 - share) * width, (1 - share) * height))


def repainted(image: Image.Image) -> Image.Image:
    """Softer, darker, and with patches of other light."""
    patches = np.random.default_rng(1).integers(0, 60, (8, 12, 3), dtype=np.uint8)
    light = np.asarray(Image.fromarray(patches).resize(image.size, Image.Resampling.BICUBIC))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(1)))
    return Image.fromarray((soft * 0.6 + light).astype(np.uint8))


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png"])
@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (lambda image: image, False),
        (lambda image: ImageEnhance.Brightness(image).enhance(0.4), False),
        (repainted, False),
        (lambda image: repainted(shifted(image, 0.005)), False),  # less than is allowed
        (lambda image: repainted(shifted(image, 0.02)), True),
        (lambda image: shifted(image, 0.2), True),  # as FLUX.2 klein has done
        (lambda image: zoomed(image, 0.03), True),  # as Qwen-Image-Edit has done: the middle stays
        (lambda image: Image.new("RGB", image.size), False),  # nothing to measure by; other filters reject it
    ],
)
def test_what_has_moved_is_noticed(name: str, change: object, moved: bool) -> None:
    image = Image.open(EXAMPLES / name).convert("RGB")
    image.thumbnail((480, 480))
    assert (measured_shift(image, change(image)) > MOST_SHIFT) == moved  # type: ignore[operator]
