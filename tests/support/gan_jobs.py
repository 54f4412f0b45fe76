"""Jobs of the local GAN, with the shipped weights on real photos."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from augmentai import Outcome, Recipe, Source, augment
from augmentai.settings import EXAMPLES, Settings

PHOTOS = ("chelsea.png", "china.jpg", "coffee.png", "flower.jpg", "rocket.jpg")


def source(name: str, label: str | None = None, side: int = 160) -> Source:
    with Image.open(EXAMPLES / name) as photo:
        small = photo.convert("RGB")
        small.thumbnail((side, side))
        buffer = io.BytesIO()
        small.save(buffer, "PNG")
    path = f"{label}/{Path(name).stem}.png" if label else f"{Path(name).stem}.png"
    return Source.from_bytes(path, buffer.getvalue(), label)


def made(sources: list[Source], recipe: Recipe, settings: Settings | None = None) -> dict[str, Outcome]:
    outcomes = list(augment(sources, recipe, settings or Settings()))
    assert all(outcome.ok for outcome in outcomes), [outcome.reason for outcome in outcomes]
    return {outcome.variation.file: outcome for outcome in outcomes if outcome.variation}


def pixels(outcome: Outcome) -> np.ndarray:  # type: ignore[type-arg]
    assert outcome.variation is not None
    return np.asarray(outcome.variation.image.convert("RGB"), np.float32)


def distance(a: np.ndarray, b: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(np.abs(a - b).mean())
