"""The operation `erase`: rectangles of the image are covered, as if something were in front of it."""

# ruff: noqa: RUF009 (`parameter` returns what `dataclasses.field` does)

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from augmentai.images.photo import value_range
from augmentai.operations.base import OCCLUSION, DrawSettings, Operation, OperationSkippedError
from augmentai.operations.parameters import Number, Range, parameter
from augmentai.operations.textures import random_bytes, uniform
from augmentai.operations.visible_parts import VisibleParts
from augmentai.recipe.kinds import Choice, WholeNumber

if TYPE_CHECKING:
    from augmentai.annotations import Keypoint, Labels, Shape

Fill = Literal["noise", "mean", "black"]

_PLACES = 24  # that are tried for one rectangle; each time in vain it gets a little smaller
_SMALLER = 0.9
_MOST_ELONGATED = 3.0  # a side may be this many times as long as the other


@dataclass(frozen=True)
class Erase(Operation):
    """Covers rectangles at random places (random erasing, Zhong et al. 2020).

    Labels stay, since detectors and segmenters are to find what is partly hidden: boxes, polygons and the pixels of
    masks stay as they are; keypoints that are covered are marked as hidden. So that they stay true, the rectangles hide
    no more of an object than `most_hidden`, nor more than the recipe's `least_visible` allows, of what the image shows
    of it. Twice in a recipe, it may hide as much twice.

    Attributes:
        scale: of the image's area, what one rectangle covers at most, drawn from this range.
        count: the most rectangles; each variation has one at least.
        most_hidden: the share of an object that all of them together may hide.
        fill: "noise", the image's "mean" colour, or "black".

    Example:
        >>> Erase(most_hidden=0.3).as_step()
        {'erase': {'most_hidden': 0.3}}
    """

    name = "erase"
    title = "Erase"
    blurb = "covers rectangles at random places"
    group = OCCLUSION
    neutral = MappingProxyType({"scale": 0})

    scale: tuple[float, float] = parameter(
        (0.02, 0.15), Range(0, 0.8), "Share of the image's area that one rectangle covers."
    )
    count: int = parameter(2, WholeNumber(1, 20), "The most rectangles.")
    most_hidden: float = parameter(0.5, Number(0, 1), "Share of an object that they may hide; its label stays.")
    fill: Fill = parameter(
        "noise", Choice(Fill, ("Noise", "The image's mean colour", "Black")), "What the rectangles are filled with."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        if self.scale[1] == 0:
            return None
        limit = min(self.most_hidden, 1 - settings.least_visible)
        parts = VisibleParts(labels, size_wh) if labels is not None else None
        boxes = []
        for _ in range(rng.randint(1, self.count)):
            box = _place(rng, size_wh, rng.uniform(*self.scale), parts, limit)
            if box is not None:
                boxes.append(box)
                if parts is not None:
                    parts.cover(box)
        if not boxes:
            raise OperationSkippedError(f"any rectangle would hide more than {limit:.0%} of an object")
        return {"boxes": boxes, "fill": self.fill, "seed": rng.getrandbits(32)}

    def apply(
        self, image: Image.Image, labels: Labels | None, drawn: Mapping[str, Any]
    ) -> tuple[Image.Image, Labels | None]:
        values = np.array(image)
        colours = values[..., :-1] if image.mode in {"LA", "RGBA"} else values
        low, high = (0.0, 255.0) if values.dtype == np.uint8 else value_range(values)
        plain = _mean(image) if drawn["fill"] == "mean" else low
        for number, (x0, y0, x1, y1) in enumerate(drawn["boxes"]):
            part = colours[y0:y1, x0:x1]
            if drawn["fill"] != "noise":
                part[...] = plain if values.dtype.kind == "f" else np.rint(plain)
            elif values.dtype == np.uint8:
                part[...] = random_bytes(drawn["seed"] + number, *part.shape)
            else:
                filling = low + (high - low) * uniform(drawn["seed"] + number, *part.shape)
                part[...] = filling if values.dtype.kind == "f" else np.rint(filling)
        return Image.fromarray(values), labels and _with_hidden_keypoints(labels, drawn["boxes"])


def _place(
    rng: Random, size_wh: tuple[int, int], share: float, parts: VisibleParts | None, limit: float
) -> tuple[int, int, int, int] | None:
    """A rectangle that hides no more of an object than allowed, with those before it; None if none was found."""
    width, height = size_wh
    for _ in range(_PLACES):
        ratio = math.exp(rng.uniform(-1, 1) * math.log(_MOST_ELONGATED))
        wide = min(width, max(1, round(math.sqrt(share * width * height * ratio))))
        high = min(height, max(1, round(math.sqrt(share * width * height / ratio))))
        x, y = rng.randint(0, width - wide), rng.randint(0, height - high)
        box = x, y, x + wide, y + high
        if parts is None or parts.most_hidden(box) <= limit:
            return box
        share *= _SMALLER
    return None


def _mean(image: Image.Image) -> Any:
    """The mean colour, of what is not transparent."""
    values = np.asarray(image).astype(np.float64)
    if image.mode not in {"LA", "RGBA"}:
        return values.mean((0, 1))
    weight = values[..., -1:]
    return (values[..., :-1] * weight).sum((0, 1)) / max(1.0, float(weight.sum()))


def _with_hidden_keypoints(labels: Labels, boxes: list[list[int]]) -> Labels:
    """The same labels, in which keypoints that a rectangle covers count as hidden."""

    def hidden(point: Keypoint) -> bool:
        return point[2] > 1 and any(x0 <= point[0] < x1 and y0 <= point[1] < y1 for x0, y0, x1, y1 in boxes)

    def marked(shape: Shape) -> Shape:
        return replace(
            shape, keypoints=tuple((*point[:2], 1.0) if hidden(point) else point for point in shape.keypoints)
        )

    if not any(hidden(point) for shape in labels.shapes for point in shape.keypoints):
        return labels
    return replace(labels, shapes=tuple(map(marked, labels.shapes)))
