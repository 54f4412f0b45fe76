"""Choosing an augmentation strength that a labelled set can take, from its styles alone: no training, no boxes.

Where images of one class look alike and those of another do not (ripe and unripe, stained and unstained), light and
colour *are* the class, and a strong change would make labels wrong. The separation of the classes is measured by
leave-one-out nearest class mean in style space: the share of images whose nearest class mean is their own class's
(computed without that image), above what chance would give.

The more images a class has, the more styles the set already covers, and the less a strong change adds: with 30 per
class a weak one lost least on clean test images, for about a point on shifted ones, where with 10 the strong change
was the one that helped (`benchmarks/results/lift_trials.md`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

UNLABELLED = 0.6  # loose photos: nothing is known about what must stay; a visible change that still looks natural
STRONGEST, GENTLEST = 1.0, 0.4
FEW_PER_CLASS = 10  # up to this many images per class, the strongest change is safe
MANY_PER_CLASS = 30  # from this many on, the gentlest is used
FREE, BOUND = 0.4, 0.8  # class separation up to which the strongest is safe, and from which only the gentlest is


def class_separation(styles: np.ndarray[Any, Any], labels: Sequence[str]) -> float | None:
    """Measure how well styles alone predict the class.

    Args:
        styles: One style per image.
        labels: The class of each image.

    Returns:
        0 if styles say nothing about the class, 1 if they determine it; None if fewer than two classes have
        two images or more.

    Shape:
        styles: (N, D), any float type; labels: N names.

    Example:
        >>> styles = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
        >>> class_separation(styles, ["ripe", "ripe", "green", "green"])
        1.0
        >>> class_separation(styles, ["a", "b", "a", "b"])
        0.0
    """
    counts = {name: labels.count(name) for name in dict.fromkeys(labels)}
    kept = [number for number, name in enumerate(labels) if counts[name] > 1]
    names = sorted({labels[number] for number in kept})
    if len(names) < 2:
        return None
    # Rounded: the last bits of a sum depend on the number of threads, and a strength must not.
    chosen = np.asarray(styles, np.float64)[kept]
    unit = np.rint(chosen / np.linalg.norm(chosen, axis=1, keepdims=True).clip(1e-12) * 4096) / 4096  # (n, D)
    member = np.array([[labels[number] == name for name in names] for number in kept], np.float64)  # (n, C)
    sums, sizes = member.T @ unit, member.sum(0)  # (C, D), (C,)
    correct = 0
    for row, own in zip(unit, member, strict=True):
        means = (sums - own[:, None] * row) / (sizes - own)[:, None]
        correct += int(np.linalg.norm(means - row, axis=1).argmin() == own.argmax())
    chance = 1 / len(names)
    return max(0.0, (correct / len(kept) - chance) / (1 - chance))


def strength_for_set(separation: float | None, images_per_class: float) -> float:
    """Choose the strength for a set.

    Args:
        separation: From `class_separation`; not needed from `MANY_PER_CLASS` images per class on.
        images_per_class: The median over the classes, 0 if there are no classes.

    Returns:
        A strength from `GENTLEST` to `STRONGEST`, in tenths, so that one image more or less seldom changes it.

    Example:
        >>> strength_for_set(separation=0.1, images_per_class=10)
        1.0
        >>> strength_for_set(separation=0.9, images_per_class=10)
        0.4
        >>> strength_for_set(separation=None, images_per_class=0)
        0.6
    """
    if images_per_class >= MANY_PER_CLASS:
        return GENTLEST
    if separation is None:
        return UNLABELLED
    ratio = max(images_per_class, FEW_PER_CLASS) / FEW_PER_CLASS
    crowded = math.log(ratio) / math.log(MANY_PER_CLASS / FEW_PER_CLASS)  # by ratio: ten more mean less to many
    bound_by_style = (separation - FREE) / (BOUND - FREE)
    room = (1 - crowded) * (1 - min(max(bound_by_style, 0.0), 1.0))
    return round(GENTLEST + room * (STRONGEST - GENTLEST), 1)
