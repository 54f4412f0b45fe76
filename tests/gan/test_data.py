"""Training photos: which files are read, and that batches depend on seed and number alone."""

from __future__ import annotations

import itertools
import zipfile
from pathlib import Path

import pytest
import torch

from augmentai.gan.data import Photos


def test_folders_and_zips_give_the_same_photos(photos: Path, tmp_path: Path) -> None:
    (photos / "corrupt.jpg").write_text("not an image")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in photos.iterdir():
            archive.write(path, path.name)
    folder, packed = Photos([photos], short_side_px=100), Photos([tmp_path / "photos.zip"], short_side_px=100)
    assert len(folder) == 16
    assert folder.names == packed.names
    assert all(torch.equal(one, other) for one, other in zip(folder.images, packed.images, strict=True))
    assert {min(image.shape[1:]) for image in folder.images} == {100}


def test_batches_resume_at_a_number(photos: Path) -> None:
    photos_read = Photos([photos])
    first_five = list(itertools.islice(photos_read.batches(3, 64, seed=7, first=0), 5))
    resumed = list(itertools.islice(photos_read.batches(3, 64, seed=7, first=2), 3))
    assert all(torch.equal(one, other) for one, other in zip(first_five[2:], resumed, strict=True))
    assert first_five[0].shape == (3, 3, 64, 64)
    assert not torch.equal(first_five[0], first_five[1])


def test_weights_select_by_name(photos: Path) -> None:
    photos_read = Photos([photos], weights={"chelsea*": 3.0, "*.png": 0.5})
    drawn = dict(zip(photos_read.names, photos_read.chances.tolist(), strict=True))
    assert drawn["chelsea0.png"] == 3.0
    assert drawn["coffee0.png"] == 0.5


def test_too_few_photos(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"0 usable photos in .*: training needs 16 or more"):
        Photos([tmp_path])
