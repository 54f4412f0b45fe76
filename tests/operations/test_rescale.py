"""The compiled loops give the numbers of Pillow."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.operations import rescale

SIZES = [
    # from, to
    ((1, 1), (3, 2)),
    ((33, 20), (1, 1)),
    ((33, 20), (31, 17)),  # by a little
    ((101, 64), (20, 13)),  # by much
    ((20, 90), (20, 30)),  # in one direction
    ((20, 90), (7, 90)),  # in the other
    ((9, 9), (30, 40)),  # enlarged
    ((16, 12), (16, 12)),  # not at all
]


@pytest.mark.parametrize("how", ["box", "bicubic"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_as_pillow(channels: int, how: rescale.How, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rescale.compiled_kernel() is not None
    rng = np.random.default_rng(3)
    images = [(rng.random((*size_wh[::-1], channels)) * 1.4 - 0.2).astype(np.float32) for size_wh, _ in SIZES]
    fast = [rescale.rescaled(image, wanted, how) for image, (_, wanted) in zip(images, SIZES, strict=True)]
    monkeypatch.setattr(rescale, "compiled_kernel", lambda: None)
    for image, made, (_, wanted) in zip(images, fast, SIZES, strict=True):
        plain = rescale.rescaled(image, wanted, how)
        assert made.dtype == plain.dtype == np.float32
        assert made.shape == plain.shape == (*wanted[::-1], channels)
        assert made.tobytes() == plain.tobytes(), wanted
