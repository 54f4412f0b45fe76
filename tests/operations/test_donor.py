"""One donor: its pixels in the mode of another image, and what it takes in memory."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.images import Photo, decode
from augmentai.operations import Donor
from augmentai.operations.donor import DonorMemory
from tests.support.image_files import alpha_of, colours, deep_values, encoded

SIZE_WH = (48, 32)


def test_masks_count() -> None:
    bitmap = np.zeros(SIZE_WH[::-1], bool)
    labels = Labels((Shape("cat", None, mask=bitmap),), Image.new("L", SIZE_WH), (Image.new("RGB", SIZE_WH),))
    donor = Donor("a.png", "", None, Photo(colours(), "PNG", "RGBA", alpha=alpha_of()), labels)
    assert donor.size_bytes == SIZE_WH[0] * SIZE_WH[1] * (4 + 1 + 1 + 1 + 4)


def test_what_was_worked_out_is_known_by_its_donor_and_name() -> None:
    one = DonorMemory(key="a")
    other = DonorMemory(one.cache, "b")
    assert [one.get("x", lambda: 1), other.get("x", lambda: 2), one.get("y", lambda: 3), one.get("x", lambda: 4)] == [
        1,
        2,
        3,
        1,
    ]


def receivers() -> dict[str, Image.Image]:
    with_alpha, grey_alpha = colours(), colours().convert("L")
    with_alpha.putalpha(alpha_of())
    grey_alpha.putalpha(alpha_of())
    return {
        "L": colours().convert("L"),
        "LA": grey_alpha,
        "RGB": colours(),
        "RGBA": with_alpha,
        "I;16": Image.fromarray(deep_values(top=4095)),
        "I": Image.fromarray(deep_values(kind=np.int32, top=2_000_000_000)),
        "F": Image.fromarray(deep_values(kind=np.float32, top=1000) - 500),
    }


@pytest.mark.parametrize("mode", receivers())
@pytest.mark.parametrize("own", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_pixels_in_the_mode_of_the_image_that_borrows(mode: str, own: str) -> None:
    receiver = receivers()[mode]
    donor = Donor("a.png", "", None, decode(encoded(receivers()[own]), "a.png", 1_000_000))
    before = donor.photo.rgb.tobytes()
    made = donor.image_like(receiver)
    assert (made.mode, made.size) == (mode, donor.size_wh)
    if mode == own:
        assert made.tobytes() == receivers()[own].tobytes()
    if mode in {"LA", "RGBA"}:
        assert made.getchannel("A").getextrema() == ((0, 255) if own in {"LA", "RGBA"} else (255, 255))
    if mode in {"I", "F"}:
        values, of_receiver = np.asarray(made), np.asarray(receiver)
        assert of_receiver.min() <= values.min() < values.max() <= of_receiver.max()
    made.paste(0, (0, 0, *made.size))  # a copy of its own
    assert donor.photo.rgb.tobytes() == before
