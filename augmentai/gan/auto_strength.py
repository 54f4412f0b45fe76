"""How strong a change a set of labelled pictures bears, told from their styles alone: no training, no labels of boxes.

Where pictures of one class look alike and those of another do not (ripe and unripe, stained and unstained), light and
colour *are* the class, and a strong change would make labels untrue. Measured as the share of pictures whose nearest
class mean in style space is their own class's, each picture left out of its own mean, over what chance would give.

And the more pictures there are of a class, the more looks the set has of its own, and the less a strong change brings:
with 30 of each a gentle one lost least on clean pictures, for about a point on shifted ones, where with 10 it was the
strong change that helped (`benchmarks/results/lift_trials.md`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

WITHOUT_CLASSES = 0.6  # loose photos: nothing is known of what must stay; plainly seen, still natural
STRONGEST, GENTLEST = 1.0, 0.4
FEW, MANY = 10, 30  # pictures a class: so many and fewer bear the strongest, from so many on the gentlest does
FREE, BOUND = 0.4, 0.8  # up to the first separation the strongest is borne, from the second on only the gentlest


def class_separation(styles: Tensor, labels: Sequence[str]) -> float | None:
    """0 where styles tell nothing of the classes, 1 where they tell all; None where fewer than two classes have two.

    styles: (N, D). labels: N names.
    """
    counts = {name: labels.count(name) for name in dict.fromkeys(labels)}
    kept = [number for number, name in enumerate(labels) if counts[name] > 1]
    names = sorted({labels[number] for number in kept})
    if len(names) < 2:
        return None
    # Rounded: the last bits of a sum hang on the number of threads, and a strength must not.
    unit = (F.normalize(styles[kept].double().cpu(), dim=1) * 4096).round() / 4096
    member = torch.tensor([[labels[number] == name for name in names] for number in kept]).double()  # (n, C)
    sums, sizes = member.T @ unit, member.sum(0)
    right = 0
    for row, own in zip(unit, member, strict=True):
        means = (sums - own[:, None] * row) / (sizes - own)[:, None]
        right += int((means - row).norm(dim=1).argmin() == own.argmax())
    chance = 1 / len(names)
    return max(0.0, (right / len(kept) - chance) / (1 - chance))


def bearable(separation: float | None, each: float) -> float:
    """The strength for a set: in tenths, so that one picture more or less seldom changes it.

    separation: `class_separation`, not asked for from `MANY` pictures a class on; each: pictures of a class, the median
    over the classes, 0 where there are none.
    """
    if each >= MANY:
        return GENTLEST
    if separation is None:
        return WITHOUT_CLASSES
    crowded = math.log(max(each, FEW) / FEW) / math.log(MANY / FEW)  # by ratios: ten more mean less to many
    coloured = (separation - FREE) / (BOUND - FREE)
    room = (1 - crowded) * (1 - min(max(coloured, 0.0), 1.0))
    return round(GENTLEST + room * (STRONGEST - GENTLEST), 1)
