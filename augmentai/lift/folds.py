"""Folds: each image is tested once, by models that saw neither it nor anything that nearly equals it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from augmentai.filters.near_duplicates import Thumbprint
from augmentai.lift.plan import FOLDS
from augmentai.pipeline.split.groups import groups_of
from augmentai.pipeline.split.stratify import Group, stratify
from augmentai.types import Source


def fold_of_each(
    sources: Sequence[Source], thumbs: Sequence[Thumbprint | None], seed: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Divide images into folds so that each class is divided evenly and near-duplicates stay together.

    Args:
        sources: the images.
        thumbs: what each looks like.
        seed: decides between images of a class.

    Returns:
        The number of each image's fold: int64 (images,).

    Example:
        >>> sources = [Source.from_bytes(f"{n}.png", bytes([n]), "ab"[n % 2]) for n in range(20)]
        >>> folds = fold_of_each(sources, [None] * 20, seed=1)
        >>> [int((folds == number).sum()) for number in range(5)]
        [4, 4, 4, 4, 4]
    """
    groups = groups_of(sources, thumbs)
    names = stratify(
        [_group(group, sources, seed) for group in groups], {str(number): 1 / FOLDS for number in range(FOLDS)}
    )
    folds = np.empty(len(sources), np.int64)
    for group, name in zip(groups, names, strict=True):
        folds[group] = int(name)
    return folds


def _group(members: Sequence[int], sources: Sequence[Source], seed: int) -> Group:
    counts = Counter(str(sources[position].label) for position in members)
    first = min(sources[position].sha256 + sources[position].path for position in members)
    order = hashlib.sha256(f"{seed}:folds:{first}".encode("utf-8", "backslashreplace")).hexdigest()
    return Group(order, len(members), counts, {})
