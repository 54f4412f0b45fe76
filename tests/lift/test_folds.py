"""Folds keep near-duplicates together and every class in every training set."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from augmentai.filters.features import image_features
from augmentai.filters.near_duplicates import thumbprint
from augmentai.lift.folds import fold_of_each
from augmentai.types import Source
from tests.lift.conftest import shape_file


def test_near_duplicates_are_in_one_fold() -> None:
    files = [("disc", shape_file("disc", number)) for number in range(6)]
    files += [("grid", shape_file("grid", number)) for number in range(6)]
    brighter = []
    for label, data in files:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(data)).point(lambda value: min(255, value + 4)).save(buffer, "PNG")
        brighter.append((label, buffer.getvalue()))
    sources = [Source.from_bytes(f"{n}x.png", data, label) for n, (label, data) in enumerate(files + brighter)]
    thumbs = [thumbprint(image_features(Image.open(io.BytesIO(source.read())))) for source in sources]
    folds = fold_of_each(sources, thumbs, seed=1)
    assert (folds[:12] == folds[12:]).all()
    labels = np.array([source.label for source in sources])
    for number in range(5):
        assert set(labels[folds != number]) == {"disc", "grid"}
    assert (fold_of_each(sources, thumbs, seed=1) == folds).all()
