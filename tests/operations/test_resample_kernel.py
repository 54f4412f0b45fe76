"""The compiled loops and NumPy give the same pixels, for images of every mode and size."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from augmentai.operations import resample, resample_kernel
from augmentai.operations.homography import Placement, translation

SEEN_ASIDE = np.array([[1.0, 0, 0], [0, 1, 0], [2 / 40, 0, -1]])  # its horizon crosses the image: not for the kernel
MATRICES = {
    "turned": Placement(rotation_deg=7, zoom=1.2).matrix((40, 30)),
    "tilted": Placement(mirrored=True, rotation_deg=-20, zoom=0.5, tilt=(0.2, -0.1)).matrix((40, 30)),
    "reduced": np.diag([0.05, 0.05, 1]),  # far beyond the border
    "half a pixel": translation(0.5, -0.5),
    "no homography": SEEN_ASIDE,
}
KINDS = {
    "RGB": (np.uint8, (3,)),
    "RGBA": (np.uint8, (4,)),
    "LA": (np.uint8, (2,)),
    "L": (np.uint8, ()),
    "I;16": (np.uint16, ()),
    "I": (np.int32, ()),
    "F": (np.float32, ()),
    "1": (np.bool_, ()),
}


def drawn(mode: str, size_wh: tuple[int, int]) -> Image.Image:
    dtype, channels = KINDS[mode]
    numbers = np.random.default_rng(5).random((*size_wh[::-1], *channels))
    if dtype == np.bool_:
        return Image.fromarray(numbers > 0.5)
    low, high = (-1e3, 1e3) if dtype == np.float32 else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return Image.fromarray((low + numbers * (float(high) - low)).astype(dtype))


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("mode", KINDS)
def test_the_kernel_gives_the_pixels_of_numpy(mode: str, matrix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resample_kernel.compiled_kernel() is not None

    def warped(size_wh: tuple[int, int], how: str) -> bytes:
        with warnings.catch_warnings(action="ignore"):  # NumPy's, of places that are no numbers
            return resample.warped_image(drawn(mode, size_wh), MATRICES[matrix], how).tobytes()

    # one pixel, one row, one column, as many as the cubic's neighbours, several strips, none of them square
    cases = [
        (size_wh, how)
        for size_wh in ((1, 1), (9, 1), (1, 9), (4, 3), (40, 30), (131, 257))
        for how in (("nearest",) if mode == "1" else ("nearest", "bicubic"))
    ]
    fast = [warped(*case) for case in cases]
    monkeypatch.setattr(resample, "compiled_kernel", lambda: None)
    assert [warped(*case) for case in cases] == fast


@pytest.mark.parametrize("matrix", MATRICES)
def test_colours_of_16_bits_are_warped_as_their_channels_are(matrix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resample, "_STRIP_PX", 100)
    values = np.random.default_rng(4).integers(3000, 60000, (30, 40, 3), np.uint16)
    made = resample.WarpedColours(values, MATRICES[matrix])
    alone = [resample.warped_planes(values[None, ..., channel], MATRICES[matrix], "bicubic")[0] for channel in range(3)]
    assert np.array_equal(np.asarray(made), np.stack(alone, axis=-1))
    assert np.array_equal(made[5:17], np.stack(alone, axis=-1)[5:17])
    monkeypatch.setattr(resample, "compiled_kernel", lambda: None)
    assert np.array_equal(np.asarray(resample.WarpedColours(values, MATRICES[matrix])), np.stack(alone, axis=-1))


def test_many_threads_use_one_kernel() -> None:
    image = drawn("RGB", (90, 70))

    def work(number: int) -> bytes:
        return resample.warped_image(image, Placement(rotation_deg=number).matrix(image.size), "bicubic").tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(1, 17))) == [work(number) for number in range(1, 17)]


def test_wrong_arrays_are_refused_before_the_kernel_sees_them() -> None:
    kernel = resample_kernel.compiled_kernel()
    assert kernel is not None
    words, back = np.zeros((4, 4), np.uint32), np.eye(3)
    with pytest.raises(TypeError, match="expected contiguous uint32"):
        kernel.colours(words.astype(np.int64), back, words)
    with pytest.raises(TypeError, match="expected contiguous uint32"):
        kernel.colours(words[:, ::2], back, words)
    with pytest.raises(TypeError, match="expected contiguous float64"):
        kernel.nearest(np.eye(3, dtype=np.float32), (4, 4), 0, np.zeros((4, 4), np.int64))
