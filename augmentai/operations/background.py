"""The operation `background`: the object of an image in front of another ground."""

# ruff: noqa: RUF009 (`parameter` returns what `dataclasses.field` does)

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image, ImageOps

from augmentai.operations.base import OBJECTS, DrawSettings, OperationSkippedError
from augmentai.operations.borrowing import BorrowingOperation
from augmentai.operations.compositing.blend import composite, draw_plain, filled_in, like, plain, rgb_of, soft
from augmentai.operations.compositing.objects import labelled_pixels
from augmentai.operations.compositing.subject import find_subject
from augmentai.operations.donors import NOBODY, Donor, Donors
from augmentai.operations.parameters import parameter
from augmentai.recipe.kinds import Choice

if TYPE_CHECKING:
    from augmentai.annotations import Labels

Ground = Literal["other", "same_class", "plain"]

_MOST_COVERED = 0.8  # of the image by what is labelled: more leaves no ground worth changing
_ASKED = 4  # donors that are looked at before there is no ground to be had
_EDGE = 0.006  # of the image's long side: how wide the edge fades
_MOST_GROUNDS = 512  # of which the subject is remembered, 5 kB each


@dataclass(frozen=True)
class Background(BorrowingOperation):
    """Takes what is labelled, or the subject of an image without labels, and puts it in front of another ground.

    Outlines and masks are cut out exactly, what has only a box by GrabCut, a subject without any label by the backbone
    (`augmentai.operations.compositing`); the image stays as it is where that is uncertain, and the report says so.
    Labels do not change: nothing moves, and the objects of the image that lends its ground are painted over.

    It helps where the ground says nothing about the class, and harms where it does: measure it (`augmentai lift`).

    Attributes:
        ground: "other": of any other training image; "same_class": of one of the same class; "plain": one colour, a
            gradient or a texture.

    Example:
        >>> Background(ground="plain").as_step()
        {'background': {'ground': 'plain'}}
    """

    name = "background"
    title = "New background"
    blurb = "puts the objects in front of another background"
    group = OBJECTS

    ground: Ground = parameter(
        "other",
        Choice(Ground, ("Of any other image", "Of an image of the same class", "Plain colours and textures")),
        "Where the new background comes from.",
    )

    @property
    def borrows(self) -> bool:
        return self.ground != "plain"

    def draw(
        self,
        rng: Random,
        size_wh: tuple[int, int],
        labels: Labels | None,
        settings: DrawSettings,
        donors: Donors = NOBODY,
    ) -> dict[str, Any] | None:
        if labels is not None and not labels.shapes and labels.mask is None:
            return None  # an image without objects is all ground
        if self.ground == "plain":
            return {"donors": [], "plain": draw_plain(rng)}
        chosen = self._candidates(rng, labels, donors)
        if not chosen:
            raise OperationSkippedError("no other training image can lend its background")
        return {"donors": [chosen[0].as_record()], "mirrored": settings.mirror and rng.random() < 0.5}

    def _candidates(self, rng: Random, labels: Labels | None, donors: Donors) -> list[Donor]:
        if self.ground == "other":
            asked = donors.choose(rng, _ASKED)
        elif labels is not None and labels.shapes:
            category = rng.choice(sorted({shape.category for shape in labels.shapes}))
            asked = donors.choose(rng, _ASKED, category=category)
        else:
            asked = donors.choose(rng, _ASKED, same_class=True)
        return [donor for donor in asked if _hole(donor) is not None]

    def apply(
        self, image: Image.Image, labels: Labels | None, drawn: Mapping[str, Any], donors: Sequence[Donor] = ()
    ) -> tuple[Image.Image, Labels | None]:
        rgb = rgb_of(image)
        objects = _objects(rgb, labels)
        if donors:
            ground = _ground_of(donors[0], image, drawn["mirrored"])
        else:
            ground = like(plain(drawn["plain"], image.size), image)
        return composite(image, ground, soft(objects, max(1.0, _EDGE * max(image.size)))), labels


def _objects(rgb: Image.Image, labels: Labels | None) -> np.ndarray[Any, Any]:
    """What is to be kept of an image."""
    if labels is None:
        subject = find_subject(rgb)
        if subject.fault:
            raise OperationSkippedError(subject.fault)
        return subject.mask
    objects = labelled_pixels(rgb, labels)
    covered = objects.mean()
    if covered > _MOST_COVERED:
        raise OperationSkippedError(f"labelled objects cover {covered:.0%} of it, which leaves no background to change")
    if not covered:
        raise OperationSkippedError("none of its pixels is labelled")
    return objects


def _ground_of(donor: Donor, image: Image.Image, mirrored: bool) -> Image.Image:
    """The donor's ground, without its objects, over the whole image."""
    hole = _hole(donor)
    ground = donor.photo.rgb if hole is None else filled_in(donor.photo.rgb, hole)
    fitted = ImageOps.fit(ground, image.size, Image.Resampling.BICUBIC)
    return like(ImageOps.mirror(fitted) if mirrored else fitted, image)


_subjects: OrderedDict[str, tuple[tuple[int, int], bytes] | None] = OrderedDict()


def _hole(donor: Donor) -> np.ndarray[Any, Any] | None:
    """What has to be painted over in a donor; None if that is not known or leaves too little."""
    if donor.labels is not None:
        try:
            hole = labelled_pixels(donor.photo.rgb, donor.labels)
        except OperationSkippedError:
            return None
        return None if hole.mean() > _MOST_COVERED else hole
    if donor.sha256 not in _subjects:
        subject = find_subject(donor.photo.rgb)
        _subjects[donor.sha256] = None if subject.fault else (subject.mask.shape, np.packbits(subject.mask).tobytes())
    known = _subjects[donor.sha256]
    _subjects.move_to_end(donor.sha256)
    if len(_subjects) > _MOST_GROUNDS:
        _subjects.popitem(last=False)
    if known is None:
        return None
    shape, packed = known
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=shape[0] * shape[1]).reshape(shape).astype(bool)
