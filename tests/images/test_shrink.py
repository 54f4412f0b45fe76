"""The compiled loops give what Pillow gives."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augmentai.images import shrink
from augmentai.images.shrink import shrunk


def noise(size_wh: tuple[int, int]) -> Image.Image:
    width, height = size_wh
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))


@pytest.fixture(params=["compiled", "Pillow"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Pillow":
        monkeypatch.setattr(shrink, "compiled_kernel", lambda: None)
    else:
        assert shrink.compiled_kernel() is not None


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize(
    ("size_wh", "made_wh", "gap"),
    [
        ((640, 480), (256, 192), 2.0),
        ((640, 480), (160, 160), None),
        ((101, 77), (100, 3), None),  # no multiples
        ((1281, 855), (256, 171), 2.0),  # first by whole numbers, the last of which is not complete
        ((9, 1500), (1, 30), None),  # elongated
        ((588, 747), (3, 271), 2.0),  # elongated once it was reduced
        ((40, 30), (160, 96), None),  # larger
        ((64, 48), (64, 48), 2.0),
        ((3000, 20), (4, 20), None),  # too many in a row
    ],
)
def test_it_is_pillows_resize(size_wh: tuple[int, int], made_wh: tuple[int, int], gap: float | None) -> None:
    image = noise(size_wh)
    expected = image.resize(made_wh, Image.Resampling.BOX, reducing_gap=gap)
    found = shrunk(image, made_wh, gap)
    assert (found.size, found.mode) == (made_wh, "RGB")
    assert found.tobytes() == expected.tobytes()


def test_white_stays_white() -> None:
    image = Image.new("RGB", (500, 400), "white")
    assert shrunk(image, (7, 3)).getextrema() == ((255, 255),) * 3


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA"])
def test_other_modes_are_left_to_pillow(mode: str) -> None:
    image = noise((90, 80)).convert(mode)
    assert shrunk(image, (30, 20)).tobytes() == image.resize((30, 20), Image.Resampling.BOX).tobytes()
