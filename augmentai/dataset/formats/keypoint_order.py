"""The keypoints of a class: their names, and which of them change places in a mirrored image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Either word for the other, within a name of any spelling: "left_eye", "EyeLeft", "lefteye".
_WORDS = (("left", "right"), ("links", "rechts"), ("gauche", "droite"), ("左", "右"))
_LETTERS = {"l": "r", "r": "l"}
_WORD_OR_REST = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|.", re.DOTALL)


@dataclass(frozen=True)
class Skeleton:
    """The keypoints of a class.

    Attributes:
        names: one per keypoint; empty if the set does not name them.
        flip_order: for each keypoint, the position of the one that takes its place in a mirrored image; empty if
            nothing says it.
        edges: pairs of keypoints that tools join with a line, numbered from 1.
    """

    names: tuple[str, ...] = ()
    flip_order: tuple[int, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()


def flip_order(names: Sequence[str]) -> tuple[int, ...]:
    """For each keypoint, the position of the one that takes its place in a mirrored image.

    Args:
        names: of all keypoints of an object, in their order.

    Returns:
        One position per name; empty if the names do not say it: none of them names a side, or one whose other side
        is missing. A single keypoint always takes its own place.

    Example:
        >>> flip_order(["nose", "left_eye", "right_eye"])
        (0, 2, 1)
        >>> flip_order(["corner 1", "corner 2"]), flip_order(["left_eye", "tail"])
        ((), ())
    """
    positions = {name.casefold(): position for position, name in enumerate(names)}
    if len(positions) != len(names):
        return ()
    if len(names) == 1:
        return (0,)
    order = []
    for position, name in enumerate(names):
        others = _other_sides(name)
        found = next((positions[other] for other in others if other in positions), None)
        if others and found is None:
            return ()
        order.append(position if found is None else found)
    is_exchange = all(order[other] == position for position, other in enumerate(order))
    return tuple(order) if is_exchange and order != list(range(len(names))) else ()


def _other_sides(name: str) -> list[str]:
    """What the keypoint of the other side may be called, in lower case; nothing for a name without a side."""
    lowered = name.casefold()
    for pair in _WORDS:
        for side, other in (pair, pair[::-1]):
            if side in lowered:
                return [lowered.replace(side, other)]
    words = _WORD_OR_REST.findall(name)
    exchanged = [_LETTERS.get(word.casefold(), word) for word in words]
    return ["".join(exchanged).casefold()] if exchanged != words else []
