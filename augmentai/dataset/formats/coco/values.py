"""Values of COCO's fields, checked: a file may have anything where a number is expected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from reprlib import repr as short
from typing import Any

from augmentai.annotations import Box, Keypoint, Polygon
from augmentai.dataset.bounds import MOST_CLASSES
from augmentai.dataset.formats.coco.ids import id_key
from augmentai.dataset.formats.keypoint_order import Skeleton, flip_order

# COCO's own person, for sets that do not repeat the names.
PERSON = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow"),
    *("right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee"),
    *("left_ankle", "right_ankle"),
)


@dataclass(frozen=True)
class Category:
    """A class.

    Attributes:
        name: its name.
        keypoints: the names of its keypoints, in their order; empty if it does not say.
        flip_idx: which of them change places in a mirrored image, if it says so as data.yaml does.
        edges: pairs of keypoints that are joined by a line, numbered from 1.
        is_stuff: it is no class of single objects, but of sky, grass and the like.
    """

    name: str
    keypoints: tuple[str, ...] = ()
    flip_idx: tuple[int, ...] = field(default=(), repr=False)
    edges: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    is_stuff: bool = field(default=False, repr=False)

    @property
    def skeleton(self) -> Skeleton:
        """What it says of its keypoints."""
        return Skeleton(self.keypoints, self.flip_order(len(self.keypoints)), self.edges)

    def flip_order(self, count: int) -> tuple[int, ...]:
        """How that many keypoints change places in a mirrored image; empty if nothing says it."""
        names = self.keypoints
        if len(self.flip_idx) == count:
            return self.flip_idx
        if not names and self.name.casefold() == "person" and count == len(PERSON):
            names = PERSON
        return flip_order(names) if len(names) == count else ()


Categories = Mapping[str, Category]  # by the key of their id


def categories_in(value: object) -> tuple[dict[str, Category], list[str]]:
    """The classes of a file's "categories", and what is wrong with others.

    Example:
        >>> categories_in([{"id": 1.0, "name": "car"}])
        ({'1': Category(name='car', keypoints=())}, [])
        >>> categories_in(5)
        ({}, ['categories is 5; expected a list of ids and names'])
    """
    if value is None:
        return {}, []
    if not isinstance(value, list):
        return {}, [f"categories is {short(value)}; expected a list of ids and names"]
    if len(value) > MOST_CLASSES:
        return {}, [f"categories has {len(value):,} entries; expected at most {MOST_CLASSES:,}"]
    found: dict[str, Category] = {}
    faults = []
    for number, category in enumerate(value, 1):
        key = id_key(category.get("id")) if isinstance(category, dict) else None
        name = category.get("name") if isinstance(category, dict) else None
        if key is None or not isinstance(name, str | int | float) or not str(name).strip():
            faults.append(f"category {number} is {short(category)}; expected an id and a name")
        elif key in found and found[key].name != str(name):
            faults.append(f"category {number}: id {key} is {found[key].name!r} and {name!r}; expected one name")
        else:
            keypoints = category.get("keypoints")
            names = keypoints if isinstance(keypoints, list) and all(isinstance(k, str) for k in keypoints) else []
            found[key] = Category(
                str(name),
                tuple(names),
                _exchange(category.get("flip_idx")),
                _edges(category.get("skeleton")),
                category.get("isthing") == 0,
            )
    return found, faults


def _exchange(value: object) -> tuple[int, ...]:
    """Positions of keypoints in another order; empty if it is none."""
    positions = value if isinstance(value, list) and all(isinstance(one, int) for one in value) else []
    return tuple(positions) if sorted(positions) == list(range(len(positions))) else ()


def _edges(value: object) -> tuple[tuple[int, int], ...]:
    """Pairs of keypoints; what is none is left out."""
    pairs = value if isinstance(value, list) else []
    return tuple(
        (one[0], one[1])
        for one in pairs
        if isinstance(one, list) and len(one) == 2 and all(isinstance(end, int) for end in one)
    )


def box_in(value: object) -> Box | None:
    """The corners of a bbox; None if there is none. Raises ValueError."""
    if value is None or value == []:
        return None
    if not isinstance(value, list) or len(value) != 4 or not all(map(is_number, value)):
        raise ValueError(f"bbox is {short(value)}; expected [x, y, width, height] in pixels")
    x, y, width, height = (float(one) for one in value)
    if width < 0 or height < 0:
        raise ValueError(f"bbox is {short(value)}; expected a width and a height above 0")
    return x, y, x + width, y + height


def polygons_in(segmentation: Sequence[Any]) -> tuple[Polygon, ...]:
    """The outlines of a segmentation that is a list. Raises ValueError."""
    parts = segmentation if not segmentation or isinstance(segmentation[0], list) else [segmentation]
    polygons = []
    for part in parts:
        if not isinstance(part, list) or len(part) % 2 or not all(map(is_number, part)):
            raise ValueError(f"segmentation has {short(part)}; expected pairs of x and y in pixels")
        if len(part) >= 6:  # fewer corners enclose nothing; tools write such leftovers, and they stay as they are
            polygons.append(tuple((float(x), float(y)) for x, y in zip(part[::2], part[1::2], strict=True)))
    return tuple(polygons)


def keypoints_in(value: object) -> tuple[Keypoint, ...]:
    """x, y and visibility, three by three; nothing if there are none. Raises ValueError."""
    if value is None or value == []:
        return ()
    if not isinstance(value, list) or len(value) % 3 or not all(map(is_number, value)):
        raise ValueError(f"keypoints is {short(value)}; expected x, y and visibility of each")
    return tuple(zip(value[::3], value[1::3], value[2::3], strict=True))


def is_number(value: object) -> bool:
    """Whether a value is a number that a pixel may have."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < 1e9 if isinstance(value, int) else math.isfinite(value) and abs(value) < 1e9
