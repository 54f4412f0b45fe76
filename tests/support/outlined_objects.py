"""Objects of every kind, and what every reader has to find of them: boxes between pixels, outlines that point inwards,
bitmaps with a hole, objects in two parts, rotated boxes, keypoints. `outlined_sets` has them in every format."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from tests.support.image_files import encoded
from tests.support.painted_objects import filled
from tests.support.set_readers import Area, Found, Object, bitmap, outlined

SIZE_WH = (96, 64)
Ring = list[tuple[float, float]]
IMAGES = (("train", "a"), ("train", "b"), ("val", "c"))
CLASSES = ("gear", "nut", "slim bolt")


@dataclass(frozen=True)
class Drawn:
    """An object as a source describes it: a box, or rings, or pixels, or a box with keypoints."""

    category: str
    box: tuple[float, float, float, float] | None = None
    rings: tuple[Ring, ...] = ()
    area: Area | None = None
    points: tuple[tuple[float, float, int], ...] = ()

    def truth(self) -> Object:
        """What every reader has to find."""
        if self.area is not None:
            return bitmap(self.category, self.area)
        if self.rings:
            return outlined(self.category, list(self.rings), SIZE_WH)
        assert self.box is not None
        return Object(self.category, self.box, points=list(self.points))

    def around(self) -> tuple[float, float, float, float]:
        return self.truth().box


def _ring_of_pixels() -> Area:
    y, x = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]]
    far = np.hypot(x - 68, y - 18)
    return np.asarray((far < 14) & (far > 6))


BOX = Drawn("nut", (4.25, 5.5, 30.75, 20.25))
SECOND = Drawn("slim bolt", (40.5, 40.0, 90.25, 60.5))
NOTCHED = Drawn("gear", rings=([(6.0, 26.0), (34.75, 26.0), (34.75, 34.0), (18.0, 34.0), (18.0, 58.25), (6.0, 58.25)],))
SLANTING = Drawn("nut", rings=([(50.0, 6.0), (84.0, 16.5), (76.0, 34.0), (60.5, 24.0), (44.0, 30.0)],))
PARTS = Drawn("slim bolt", rings=([(40, 40), (60, 40), (60, 56), (40, 56)], [(68, 44), (90, 44), (79, 60)]))
PIXELS = Drawn("gear", area=_ring_of_pixels())
TURNED = Drawn("slim bolt", rings=([(20.0, 10.0), (60.0, 30.0), (54.0, 42.0), (14.0, 22.0)],))
STANDING = Drawn("nut", rings=([(70.0, 8.0), (90.0, 8.0), (90.0, 56.0), (70.0, 56.0)],))
POSE = Drawn("nut", (10.0, 8.0, 50.0, 48.0), points=((30.0, 16.0, 2), (40.5, 24.0, 1), (20.25, 24.0, 2)))
HIDDEN = Drawn("nut", (56.0, 10.0, 90.0, 60.0), points=((70.0, 20.0, 2), (0, 0, 0), (64.0, 30.0, 2)))

BOXES: Set = {"a": [BOX, SECOND], "b": [], "c": [SECOND]}
POLYGONS = {"a": [NOTCHED, SLANTING], "b": [SLANTING], "c": [NOTCHED]}
BOTH = {"a": [BOX, NOTCHED], "b": [SECOND], "c": [SLANTING]}
ALL = {"a": [BOX, NOTCHED, PIXELS, PARTS], "b": [SECOND], "c": [PIXELS, PARTS]}
BITMAPS = {"a": [BOX, NOTCHED, PIXELS], "b": [SECOND], "c": [PIXELS]}
AREAS = {"a": [PIXELS], "b": [], "c": [PIXELS]}
CORNERS = {"a": [TURNED, STANDING], "b": [STANDING], "c": [TURNED]}
POSES = {"a": [POSE, HIDDEN], "b": [POSE], "c": [HIDDEN]}

Set = dict[str, list[Drawn]]  # by the stem of the image


def pixels(one: Drawn) -> Area:
    return one.area if one.area is not None else filled(list(one.rings), SIZE_WH)


def photo(stem: str) -> bytes:
    shade = 40 + 60 * "abc".index(stem)
    return encoded(Image.new("RGB", SIZE_WH, (shade, 120, 200 - shade)))


def truth(objects: Set) -> Found:
    """What is in a set, and in its variations."""
    found: Found = {}
    for split, stem in IMAGES:
        for name in (stem, f"{stem}__v1") if split == "train" else (stem,):
            found[split, name] = [one.truth() for one in objects[stem]]
    return found
