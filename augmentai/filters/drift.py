"""Whether labelled objects are still where their labels say, after an engine that repaints the image.

Edges are compared, not colours: an object in another light keeps its edges; one that was moved, removed or painted over
does not. An edge is represented by the direction it runs in, so that dark on light equals light on dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Box, Labels, Shape, mask_to_box

_SIDE_PX = 64  # a box is scaled down to about this side: finer detail may be repainted
_MARGIN = 0.03  # of the box, around it: the outline is part of the object
_TOLERANCE = 0.03  # of the box's shorter side: how far an object may have moved
_MIN_SIDE_PX = 8  # a smaller box has too few pixels to be compared
_NOISE = 6.0  # levels of 255: weaker edges are noise
_MIN_EDGES = 0.5  # mean strength: with less in the source there is nothing to compare
_MIN_ENERGY = 0.05  # of the source's edges: an image with less has none, and scaling up must not make it match
_MASK_SIDE_PX = 256
_BORDER_PX = 3  # at that size: how far around the borders of a mask edges are compared

Edges = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Drift:
    """How well labelled objects match their source.

    Attributes:
        lowest: the smallest score, -1 to 1; 1 if nothing could be measured.
        scores: by index in `Labels.shapes`, of those that could be measured; that of the semantic mask under -1.
    """

    lowest: float
    scores: Mapping[int, float]

    def below(self, threshold: float) -> list[int]:
        """The indices of the objects that have drifted.

        Args:
            threshold: -1 to 1; lower scores count as drift.

        Example:
            >>> Drift(0.2, {0: 0.9, 1: 0.2}).below(0.4)
            [1]
        """
        return [index for index, score in self.scores.items() if score < threshold]


def measure_drift(before: Image.Image, after: Image.Image, labels: Labels) -> Drift:
    """Compare the edges of two images where objects are labelled.

    A score is the correlation of the two edge fields inside the box and a margin of 3 %, each edge weighted by the
    square root of its gradient and turned to twice its angle (the double-angle form of the structure tensor, Granlund
    1978), at the best of the small shifts within the tolerance. For a semantic mask, the same is computed along its
    borders.

    Args:
        before: RGB, the source.
        after: RGB of the same size, before geometry and operations.
        labels: in the pixels of both.

    Returns:
        Scores of about 1 if the edges are all there, and of about 0 if others are in their place.

    Example:
        >>> photo = Image.radial_gradient("L").convert("RGB")
        >>> round(measure_drift(photo, photo, Labels((Shape("disc", (30, 30, 220, 220)),))).lowest, 2)
        1.0
    """
    scores = {}
    for index, shape in enumerate(labels.shapes):
        box = _box_of(shape)
        if box is not None and min(box[2] - box[0], box[3] - box[1]) >= _MIN_SIDE_PX:
            score = _score_in_box(before, after, box)
            if score is not None:
                scores[index] = round(score, 3)
    if labels.mask is not None and not labels.shapes:
        score = _score_along_borders(before, after, labels.mask)
        if score is not None:
            scores[-1] = round(score, 3)
    return Drift(min(scores.values(), default=1.0), scores)


def _box_of(shape: Shape) -> Box | None:
    if shape.box is not None:
        return shape.box
    points = np.array([point for ring in shape.polygons for point in ring])
    if len(points):
        return (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
    return None if shape.mask is None else mask_to_box(shape.mask)


def _score_in_box(before: Image.Image, after: Image.Image, box: Box) -> float | None:
    x0, y0, x1, y1 = box
    across, down = (x1 - x0) * _MARGIN, (y1 - y0) * _MARGIN
    left, top = max(0.0, x0 - across), max(0.0, y0 - down)
    right, bottom = min(before.width, x1 + across), min(before.height, y1 + down)
    if right - left < _MIN_SIDE_PX or bottom - top < _MIN_SIDE_PX:
        return None
    scale = min(1.0, _SIDE_PX / ((right - left) * (bottom - top)) ** 0.5)
    size = max(_MIN_SIDE_PX, round((right - left) * scale)), max(_MIN_SIDE_PX, round((bottom - top) * scale))
    one, other = (_edges(image, size, (left, top, right, bottom)) for image in (before, after))
    return _best_match(one, other, max(1, round(_TOLERANCE * min(size))))


def _score_along_borders(before: Image.Image, after: Image.Image, mask: Image.Image) -> float | None:
    scale = min(1.0, _MASK_SIDE_PX / max(before.size))
    size = max(_MIN_SIDE_PX, round(before.width * scale)), max(_MIN_SIDE_PX, round(before.height * scale))
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
    one, other = (_edges(image, size, (0, 0, *before.size)) for image in (before, after))
    return _best_match(one, other, _BORDER_PX - 1, border)


def _edges(image: Image.Image, size_wh: tuple[int, int], box: Sequence[float]) -> Edges:
    """(H, W) complex: at each pixel the edge at twice its angle; its length is the square root of the gradient."""
    x0, y0, x1, y1 = box
    small = image.resize(size_wh, Image.Resampling.BOX, box=(x0, y0, x1, y1), reducing_gap=2.0)
    values = np.asarray(small.convert("RGB")).astype(np.float32)
    dx, dy = np.zeros_like(values), np.zeros_like(values)
    dx[:, 1:-1] = values[:, 2:] - values[:, :-2]
    dy[1:-1] = values[2:] - values[:-2]
    double = ((dx * dx - dy * dy) + 2j * dx * dy).sum(-1)  # over channels: edges between equally light colours count
    length = np.abs(double)
    strength = np.sqrt(np.maximum(np.sqrt(length) - _NOISE, 0))
    return np.asarray(double / np.maximum(length, 1e-6) * strength)


def _best_match(one: Edges, other: Edges, tolerance_px: int, where: Edges | None = None) -> float | None:
    """The correlation of two (H, W) edge fields at the best shift; None if the first has hardly any edges.

    where: (H, W) of bool, the pixels that count; all by default.
    """
    height, width = one.shape
    tolerance = min(tolerance_px, (min(height, width) - 2) // 2)
    middle = slice(tolerance, height - tolerance), slice(tolerance, width - tolerance)
    counts = np.ones_like(one, bool)[middle] if where is None else where[middle]
    inner = np.where(counts, one[middle], 0)
    energy = float((np.abs(inner) ** 2).sum())
    if energy < _MIN_EDGES * max(1, int(counts.sum())):
        return None
    best = -1.0
    for down in range(2 * tolerance + 1):
        for across in range(2 * tolerance + 1):
            shifted = other[down : down + inner.shape[0], across : across + inner.shape[1]]
            against = float((np.abs(shifted[counts]) ** 2).sum())  # added edges count against it
            match = float((inner * shifted.conj()).real.sum())
            best = max(best, match / (energy * max(against, _MIN_ENERGY * energy)) ** 0.5)
    return best
