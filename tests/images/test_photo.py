"""Every kind of image, in each output format: size, transparency, grey and depth are the source's."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from augmentai.images import Photo, decode, encode
from augmentai.images.encode import DIGITAL_SOURCE_TYPES, format_for
from tests.support.image_files import SIZE_WH, deep_values, encoded
from tests.support.image_gallery import BY_NAME, KINDS, Kind

MAX_PIXELS = 50_000_000
FORMATS = ("same", "png", "jpeg", "webp")


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


def changed(photo: Photo) -> Image.Image:
    """What an engine might return: another image of the same size, in other colours."""
    red, green, blue = photo.rgb.point(lambda v: 40 + v * 3 // 4).split()
    return Image.merge("RGB", (blue, red, green))


def written(photo: Photo, made: Image.Image, wanted: str) -> Image.Image:
    file_format = format_for(photo, wanted)
    data = encode(
        photo.restore(made), file_format, "a note", DIGITAL_SOURCE_TYPES[1], photo.icc_profile, photo.black_white
    )
    opened = Image.open(io.BytesIO(data))
    opened.load()
    assert opened.format == file_format
    return opened


def test_what_engines_see(kind: Kind) -> None:
    photo = decode(kind.make(), kind.name, MAX_PIXELS)
    assert photo.rgb.mode == "RGB"
    assert photo.size_wh == photo.rgb.size == SIZE_WH
    assert photo.is_gray == kind.is_gray
    assert (photo.alpha is not None) == kind.alpha
    assert (photo.deep is not None) == kind.deep
    assert photo.rgb.info == {}
    if kind.is_gray:
        red, green, blue = (np.asarray(channel).astype(int) for channel in photo.rgb.split())
        assert max(abs(red - green).max(), abs(green - blue).max()) <= 2


def test_an_unchanged_image_comes_back_exactly(kind: Kind) -> None:
    """Strength 0 with PNG output is the source's own pixels, in every mode."""
    data = kind.make()
    photo = decode(data, kind.name, MAX_PIXELS)
    pixels = np.asarray(written(photo, photo.rgb.copy(), "png"))
    if kind.pixels is not None:
        np.testing.assert_array_equal(pixels, kind.pixels())
    elif "cmyk" in kind.name or "ycck" in kind.name or "lab" in kind.name:
        assert pixels.shape == (*SIZE_WH[::-1], 3)
    else:  # lossy: whatever Pillow decodes
        with Image.open(io.BytesIO(data)) as source:
            np.testing.assert_array_equal(pixels, np.asarray(source if source.mode != "P" else source.convert("RGB")))


@pytest.mark.parametrize("wanted", FORMATS)
def test_each_output_format(kind: Kind, wanted: str) -> None:
    photo = decode(kind.make(), kind.name, MAX_PIXELS)
    file_format = format_for(photo, wanted)
    assert file_format == (kind.same if wanted == "same" else wanted.upper())
    result = written(photo, changed(photo), wanted)
    assert result.size == SIZE_WH
    if kind.alpha and file_format != "JPEG":
        assert photo.alpha is not None
        assert result.getchannel("A").tobytes() == photo.alpha.tobytes()
    else:
        assert "A" not in result.getbands()
    if kind.deep and file_format in {"PNG", "TIFF"}:
        assert result.mode.startswith("I;16")
        assert len(np.unique(np.asarray(result))) > 256  # really 16 bits, not 8 in a wider type
    elif kind.is_gray and result.mode not in {"L", "LA"}:
        pixels = np.asarray(result.convert("RGB")).astype(int)
        assert np.ptp(pixels, axis=-1).max() <= 2  # a tint of one level is WebP's own
    if (
        kind.is_gray
        and "rgb" not in kind.name
        and "palette" not in kind.name
        and file_format in {"PNG", "JPEG", "TIFF"}
    ):
        assert result.mode in {"L", "LA", "I;16", "I;16B"} or kind.name.endswith(".webp")


@pytest.mark.parametrize("name", ["16bit.png", "16bit.tif", "16bit big-endian.tif"])
def test_a_change_is_applied_at_full_depth(name: str) -> None:
    photo = decode(BY_NAME[name].make(), name, MAX_PIXELS)
    lighter = photo.rgb.point(lambda v: min(v + 10, 255))
    values = np.asarray(photo.restore(lighter)).astype(int)
    source = deep_values().astype(int)
    inside = np.asarray(photo.rgb)[..., 0] < 245
    np.testing.assert_array_equal((values - source)[inside], 2570)  # 10 of 255 is 2570 of 65535
    assert values.max() == 65535  # clipped, not wrapped


@pytest.mark.parametrize(
    ("kind_of_value", "low", "high"),
    [
        (np.int32, 0, 65535),  # a 32-bit file with 16-bit values
        (np.int32, -1000, 1000),  # below zero: heights, temperatures
        (np.int32, 0, 2**31 - 1),  # the whole range
        (np.float32, 0.0, 1.0),
        (np.float32, -5.5, 12000.25),
        (np.float32, 0.0, 1e-6),
    ],
)
def test_32_bit_grey(kind_of_value: type, low: float, high: float) -> None:
    """TIFF holds the values as they are; PNG gets 16 bits from darkest to lightest where the values do not fit."""
    height, width = SIZE_WH[1], SIZE_WH[0]
    values = np.linspace(low, high, width * height).reshape(height, width).astype(kind_of_value)
    values.flat[-1] = high
    photo = decode(encoded(Image.fromarray(values), "TIFF"), "a.tif", MAX_PIXELS)
    np.testing.assert_array_equal(np.asarray(written(photo, photo.rgb, "same")), values)
    as_png = np.asarray(written(photo, photo.rgb, "png")).astype(np.float64)
    fits = kind_of_value is np.int32 and low >= 0 and high <= 65535
    expected = values if fits else (values.astype(np.float64) - low) / (float(high) - low) * 65535
    assert abs(as_png - expected).max() <= 1
    lighter = np.asarray(written(photo, photo.rgb.point(lambda v: min(v + 20, 255)), "jpeg")).astype(int)
    assert lighter.mean() > np.asarray(written(photo, photo.rgb, "jpeg")).astype(int).mean() + 10


def test_a_flat_16_bit_image() -> None:
    photo = decode(encoded(Image.fromarray(np.full((16, 16), 1000, np.uint16))), "flat.png", MAX_PIXELS)
    np.testing.assert_array_equal(np.asarray(photo.restore(photo.rgb)), 1000)


def test_a_nearly_grey_image_keeps_its_tint() -> None:
    grey = np.asarray(Image.linear_gradient("L").resize(SIZE_WH)).astype(int)
    tinted = np.dstack([grey.clip(1, 254) + 1, grey.clip(1, 254), grey.clip(1, 254) - 1]).astype(np.uint8)
    photo = decode(encoded(Image.fromarray(tinted)), "a.png", MAX_PIXELS)
    assert photo.is_gray
    np.testing.assert_array_equal(np.asarray(photo.restore(photo.rgb)), tinted)
    result = np.asarray(photo.restore(changed(photo))).astype(int)
    assert np.ptp(result, axis=-1).max() <= 2


def test_another_size_is_an_error() -> None:
    photo = decode(BY_NAME["rgb.png"].make(), "a.png", MAX_PIXELS)
    with pytest.raises(ValueError, match="returned 47x32 pixels, expected 48x32"):
        photo.restore(photo.rgb.crop((0, 0, 47, 32)))


def test_restore_does_not_modify_its_input() -> None:
    photo = decode(BY_NAME["rgba.png"].make(), "a.png", MAX_PIXELS)
    made = changed(photo)
    before = made.copy()
    photo.restore(made)
    assert made.mode == "RGB"
    assert made.tobytes() == before.tobytes()


@pytest.mark.parametrize("size_wh", [(8, 8), (16, 16), (17, 31), (4000, 8), (8, 3000)])
@pytest.mark.parametrize("wanted", FORMATS)
def test_sizes(size_wh: tuple[int, int], wanted: str) -> None:
    from tests.support.image_files import colours

    photo = decode(encoded(colours(size_wh)), "a.png", MAX_PIXELS)
    assert written(photo, changed(photo), wanted).size == size_wh
