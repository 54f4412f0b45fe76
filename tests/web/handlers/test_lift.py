"""What the tab "Does it help?" says of a set before the click."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from augmentai.settings import Settings
from augmentai.web import lift_texts
from augmentai.web.handlers.lift import LiftHandlers
from augmentai.web.jobs.uploads import inspect_uploads
from tests.support.labelled_sets import Files, as_zip, class_folders


def _png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def _masked(label: str) -> Files:
    """Four photographs of one class, a black and white mask beside each."""
    rng, mask = np.random.default_rng(1), np.zeros((24, 32), np.uint8)
    mask[6:18, 8:20] = 255
    files: Files = {}
    for number in range(4):
        files[f"{label}/Imgs/{number}.jpg"] = _png(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        files[f"{label}/Imgs/{number}.png"] = _png(mask)
    return files


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(_masked("crack"), "points are of mean average precision", id="masks of one class"),
        pytest.param({**_masked("crack"), **_masked("hole")}, "mean average precision", id="masks of two classes"),
        pytest.param(class_folders(), "expect intervals of about", id="class folders"),
        pytest.param(
            {name: data for name, data in class_folders().items() if "red car" in name},
            "it has one class",
            id="one class folder",
        ),
    ],
)
def test_a_set_is_refused_only_if_it_cannot_be_measured(tmp_path: Path, files: Files, expected: str) -> None:
    uploads = [("set.zip", str(as_zip(tmp_path / "set.zip", files)))]
    state = inspect_uploads(uploads, Settings()).as_state()
    allows_everything = cast(Any, SimpleNamespace(check=lambda recipes: None))
    handlers = LiftHandlers(allows_everything, cast(Any, None), cast(Any, None), cast(Any, None))
    assert expected in handlers.forecast(state, [lift_texts.CURRENT], {}, {})
