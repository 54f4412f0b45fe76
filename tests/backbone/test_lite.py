"""The bundled backbone: batches, bad input, bad files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from augmentai.backbone.base import BackboneError
from augmentai.backbone.lite import Lite
from augmentai.backbone.load import WEIGHTS, load_backbone


def noise(count: int, side_px: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (count, side_px, side_px, 3), np.uint8)


@pytest.mark.parametrize("count", [0, 1, 19])
def test_features_do_not_depend_on_the_batch(count: int) -> None:
    backbone, images = load_backbone(), noise(count, 64)
    found = backbone.features(images)
    assert (found.shape, found.dtype) == ((count, 1280), np.float32)
    for image, features in zip(images, found, strict=True):
        np.testing.assert_allclose(backbone.features(image[None])[0], features, atol=1e-5)


@pytest.mark.parametrize(("side_px", "cells"), [(32, 2), (160, 10)])
def test_cells_cover_16_px(side_px: int, cells: int) -> None:
    assert load_backbone().cells(noise(2, side_px)).shape == (2, cells, cells, 472)


@pytest.mark.parametrize(
    "images",
    [
        pytest.param(np.zeros((1, 64, 64, 3), np.float32), id="floats"),
        pytest.param(np.zeros((64, 64, 3), np.uint8), id="one image"),
        pytest.param(np.zeros((1, 64, 96, 3), np.uint8), id="not square"),
        pytest.param(np.zeros((1, 40, 40, 3), np.uint8), id="not a multiple of 32"),
        pytest.param(np.zeros((1, 3, 64, 64), np.uint8), id="channels first"),
    ],
)
def test_other_arrays_are_refused_in_words(images: np.ndarray) -> None:
    for method in (load_backbone().features, load_backbone().cells):
        with pytest.raises(ValueError, match=r"expected uint8 \(N, S, S, 3\), S a multiple of 32"):
            method(images)


@pytest.mark.parametrize(
    ("graph", "weights"),
    [
        pytest.param(True, None, id="no weights"),
        pytest.param(False, "whole", id="no graph"),
        pytest.param(True, "cut", id="truncated weights"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, graph: bool, weights: str | None) -> None:
    path = tmp_path / WEIGHTS.name
    if weights:
        path.write_bytes(WEIGHTS.read_bytes()[: None if weights == "whole" else 1_000_000])
    if graph:
        shutil.copy(WEIGHTS.with_suffix(".onnx"), tmp_path)
    with pytest.raises(BackboneError, match=r"backbone\.safetensors.*reinstall"):
        Lite(path)


def test_it_needs_no_torch() -> None:
    code = (
        "import sys, augmentai; assert 'onnxruntime' not in sys.modules\n"
        "import numpy as np; from augmentai.backbone import load_backbone\n"
        "load_backbone().features(np.zeros((1, 32, 32, 3), np.uint8)); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
