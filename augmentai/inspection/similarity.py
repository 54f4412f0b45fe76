"""What images look like to a pretrained network: labels that do not fit, outliers, and twins in other splits.

These are hints, not faults: a network that has seen everyday photographs may be wrong about yours.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from augmentai.backbone import Backbone, square
from augmentai.images import ImageError, decode
from augmentai.inspection.findings import Example, Findings
from augmentai.system.threads import in_order
from augmentai.types import Source

MOST_IMAGES = 20_000  # of larger sets as many, evenly chosen: comparing all with all takes the square of the time
_NEAR = (0.85, 0.92)  # cosine above which two images of a set may show the same: the least and the largest
_NEAR_DEVIATIONS = 3.0
_MARGIN = 0.4  # by which both predictions must prefer another class
_NEIGHBOURS = 10  # that vote for a class
_LEAST_OF_A_CLASS = 5
_PENALTY = 1.0  # of the ridge regression
_OUTLIER_NEIGHBOURS = 5
_OUTLIER_DEVIATIONS = 2.5
_BATCH = 64
_ROWS = 1024  # of similarities in memory

Array = np.ndarray


def find_by_features(
    sources: Sequence[Source],
    backbone: Backbone,
    max_pixels: int,
    findings: Findings,
    on_done: Callable[[int, int], None] = lambda done, total: None,
    most_images: int = MOST_IMAGES,
    most_seconds: float = math.inf,
) -> int:
    """Add what features tell of a set: about 10 ms and 5 KB per image.

    Args:
        sources: all images, those of other splits included.
        backbone: computes features.
        max_pixels: larger images are not decoded.
        findings: where it is added.
        on_done: called with how many images are done and how many there are.
        most_images: of more, so many are compared, evenly chosen.
        most_seconds: then no further image is read.

    Returns:
        How many images were compared.
    """
    step = max(1.0, len(sources) / most_images)
    chosen = [sources[int(number * step)] for number in range(min(len(sources), most_images))]
    read, features = _features(chosen, backbone, max_pixels, on_done, most_seconds)
    if len(read) < 2:
        return len(read)
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
    _find_twins(read, unit, findings)
    _find_outliers(read, unit, findings)
    labelled = [number for number, source in enumerate(read) if source.label is not None]
    labels = [read[number].label or "" for number in labelled]
    for number, other, margin in mislabelled(features[labelled], labels):
        source = read[labelled[number]]
        detail = f"labelled {source.label}, looks more like {other} (margin {margin:.2f})"
        findings.add("unlikely_labels", Example(source.path, detail))
    return len(read)


def mislabelled(features: Array, labels: Sequence[str]) -> list[tuple[int, str, float]]:
    """Find images that look more like another class, to both of two held-out predictions.

    One is a ridge regression on the classes with the image left out (its closed form: the residual over 1 - leverage),
    the other the vote of its ten nearest images. Both must prefer the same other class by 0.4 of 1. Classes of fewer
    than five images are left out; so are near-copies of an image when its neighbours vote.

    Args:
        features: of the images.
        labels: their classes.

    Returns:
        (number of the image, the class that it looks like, by how much), largest margin first.

    Shape:
        features: (N, D)

    Example:
        >>> rng = np.random.default_rng(0)
        >>> features = rng.normal(0, 0.2, (40, 8)) + np.repeat([[1.0] * 8, [-1.0] * 8], 20, axis=0)
        >>> labels = ["cat"] * 20 + ["dog"] * 20
        >>> labels[3] = "dog"
        >>> [(number, other) for number, other, _ in mislabelled(features, labels)]
        [(3, 'cat')]
    """
    counts = {name: labels.count(name) for name in sorted(set(labels))}
    names = [name for name, count in counts.items() if count >= _LEAST_OF_A_CLASS]
    kept = [number for number, label in enumerate(labels) if label in names]
    if len(names) < 2:
        return []
    numbers = np.array([names.index(labels[number]) for number in kept])
    x = features[kept].astype(np.float64)
    x = (x - x.mean(0)) / (x.std(0) + 1e-6) / np.sqrt(x.shape[1])
    neighbours = min(_NEIGHBOURS, min(counts[name] for name in names) - 1)
    members = np.eye(len(names))[numbers]  # (N, C)
    margins, others = zip(
        *(_margin(scores, numbers) for scores in (_left_out(x, members), _votes(x, members, neighbours))), strict=True
    )
    margin, agree = np.minimum(*margins), others[0] == others[1]
    found = [int(row) for row in np.flatnonzero(agree & (margin > _MARGIN))]
    found.sort(key=lambda row: -margin[row])
    return [(kept[row], names[others[0][row]], float(margin[row])) for row in found]


def _margin(scores: Array, own: Array) -> tuple[Array, Array]:
    """By how much the best other class is preferred, and which it is: (N, C), (N,) -> (N,), (N,)."""
    rows, others = np.arange(len(own)), scores.copy()
    others[rows, own] = -np.inf
    best = others.argmax(1)
    return others[rows, best] - scores[rows, own], best


def _left_out(x: Array, members: Array) -> Array:
    """Predictions of a ridge regression that has not seen the image: (N, D), (N, C) -> (N, C)."""
    count, width = x.shape
    if count < width:
        hat = np.linalg.solve(x @ x.T + _PENALTY * np.eye(count), x @ x.T)
        fit, leverage = hat.T @ (members - members.mean(0)), hat.diagonal()
    else:
        inverse = np.linalg.solve(x.T @ x + _PENALTY * np.eye(width), x.T)  # (D, N)
        fit, leverage = x @ (inverse @ (members - members.mean(0))), np.einsum("nd,dn->n", x, inverse)
    leverage = (leverage + 1 / count)[:, None]  # the mean is fitted too
    return (fit + members.mean(0) - leverage * members) / np.maximum(1 - leverage, 1e-6)


def _votes(x: Array, members: Array, neighbours: int) -> Array:
    """Shares of the classes among the nearest images, weighted by similarity: (N, D), (N, C) -> (N, C)."""
    unit = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    shares = np.zeros_like(members)
    for start in range(0, len(unit), _ROWS):
        similar = unit[start : start + _ROWS] @ unit.T
        similar[similar > 0.98] = -1  # the image itself and its near-copies
        nearest = np.argpartition(-similar, neighbours, axis=1)[:, :neighbours]
        weights = np.maximum(np.take_along_axis(similar, nearest, axis=1), 0)
        shares[start : start + _ROWS] = np.einsum("nk,nkc->nc", weights, members[nearest])
    return shares / np.maximum(shares.sum(1, keepdims=True), 1e-9)


def _find_twins(sources: Sequence[Source], unit: Array, findings: Findings) -> None:
    """Training images with a twin in validation or test, the most alike first.

    How alike different images are depends on the set, so a twin is what is unusually alike in this one.
    """
    held_out = np.array([number for number, source in enumerate(sources) if source.split not in (None, "train")], int)
    training = np.array([number for number, source in enumerate(sources) if source.split == "train"], int)
    if not (len(held_out) and len(training)):
        return
    cosines, twins = np.empty(len(training)), np.empty(len(training), int)
    for start in range(0, len(training), _ROWS):
        rows = slice(start, start + _ROWS)
        similar = unit[training[rows]] @ unit[held_out].T
        cosines[rows], twins[rows] = similar.max(1), held_out[similar.argmax(1)]
    middle, spread = _middle_and_spread(cosines)
    least = float(np.clip(middle + _NEAR_DEVIATIONS * spread, *_NEAR))
    for place in np.argsort(-cosines, kind="stable"):
        if cosines[place] < least:
            break
        source, twin = sources[training[place]], sources[twins[place]]
        if twin.sha256 != source.sha256:  # copies are found by their hash
            detail = f"looks nearly the same as {twin.path} ({twin.split}; features agree by {cosines[place]:.2f})"
            findings.add("similar_across_splits", Example(source.path, detail))


def _middle_and_spread(values: Array) -> tuple[float, float]:
    """The median, and the standard deviation that the median of the distances to it would mean of normal values."""
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle)))


def _find_outliers(sources: Sequence[Source], unit: Array, findings: Findings) -> None:
    """Images whose nearest images are unusually far."""
    neighbours = min(_OUTLIER_NEIGHBOURS, len(unit) - 1)
    if len(unit) < 4 * _OUTLIER_NEIGHBOURS:
        return  # nothing is unusual among so few
    near = np.empty(len(unit))
    for start in range(0, len(unit), _ROWS):
        similar = unit[start : start + _ROWS] @ unit.T
        rows = np.arange(len(similar))
        similar[rows, start + rows] = -1  # the image itself
        near[start : start + _ROWS] = -np.partition(-similar, neighbours - 1, axis=1)[:, :neighbours].mean(1)
    middle, spread = _middle_and_spread(near)
    for row in np.argsort(near):
        if near[row] >= middle - _OUTLIER_DEVIATIONS * spread:
            break
        detail = f"its nearest images agree with it by {near[row]:.2f}; usual in this set is {middle:.2f}"
        findings.add("outliers", Example(sources[row].path, detail))


def _features(
    sources: Sequence[Source],
    backbone: Backbone,
    max_pixels: int,
    on_done: Callable[[int, int], None],
    most_seconds: float,
) -> tuple[list[Source], Array]:
    """The sources that can be read, and their features."""
    end = time.monotonic() + most_seconds
    read: list[Source] = []
    parts: list[Array] = []
    waiting: list[Array] = []
    squares = in_order(partial(_square, side_px=backbone.side_px, max_pixels=max_pixels), sources, "similarity")
    for number, (source, image) in enumerate(zip(sources, squares, strict=True), 1):
        if image is not None:
            read.append(source)
            waiting.append(image)
        is_last = number == len(sources) or time.monotonic() > end
        if waiting and (len(waiting) == _BATCH or is_last):
            parts.append(backbone.features(np.stack(waiting)))
            waiting = []
        on_done(number, len(sources))
        if is_last:
            break
    return read, np.concatenate(parts) if parts else np.empty((0, backbone.width), np.float32)


def _square(source: Source, side_px: int, max_pixels: int) -> Array | None:
    try:
        return square(decode(source.read(), source.path, max_pixels, draft_side_px=side_px).rgb, side_px)
    except (ImageError, OSError):
        return None  # reported where it is examined
