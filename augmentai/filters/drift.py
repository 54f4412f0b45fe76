"""Whether what is labelled is still where its label says, after an engine that paints the picture anew.

Compared are edges, not colours: a thing in another light keeps its edges, one that was moved, wiped out or painted over
does not. An edge is kept as the direction it runs in, so that dark on light equals light on dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Box, Labels, Shape

_SIDE_PX = 64  # a box is looked at as if it were about this large: what is finer may be painted anew
_MARGIN = 0.03  # of the box, around it: the outline itself belongs to the thing
_TOLERANCE = 0.03  # of the box's shorter side: so far a thing may have moved
_LEAST_SIDE_PX = 8  # smaller boxes hold too few pixels to tell
_NOISE = 6.0  # levels of 255: weaker edges are noise
_LEAST_EDGES = 0.5  # mean strength: with less in the source there is nothing to compare
_FAINTEST = 0.05  # of the source's edges: a picture of less has none, and does not match by being scaled up
_MASK_SIDE_PX = 256
_BORDER_PX = 3  # of a mask at that size: the pixels around its borders that are looked at

Edges = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Drift:
    """lowest: the smallest score of anything labelled, 1.0 where nothing could be measured. scores: by place in
    `Labels.shapes`, of those that could be measured; the semantic mask's under -1."""

    lowest: float
    scores: Mapping[int, float]

    def below(self, threshold: float) -> list[int]:
        """The places of what has drifted."""
        return [place for place, score in self.scores.items() if score < threshold]


def drift(before: Image.Image, after: Image.Image, labels: Labels) -> Drift:
    """Scores of what is labelled: about 1 where the edges are all there, about 0 where others are in their place.

    before, after: RGB of the same size, nothing moved by geometry yet. The score is the correlation of the two edge
    fields inside the box and a margin of 3 %, each edge weighted by the square root of its gradient and turned to twice
    its angle (the double-angle form of the structure tensor, Granlund 1978), at the best of the small shifts within the
    tolerance. Of a semantic mask: the same along its borders.
    """
    scores = {}
    for place, shape in enumerate(labels.shapes):
        box = _box_of(shape)
        if box is not None and min(box[2] - box[0], box[3] - box[1]) >= _LEAST_SIDE_PX:
            score = _score_in(before, after, box)
            if score is not None:
                scores[place] = round(score, 3)
    if labels.mask is not None and not labels.shapes:
        score = _score_along(before, after, labels.mask)
        if score is not None:
            scores[-1] = round(score, 3)
    return Drift(min(scores.values(), default=1.0), scores)


def _box_of(shape: Shape) -> Box | None:
    if shape.box is not None:
        return shape.box
    points = np.array([point for ring in shape.polygons for point in ring])
    if len(points):
        return (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
    if shape.mask is not None and shape.mask.any():
        columns, rows = np.flatnonzero(shape.mask.any(axis=0)), np.flatnonzero(shape.mask.any(axis=1))
        return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    return None


def _score_in(before: Image.Image, after: Image.Image, box: Box) -> float | None:
    x0, y0, x1, y1 = box
    across, down = (x1 - x0) * _MARGIN, (y1 - y0) * _MARGIN
    left, top = max(0.0, x0 - across), max(0.0, y0 - down)
    right, bottom = min(before.width, x1 + across), min(before.height, y1 + down)
    if right - left < _LEAST_SIDE_PX or bottom - top < _LEAST_SIDE_PX:
        return None
    scale = min(1.0, _SIDE_PX / ((right - left) * (bottom - top)) ** 0.5)
    size = max(_LEAST_SIDE_PX, round((right - left) * scale)), max(_LEAST_SIDE_PX, round((bottom - top) * scale))
    one, other = (_edges(picture, size, (left, top, right, bottom)) for picture in (before, after))
    return _best_match(one, other, max(1, round(_TOLERANCE * min(size))))


def _score_along(before: Image.Image, after: Image.Image, mask: Image.Image) -> float | None:
    scale = min(1.0, _MASK_SIDE_PX / max(before.size))
    size = max(_LEAST_SIDE_PX, round(before.width * scale)), max(_LEAST_SIDE_PX, round(before.height * scale))
    values = np.asarray(mask.resize(size, Image.Resampling.NEAREST)).reshape(size[1], size[0], -1)
    border = np.zeros((size[1], size[0]), bool)
    border[:, 1:] |= (values[:, 1:] != values[:, :-1]).any(-1)
    border[1:] |= (values[1:] != values[:-1]).any(-1)
    for _ in range(_BORDER_PX):
        grown = border.copy()
        grown[1:] |= border[:-1]
        grown[:-1] |= border[1:]
        grown[:, 1:] |= border[:, :-1]
        grown[:, :-1] |= border[:, 1:]
        border = grown
    one, other = (_edges(picture, size, (0, 0, *before.size)) for picture in (before, after))
    return _best_match(one, other, _BORDER_PX - 1, border)


def _edges(picture: Image.Image, size_wh: tuple[int, int], box: Sequence[float]) -> Edges:
    """(H, W) complex: the direction of the edge at twice its angle, its length the square root of the gradient."""
    x0, y0, x1, y1 = box
    small = picture.resize(size_wh, Image.Resampling.BOX, box=(x0, y0, x1, y1), reducing_gap=2.0)
    values = np.asarray(small.convert("RGB")).astype(np.float32)
    dx, dy = np.zeros_like(values), np.zeros_like(values)
    dx[:, 1:-1] = values[:, 2:] - values[:, :-2]
    dy[1:-1] = values[2:] - values[:-2]
    double = ((dx * dx - dy * dy) + 2j * dx * dy).sum(-1)  # over the colours: edges between equally light ones count
    length = np.abs(double)
    strength = np.sqrt(np.maximum(np.sqrt(length) - _NOISE, 0))
    return np.asarray(double / np.maximum(length, 1e-6) * strength)


def _best_match(one: Edges, other: Edges, tolerance: int, where: Edges | None = None) -> float | None:
    """The correlation at the best shift. where: (H, W) of bool, the pixels that count; all of them by default."""
    height, width = one.shape
    tolerance = min(tolerance, (min(height, width) - 2) // 2)
    middle = slice(tolerance, height - tolerance), slice(tolerance, width - tolerance)
    counts = np.ones_like(one, bool)[middle] if where is None else where[middle]
    inner = np.where(counts, one[middle], 0)
    energy = float((np.abs(inner) ** 2).sum())
    if energy < _LEAST_EDGES * max(1, int(counts.sum())):
        return None
    best = -1.0
    for down in range(2 * tolerance + 1):
        for across in range(2 * tolerance + 1):
            shifted = other[down : down + inner.shape[0], across : across + inner.shape[1]]
            against = float((np.abs(shifted[counts]) ** 2).sum())  # edges painted in besides weigh against it
            match = float((inner * shifted.conj()).real.sum())
            best = max(best, match / (energy * max(against, _FAINTEST * energy)) ** 0.5)
    return best
