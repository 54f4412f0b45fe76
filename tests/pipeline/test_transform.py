"""The depth of colour from the source's file to the variation's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import Made, Task
from augmentai.images import decode
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.image_files import colours, png_16_bit_colour
from tests.support.jobs import Darker
from tests.support.labelled_sets import write
from tests.support.tiffs import tiff


class Repaints(Darker):
    """As `Darker`, which changes light alone, and says that it painted every pixel."""

    def darker(self, task: Task) -> Made:
        return replace(super().darker(task), repainted=True)


DEEP = np.asarray(colours((96, 64))).astype(np.uint16) * 200 + np.arange(96, dtype=np.uint16)[None, :, None]
NOTICE = "a.png, b.tif: 16 bits per channel were reduced to 8: colour is processed in 8 bits"

CASES: list[tuple[type[Darker], dict[str, Any], bool]] = [  # engine, recipe, whether the depth is kept
    (Darker, {}, True),
    (Darker, {"geometry": "light"}, True),
    (Darker, {"output_format": "png"}, True),
    (Darker, {"output_format": "jpeg"}, False),
    (Darker, {"operations": ["flip(probability=1)", "rotate"], "geometry": "light"}, True),
    (Repaints, {}, False),
]


@pytest.mark.parametrize(("engine", "recipe", "kept"), CASES)
def test_sixteen_bits_of_colour(tmp_path: Path, engine: type[Darker], recipe: dict[str, Any], kept: bool) -> None:
    write(tmp_path, {"a.png": png_16_bit_colour(DEEP), "b.tif": tiff(DEEP)})
    asked = Recipe(seed=5, engine="gan", filters=False, **({"geometry": "none"} | recipe))
    job = Job(gather([tmp_path], limits(Settings())), asked, Settings(), [engine()])
    made = [outcome.variation for outcome in job.run()]
    assert [one is not None for one in made] == [True, True]
    for one in made:
        assert one is not None
        photo = decode(one.data, one.file, 10**6)
        assert (photo.fine is not None) == kept
        if photo.fine is not None:
            assert (
                np.abs(np.asarray(one.image).astype(int) - (photo.fine >> 8)).max() <= 8
            )  # bicubic, clipped elsewhere
            assert np.unique(photo.fine & 255).size > 200
    assert (NOTICE in job.report.as_dict()["notices"]) == (not kept)
