"""The bundled photos: a first run with them shows nothing that would be wrong to train with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from augmentai import augment
from augmentai.web.jobs.samples import samples


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples as they are uploaded, but small."""
    folder = tmp_path_factory.mktemp("samples")
    for name, path in samples():
        target = (folder / name).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        image = Image.open(path).convert("RGB")
        image.thumbnail((240, 240))
        image.save(target)
    return folder


def shades(image: Image.Image) -> npt.NDArray[np.float64]:
    """What is bright and what is dark, whatever the colours: (24, 24)."""
    small = ImageOps.equalize(image.convert("L").resize((24, 24)))
    return np.asarray(small, np.float64).ravel()


def test_no_retina_is_green_or_mirrored_and_nothing_else_either(photos: Path) -> None:
    run = augment(str(photos), engine="gan", variations=3, seed=1)
    outcomes = list(run)
    assert {outcome.source.label for outcome in outcomes} == {"indoors", "outdoors", "science"}
    assert run.report["geometry"] == "none"
    assert any("left and right may matter for retina" in notice for notice in run.report["notices"])
    for outcome in outcomes:
        assert outcome.variation is not None
        source, made = Image.open(photos / outcome.source.path), outcome.variation.image
        mirrored = ImageOps.mirror(source)
        as_it_was, turned = (np.corrcoef(shades(made), shades(one))[0, 1] for one in (source, mirrored))
        assert as_it_was > turned, outcome.source.path
        if "retina" in outcome.source.path:
            red, green, _ = np.asarray(made.convert("RGB"), np.float64).reshape(-1, 3).mean(0)
            assert red > 1.2 * green
