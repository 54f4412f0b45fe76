"""An answer of another aspect ratio is placed where its edges belong."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.engines.canvas import Prepared, prepare, restore
from augmentai.engines.stability.endpoints import ENDPOINTS
from augmentai.settings import EXAMPLES
from tests.support.image_files import encoded


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("what", ["squeezed", "more", "less"])
@pytest.mark.parametrize("photo", ["chelsea.png", "coffee.png", "retina.jpg", "rocket.jpg"])
def test_an_answer_of_another_shape_is_placed_where_its_edges_match(photo: str, what: str, strength: float) -> None:
    """Whether the service squeezed the picture, showed more of the scene or less: points stay where they were."""
    picture, sent, canvas = prepared(photo)
    width, height = canvas.size
    if what == "squeezed":
        answer = canvas.resize((width - 64, height))
    elif what == "more":
        answer = Image.new("RGB", (width + 64, height), (90, 110, 60))
        answer.paste(canvas, (32, 0))
    else:
        answer = canvas.crop((32, 0, width - 32, height))
    pattern = Image.fromarray(np.random.default_rng(1).integers(0, 256, (12, 12, 3), dtype=np.uint8))
    answer = Image.blend(answer, pattern.resize(answer.size, Image.Resampling.BICUBIC), strength)
    back, _ = restore(encoded(answer, compress_level=1), sent, picture)
    assert back.size == picture.size
    assert abs(shift_of(back, picture)) <= 0.002


@cache
def prepared(photo: str) -> tuple[Image.Image, Prepared, Image.Image]:
    """An example, how it is sent, and the picture in that."""
    with Image.open(EXAMPLES / photo) as opened:
        picture = opened.convert("RGB")
    sent = prepare(picture, ENDPOINTS["sd3"].canvas)
    with Image.open(io.BytesIO(sent.data)) as opened:
        return picture, sent, opened.convert("RGB")


def shift_of(picture: Image.Image, of: Image.Image) -> float:
    """How far the picture's outer left and right thirds lie apart from the other's, as a share of the width."""
    width_px, found = 500, []
    for left in (40, 300):
        first = _slopes(of.resize((width_px, 300)))[:, left : left + 160]
        whole = _slopes(picture.resize((width_px, 300)))
        scores = [np.corrcoef(first.ravel(), whole[:, left + s : left + s + 160].ravel())[0, 1] for s in range(-40, 41)]
        found.append(int(np.argmax(scores)) - 40)
    return max(found, key=abs) / width_px


def _slopes(picture: Image.Image) -> np.ndarray[Any, Any]:
    return np.abs(np.gradient(np.asarray(picture.convert("L"), np.float32), axis=1))
