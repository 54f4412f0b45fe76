"""Images with masks: which PNG is a mask, and broken masks."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.image_files import png
from tests.support.labelled_sets import (
    augmented,
    gathered,
    masks,
    write,
    yolo,
)


def test_photos_of_the_same_stem_are_not_masks(tmp_path: Path) -> None:
    """a.jpg and a.png are two photos unless the PNG has large flat areas, as masks do."""
    rng = np.random.default_rng(0)
    noisy = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(noisy, "PNG")
    files = {"a.jpg": yolo()["images/train/one.jpg"], "a.png": noisy.getvalue()}
    found = gathered(write(tmp_path / "in", files))
    assert found.layout.name == "folders"
    assert len(found.sources) == 2


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (png((10, 10)), "masks/train/one.png has 10x10 pixels; expected 64x48, as its image"),
        (b"\x89PNG\r\n\x1a\n broken", "masks/train/one.png is not a valid PNG"),
    ],
)
def test_broken_masks(mask: bytes, message: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", masks() | {"masks/train/one.png": mask})
    job = augmented([given], tmp_path / "out", variations=1, layout="masks")
    assert [row["file"] for row in job.report.failures] == ["images/train/one.jpg"]
    assert message in job.report.failures[0]["reason"]
    assert job.report.variations == 2
