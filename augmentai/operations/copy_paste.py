"""The operation `copy_paste`: labelled objects of other training images, put into an image with their labels."""

# ruff: noqa: RUF009 (`parameter` returns what `dataclasses.field` does)

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from augmentai.operations.base import OBJECTS, DrawSettings, OperationSkippedError
from augmentai.operations.borrowing import BorrowingOperation
from augmentai.operations.compositing.cutout import Cutout, cut_out, may_lend
from augmentai.operations.compositing.labelled_objects import Values, labelled_objects
from augmentai.operations.compositing.mask_planes import fault_in_masks, is_in_masks, paste_into_masks
from augmentai.operations.compositing.paste import own_ring_colour, paste, ring_colour
from augmentai.operations.compositing.placed import Placed, in_frame, overlap, placed
from augmentai.operations.compositing.places import Place, draw_places
from augmentai.operations.donor import Donor
from augmentai.operations.donors import NOBODY, Donors
from augmentai.operations.parameters import Number, Range, parameter
from augmentai.recipe.kinds import Choice, RecipeError, Switch

if TYPE_CHECKING:
    from augmentai.annotations import Box, Labels
    from augmentai.operations.compositing.occlusion import Occluded

Edge = Literal["soft", "poisson"]

_DONORS_ASKED = 8  # for one object, before there is none to be had
_OBJECTS_ASKED = 3  # of one donor
_LEAST_PX = 4  # side of a pasted object


@dataclass(frozen=True)
class CopyPaste(BorrowingOperation):
    """Puts labelled objects of other training images into an image, and writes them into its labels.

    Outlines, bitmaps and masks are cut out exactly, what has only a box by GrabCut; poor cuts are refused. An object
    takes on the brightness of its new surroundings. What it hides is cut from the labels behind it: from outlines,
    bitmaps and masks exactly, from boxes where a whole side is hidden, and an object of which less than the recipe's
    `least_visible` still shows loses its label. In a set of class folders only images of the same class lend.

    It is modest by default, one object in half of the variations: measure it (`augmentai lift`) before you do more.

    Attributes:
        objects: how many, a whole number drawn between both ends.
        place: "class": beside objects of the same class if the image has some, else where the object is in its own
            image; "same": where it is in its own image, roughly; "anywhere".
        scale: its size, relative to that in its own image.
        edge: "soft": the outline fades over a pixel or two; "poisson": the object's gradients on the colours of its new
            place (Pérez et al. 2003), in 8-bit images.
        harmonise: carry each object into the light of the image, as `Background` does.

    Example:
        >>> CopyPaste(objects=(1, 3), place="same").as_step()
        {'copy_paste': {'objects': [1.0, 3.0], 'place': 'same'}}
    """

    name = "copy_paste"
    title = "Copy and paste objects"
    blurb = "puts labelled objects of other images into the image"
    group = OBJECTS

    objects: tuple[float, float] = parameter((1, 1), Range(1, 10), "How many objects.")
    place: Place = parameter(
        "class",
        Choice(Place, ("Beside objects of their class", "Where they are in their own image", "Anywhere")),
        "Where they go.",
    )
    scale: tuple[float, float] = parameter((0.8, 1.25), Range(0.2, 5), "Size relative to that in their own image.")
    edge: Edge = parameter(
        "soft", Choice(Edge, ("Soft", "Colours of the new place (Poisson)")), "How their edge is blended."
    )
    probability: float = parameter(0.5, Number(0, 1), "Share of the variations that it is applied to.")
    harmonise: bool = parameter(False, Switch(), "Carry the objects into the light of the image.")

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.objects
        if math.ceil(low) > math.floor(high):
            found = f"operation {self.name}: objects is {low:g} to {high:g}, between which there is no whole number"
            raise RecipeError(f"{found}; widen it, as to {math.floor(low)}..{math.ceil(high)}")

    def draw(
        self,
        rng: Random,
        size_wh: tuple[int, int],
        labels: Labels | None,
        settings: DrawSettings,
        donors: Donors = NOBODY,
    ) -> dict[str, Any] | None:
        if labels is None:
            raise OperationSkippedError("it has no labels into which a pasted object could be written")
        count = rng.randint(math.ceil(self.objects[0]), math.floor(self.objects[1]))
        boxes = [(one.category, one.box) for one in labelled_objects(labels)]
        chosen: list[tuple[Donor, dict[str, Any]]] = []
        reasons: dict[str, None] = {}
        for _ in range(count):
            found = self._object(rng, size_wh, labels, boxes, settings, donors, reasons)
            if found is None:
                break
            donor, one, box = found
            chosen.append((donor, one))
            boxes.append((one["class"], box))
        if not chosen:
            raise OperationSkippedError(next(iter(reasons), "no other training image has an object that could be lent"))
        return {
            "donors": [donor.as_record() for donor, _ in chosen],
            "objects": [one for _, one in chosen],
            "edge": self.edge,
            "least_visible": settings.least_visible,
            **({"harmonise": True} if self.harmonise else {}),
        }

    def _object(
        self,
        rng: Random,
        size_wh: tuple[int, int],
        labels: Labels,
        boxes: Sequence[tuple[str, Box]],
        settings: DrawSettings,
        donors: Donors,
        reasons: dict[str, None],
    ) -> tuple[Donor, dict[str, Any], Box] | None:
        """One object, from whom, and about where it goes; None if there is none. What stood in the way is noted."""
        wanted = _rare_class(rng, donors) if settings.balance else None
        lenders = donors.shuffled(rng, same_class=donors.label is not None, category=wanted)
        for donor in islice(lenders, _DONORS_ASKED):
            if donor.labels is None:
                continue
            if fault := fault_in_masks(labels, donor.labels):
                reasons.setdefault(fault)
                continue
            lendable = [n for n in may_lend(donor) if wanted is None or donor.objects[n].category == wanted]
            for number in rng.sample(lendable, min(len(lendable), _OBJECTS_ASKED)):
                try:
                    cutout = cut_out(donor, number)
                except OperationSkippedError as refused:
                    reasons.setdefault(str(refused))
                    continue
                if labels.masks and not is_in_masks(donor.labels, cutout, donor.size_wh):
                    reasons.setdefault("the masks of the image that lends do not show its objects")
                    continue
                drawn = self._drawn(rng, number, cutout, donor.size_wh, size_wh, boxes, settings)
                if drawn is not None:
                    one, box = drawn
                    return donor, one, box
        return None

    def _drawn(
        self,
        rng: Random,
        number: int,
        cutout: Cutout,
        lent_wh: tuple[int, int],
        size_wh: tuple[int, int],
        boxes: Sequence[tuple[str, Box]],
        settings: DrawSettings,
    ) -> tuple[dict[str, Any], Box] | None:
        """How one object is put, and about where; None if it would be too large or too small."""
        one = cutout.one
        frames = math.sqrt(size_wh[0] * size_wh[1] / (lent_wh[0] * lent_wh[1]))
        scale = frames * math.exp(rng.uniform(math.log(self.scale[0]), math.log(self.scale[1])))
        mirrored = settings.mirror and rng.random() < 0.5
        if one.shape is not None and one.shape.keypoints and not one.shape.flip_order:
            mirrored = False
        x0, y0, x1, y1 = one.box
        wide, high = (x1 - x0) * scale, (y1 - y0) * scale
        if min(wide, high) < _LEAST_PX:
            return None
        same = ((x0 + x1) / 2 / lent_wh[0], (y0 + y1) / 2 / lent_wh[1])
        alike = [box for category, box in boxes if category == one.category]
        places = draw_places(rng, self.place, (wide, high), same, size_wh, alike, [box for _, box in boxes])
        if not places:
            return None
        drawn = {"object": number, "class": one.category, "scale": round(scale, 4), "mirrored": mirrored}
        x, y = places[0]
        return {**drawn, "places": places}, (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)

    def apply(
        self, image: Image.Image, labels: Labels | None, drawn: Mapping[str, Any], donors: Sequence[Donor] = ()
    ) -> tuple[Image.Image, Labels | None]:
        from augmentai.operations.compositing.occlusion import Cover, Occluded  # loads shapely

        if labels is None:
            raise OperationSkippedError("it has no labels into which a pasted object could be written")
        has_shapes = bool(labels.shapes) or labels.mask is None or "mask_classes" in labels.extra
        seen = Occluded(labels.shapes, image.size, drawn["least_visible"])
        for donor, one in zip(donors, drawn["objects"], strict=True):
            cutout = cut_out(donor, one["object"])
            image, there = _pasted(image, donor, cutout, one, seen, drawn)
            shape = there.shape(image.size, donor.path)
            rings = shape.polygons if shape is not None and not shape.oriented else ()
            seen.cover(Cover(there.mask(), there.window, rings))
            if shape is not None and has_shapes:
                seen.add(shape)
            assert donor.labels is not None
            labels = paste_into_masks(labels, donor.labels, there, donor.size_wh)
        return image, replace(labels, shapes=seen.shapes, hidden=labels.hidden + seen.hidden)


def _pasted(
    image: Image.Image, donor: Donor, cutout: Cutout, one: Mapping[str, Any], seen: Occluded, drawn: Mapping[str, Any]
) -> tuple[Image.Image, Placed]:
    """An image with an object at that of its places whose surroundings are most like those that it had."""
    candidates = [placed(cutout, one["scale"], one["mirrored"], (x, y)) for x, y in one["places"]]
    piece, own = own_ring_colour(donor, candidates[0], image)
    values = np.asarray(image)
    taken = _taken(seen, image.size)
    rings = [ring_colour(values, image.mode, candidate, taken) for candidate in candidates]
    if own is None:
        best = 0
    else:
        hidden = [float(taken[overlap(candidate.window, image.size)[0]].mean()) for candidate in candidates]
        span = max(float(np.ptp(values)), 1e-9)
        unlike = [
            math.inf if ring is None else float(np.abs(ring - own).mean()) / span + 0.2 * share
            for ring, share in zip(rings, hidden, strict=True)
        ]
        best = int(np.argmin(unlike))
    there = candidates[best]
    return paste(image, piece, there, (own, rings[best]), drawn["edge"], drawn.get("harmonise", False)), there


def _taken(seen: Occluded, size_wh: tuple[int, int]) -> Values:
    """The pixels in boxes of labelled objects, as far as these do not fill the image."""
    taken = np.zeros(size_wh[::-1], bool)
    for shape in seen.shapes:
        if shape.box is not None:
            x0, y0, x1, y1 = (round(side) for side in shape.box)
            if (x1 - x0) * (y1 - y0) <= 0.5 * size_wh[0] * size_wh[1]:
                box = (x0, y0, max(x0, x1), max(y0, y1))
                taken |= in_frame(np.ones((box[3] - y0, box[2] - x0), bool), box, size_wh)
    return taken


def _rare_class(rng: Random, donors: Donors) -> str | None:
    """A class, the likelier the more objects it lacks to be as frequent as the most frequent one."""
    counts = donors.categories()
    most = max(counts.values(), default=0)
    lacking = [most - count for count in counts.values()]
    if not any(lacking):
        return None
    return rng.choices(list(counts), lacking)[0]
