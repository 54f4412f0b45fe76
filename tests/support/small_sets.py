"""A set as small as a measurement allows, with a split, so that it takes seconds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from augmentai.settings import EXAMPLES

CLASSES = {"red": (200, 60, 60), "blue": (60, 60, 200)}


def small_split_set(folder: Path, training: int = 2, test: int = 2) -> Path:
    """Noise in two colours, as class folders below `train` and `test`. Returns the folder."""
    rng = np.random.default_rng(0)
    for split, count in (("train", training), ("test", test)):
        for name, colour in CLASSES.items():
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = np.clip(np.array(colour) + rng.normal(0, 60, (48, 64, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{split}_{number}.png")
    return folder


def zipped(folder: Path) -> Path:
    """A ZIP of a folder, beside it."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


def mirrored_split(folder: Path) -> Path:
    """One photograph for training and, mirrored, for the test, which hashes do not find. Returns the folder."""
    photo = Image.open(EXAMPLES / "chelsea.png").resize((160, 160))
    mirrored = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for split, image in (("train", photo), ("test", mirrored)):
        (folder / split / "cats").mkdir(parents=True)
        image.save(folder / split / "cats" / "1.png")
    return folder
