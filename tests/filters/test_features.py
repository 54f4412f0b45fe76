"""What filters measure of an image."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augmentai.filters.features import decode_fingerprint, encode_fingerprint, fingerprint_distance, image_features
from augmentai.settings import EXAMPLES
from tests.support.image_files import colours


def test_fingerprints_go_to_the_manifest_and_back() -> None:
    one, other = image_features(colours()).fingerprint, image_features(colours(seed=5)).fingerprint
    assert decode_fingerprint(encode_fingerprint(one)) == one
    assert (fingerprint_distance(one, one), fingerprint_distance(one, other) > 10) == (0, True)
    assert [decode_fingerprint(text) for text in (None, "", "abc", "é", 4, encode_fingerprint(b"short"))] == [None] * 6


@pytest.mark.parametrize("size_wh", [(8, 8), (2000, 8), (8, 2000), (1280, 853), (31, 17)])
def test_features_of_any_size_and_mode(size_wh: tuple[int, int]) -> None:
    image = colours(size_wh)
    assert image_features(image).small.size[0] >= 8
    assert min(image_features(image).small.size) >= min(32, *size_wh)
    alpha = image.copy()
    alpha.putalpha(255)
    for same in (alpha, image.convert("CMYK").convert("RGB")):
        assert np.abs(image_features(same).coarse - image_features(image).coarse).max() < 3
    deep = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    grey = image_features(image.convert("L"))
    assert np.abs(image_features(deep, (0, 65535)).coarse - grey.coarse).max() <= 3


def test_the_hash_is_of_the_image_not_of_its_light() -> None:
    with Image.open(EXAMPLES / "chelsea.png") as photo:
        cat = photo.convert("RGB")
    with Image.open(EXAMPLES / "coffee.png") as photo:
        cup = photo.convert("RGB")
    own = image_features(cat).hash
    assert (own ^ image_features(cat.resize((200, 133)).point(lambda v: v * 0.7)).hash).bit_count() <= 4
    assert (own ^ image_features(cup).hash).bit_count() > 12


@pytest.mark.parametrize("size_wh", [(2100, 1700), (1201, 1777), (90000, 40), (33, 40000), (1500, 1500)])
def test_large_images_with_transparency_are_reduced_as_pillow_reduces_them(size_wh: tuple[int, int]) -> None:
    values = np.random.default_rng(1).integers(0, 256, (size_wh[1], size_wh[0], 4), np.uint8)
    values[..., 3][values[..., 3] < 90] = 0
    image = Image.fromarray(values)
    small = image_features(image).small
    expected = image.resize(small.size, Image.Resampling.BOX, reducing_gap=2.0)
    expected = Image.composite(expected.convert("RGB"), Image.new("RGB", small.size, "white"), expected.getchannel("A"))
    assert small.tobytes() == expected.tobytes()
