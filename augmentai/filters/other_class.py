"""Whether a repainted image, or an object that was painted anew, still shows its class.

It is compared with examples of every class of its set, by a pretrained network's features: with the mean of each class,
its prototype, and with the most similar examples. How well these say what something is depends on the set. So the set's
own images, changed as a good repaint might change them, are judged in the same way, and what is rejected resembles its
class less than nearly all of these, and has lost more of it than nearly all of these: an image that is unlike its class
from the beginning may stay so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from augmentai.backbone import Backbone, load_backbone, square
from augmentai.filters.class_bank import LEAST_EXAMPLES, ClassBank, Example, Resemblance
from augmentai.filters.semantic import changed_image

_SAMPLES = 96  # examples that are changed
_CHANGES = 3  # of each
_LEAST_RECOGNISED = 0.6  # of the examples: of a set of which fewer resemble their own class, nothing can be said
_AT_ONCE = 32  # squares


@dataclass(frozen=True)
class Standard:
    """What the set's own examples reach.

    Attributes:
        least: how much more something resembles its class than another, by `Resemblance.mean`.
        most_lost: by how much this falls below that of the unchanged image.
        fault: why nothing is judged, in words; "" if something is.
    """

    least: float
    most_lost: float
    fault: str = ""


@dataclass(frozen=True)
class KnownClasses:
    """What a set's own examples say of its classes, measured once for many workers.

    Attributes:
        names: the class of each example.
        origins: SHA-256 of the file that it comes from.
        features: of each example.
        standard: what they reach.

    Shape:
        features: (N, D) of float32
    """

    names: Sequence[str]
    origins: Sequence[str]
    features: np.ndarray
    standard: Standard


@dataclass(frozen=True)
class Change:
    """How an image resembles its class, before and after it was repainted."""

    before: Resemblance
    after: Resemblance


class OtherClassFilter:
    """Compares images with the classes of their set. Examples are read when they are first needed.

    Args:
        examples: begins to read them, when it is called.
        share: the fraction of good changes that may be rejected, above 0.
        what: what is judged, in the plural: "images" or "objects".
        load: loads the network.
        known: what was measured before; then no example is read.

    Raises:
        BackboneError: from any method, if the network cannot be loaded.
    """

    def __init__(
        self,
        examples: Callable[[], Iterable[Example]],
        share: float,
        what: str = "images",
        load: Callable[[], Backbone] = load_backbone,
        known: KnownClasses | None = None,
    ) -> None:
        self._examples, self._share, self.what, self._load = examples, share, what, load
        self._known = known

    def measured(self) -> KnownClasses:
        """All of it, measured now: for a plan whose workers have a part of the set each."""
        return KnownClasses(self._names, self._origins, self._features, self.standard)

    @property
    def has_classes(self) -> bool:
        """Whether there are two classes or more, so that one thing can be told from another."""
        return len(set(self._names)) > 1

    def why_not_judged(self, category: str) -> str:
        """Why nothing is said of a class, in words; "" if something is."""
        if self.standard.fault:
            return self.standard.fault
        count = self._bank.count(category)
        if count >= LEAST_EXAMPLES:
            return ""
        return f"the class {category!r} has {count} usable {self.what}, and {LEAST_EXAMPLES} are needed"

    def compare(self, before: Image.Image, after: Image.Image, category: str, origin: str) -> Change:
        """How an image resembles its class.

        Args:
            before: RGB, the source, or the object in it.
            after: RGB, the same repainted.
            category: its class, which is one that is judged.
            origin: SHA-256 of its source, whose own examples do not count.
        """
        backbone = self._load()
        squares = np.stack([square(image, backbone.side_px) for image in (before, after)])
        first, second = (self._bank.resemblance(one, category, origin) for one in backbone.features(squares))
        return Change(first, second)

    def accepts(self, change: Change) -> bool:
        """Whether something that resembles its class so still shows it."""
        lost = change.before.mean - change.after.mean
        return change.after.mean >= self.standard.least or lost <= self.standard.most_lost

    @cached_property
    def standard(self) -> Standard:
        """What the set's own examples reach, changed as by a good repaint."""
        if self._known is not None:
            return self._known.standard
        judged = [number for number in range(len(self._names)) if self._is_known(self._names[number])]
        if len({self._names[number] for number in judged}) < 2:
            return Standard(-2, 4, f"fewer than two classes have {LEAST_EXAMPLES} usable {self.what}")
        unchanged = {number: self._resembles(self._features[number], number).mean for number in judged}
        recognised = float(np.mean([mean > 0 for mean in unchanged.values()]))
        if recognised < _LEAST_RECOGNISED:
            return Standard(-2, 4, f"only {recognised:.0%} of the set's own {self.what} are recognised as their class")
        changed = list(self._changed(_spread(judged, [self._names[number] for number in judged])))
        share = min(self._share, 1.0)
        least = float(np.quantile([mean for _, mean in changed], share))
        most_lost = float(np.quantile([unchanged[number] - mean for number, mean in changed], 1 - share))
        return Standard(round(least, 3), round(most_lost, 3))

    def _is_known(self, category: str) -> bool:
        return self._bank.count(category) >= LEAST_EXAMPLES

    def _changed(self, numbers: Sequence[int]) -> Iterator[tuple[int, float]]:
        """The number of each example, and what it reaches, once for each of its changes."""
        for place, number in enumerate(numbers):
            seeds = range(place * _CHANGES, (place + 1) * _CHANGES)
            changed = np.stack([changed_image(self._squares[number], seed) for seed in seeds])
            yield from ((number, self._resembles(one, number).mean) for one in self._load().features(changed))

    def _resembles(self, features: np.ndarray, number: int) -> Resemblance:
        return self._bank.resemblance(features, self._names[number], self._origins[number])

    @cached_property
    def _read(self) -> tuple[list[np.ndarray], list[str], list[str]]:
        side_px = self._load().side_px
        squares, names, origins = [], [], []
        for example in self._examples():
            squares.append(square(example.pixels, side_px))
            names.append(example.category)
            origins.append(example.origin)
        return squares, names, origins

    @property
    def _squares(self) -> list[np.ndarray]:
        return self._read[0]

    @property
    def _names(self) -> Sequence[str]:
        return self._read[1] if self._known is None else self._known.names

    @property
    def _origins(self) -> Sequence[str]:
        return self._read[2] if self._known is None else self._known.origins

    @cached_property
    def _features(self) -> np.ndarray:
        if self._known is not None:
            return self._known.features
        parts = [
            self._load().features(np.stack(self._squares[start : start + _AT_ONCE]))
            for start in range(0, len(self._squares), _AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self._load().width), np.float32)

    @cached_property
    def _bank(self) -> ClassBank:
        return ClassBank(self._features, self._names, self._origins)


def _spread(numbers: Sequence[int], names: Sequence[str]) -> list[int]:
    """At most so many of the examples, as many of each class as there are, in an order that does not depend on names.

    Example:
        >>> _spread([0, 1, 2, 3], ["cat", "cat", "cat", "dog"])
        [0, 3, 1, 2]
    """
    ranks: dict[str, int] = {}
    order = []
    for number, name in zip(numbers, names, strict=True):
        ranks[name] = ranks.get(name, -1) + 1
        order.append((ranks[name], number))
    return [number for _, number in sorted(order)][:_SAMPLES]
