"""The compiled kernel and NumPy give the same pixels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from augmentai.gan.runtime import carry, kernel
from augmentai.gan.runtime.carry import Canvas, apply_full_size, carried, widened
from augmentai.gan.runtime.hinges import as_hinge_functions
from augmentai.gan.runtime.protect import Backgrounds


def noise(size_wh: tuple[int, int], seed: int = 1) -> Image.Image:
    width, height = size_wh
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def planes(grid_wh: tuple[int, int], scale: float = 0.4, seed: int = 2) -> np.ndarray:
    width, height = grid_wh
    change = (np.random.default_rng(seed).random((28, height, width)) - 0.5) * scale
    return as_hinge_functions(change.astype(np.float32))


@pytest.mark.parametrize(
    ("size_wh", "grid_wh"),
    [
        ((64, 48), (10, 10)),
        ((97, 131), (9, 12)),  # no multiple of a block
        ((8, 300), (2, 28)),  # narrower than a block
        ((301, 9), (28, 2)),  # fewer rows than a strip
        ((500, 33), (3, 1)),  # a grid of one row
        ((40, 40), (1, 1)),  # nothing to interpolate
    ],
)
def test_the_kernel_gives_the_pixels_of_numpy(size_wh: tuple[int, int], grid_wh: tuple[int, int]) -> None:
    compiled = kernel.compiled_kernel()
    assert compiled is not None
    canvas, change = Canvas.of(noise(size_wh)), planes(grid_wh)
    fast = carried(canvas, canvas.words, widened(change, canvas.width, compiled), compiled)
    plain = carried(canvas, canvas.words, widened(change, canvas.width, None), None)
    assert np.array_equal(fast[:, : canvas.width], plain[:, : canvas.width])


def test_levels_beyond_the_range_are_clipped() -> None:
    compiled = kernel.compiled_kernel()
    canvas, change = Canvas.of(noise((50, 40))), planes((4, 4), scale=40)
    fast, plain = (carried(canvas, canvas.words, widened(change, canvas.width, one), one) for one in (compiled, None))
    assert np.array_equal(fast[:, :50], plain[:, :50])
    assert {0, 255} <= set(np.unique(fast[:, :50] & 255).tolist())


def test_many_threads_use_one_kernel() -> None:
    canvas = Canvas.of(noise((200, 150)))

    def work(seed: int) -> bytes:
        compiled = kernel.compiled_kernel()
        return carried(
            canvas, canvas.words, widened(planes((8, 6), seed=seed), canvas.width, compiled), compiled
        ).tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(16))) == [work(seed) for seed in range(16)]


@pytest.mark.parametrize("compiled", [True, False])
def test_strips_of_a_large_image_give_the_same_pixels(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    image, change = noise((1100, 1001)), np.random.default_rng(3).random((28, 12, 10), np.float32) - np.float32(0.5)
    if not compiled:
        monkeypatch.setattr(carry, "compiled_kernel", lambda: None)
    whole = Canvas.of(image)
    monkeypatch.setattr(carry, "_KEPT_PX", 1000)
    large = Canvas.of(image)
    assert whole.words is not None
    assert large.words is None
    assert len(list(large.strips)) == 2
    assert apply_full_size(large, change, 0.7) == apply_full_size(whole, change, 0.7)
    one, other = Backgrounds.of(large), Backgrounds.of(whole)
    assert np.array_equal(one.sample, other.sample)
    assert (one.black, one.white) == (other.black, other.white)


def test_wrong_arrays_are_refused_before_the_kernel_sees_them() -> None:
    compiled = kernel.compiled_kernel()
    assert compiled is not None
    rows = widened(planes((4, 4)), 32, compiled)
    words = np.zeros((8, 32), np.uint32)
    places = (np.zeros(8, np.int64), np.zeros(8, np.float32))
    with pytest.raises(TypeError, match="expected contiguous float32"):
        compiled.carry(
            words, words.copy(), rows.values.astype(np.float64), rows.steps, *places, rows.values, rows.steps, *places
        )


def test_rows_begin_with_a_cache_line() -> None:
    canvas = Canvas.of(noise((97, 31)))
    rows = widened(planes((4, 3)), canvas.width, kernel.compiled_kernel())
    assert canvas.words is not None
    arrays = (canvas.words, rows.values, rows.steps, canvas.base.values)
    assert [array.ctypes.data % 64 for array in arrays] == [0] * 4
    assert not canvas.words[:, 97:].any()
