"""The operation `background`: the object of an image in front of another ground."""

# ruff: noqa: RUF009 (`parameter` returns what `dataclasses.field` does)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image, ImageOps

from augmentai.operations.base import OBJECTS, DrawSettings, OperationSkippedError
from augmentai.operations.borrowing import BorrowingOperation
from augmentai.operations.compositing.blend import composite, draw_plain, filled_in, like, plain, rgb_of, soft
from augmentai.operations.compositing.harmonise import harmonised
from augmentai.operations.compositing.objects import labelled_pixels
from augmentai.operations.compositing.packed_mask import PackedMask, packed, unpacked
from augmentai.operations.compositing.subject import Cutout, find_subject
from augmentai.operations.donor import Donor
from augmentai.operations.donors import NOBODY, Donors
from augmentai.operations.parameters import parameter
from augmentai.recipe.kinds import Choice, RecipeError, Switch
from augmentai.system.extras import missing

if TYPE_CHECKING:
    from augmentai.annotations import Labels

Ground = Literal["other", "same_class", "plain"]

_MOST_COVERED = 0.8  # of the image by what is labelled: more leaves no ground worth changing
_ASKED = 4  # donors that are looked at before there is no ground to be had
_EDGE = 0.006  # of the image's long side: how wide the edge fades


@dataclass(frozen=True)
class Background(BorrowingOperation):
    """Takes what is labelled, or the subject of an image without labels, and puts it in front of another ground.

    Outlines and masks are cut out exactly, what has only a box by GrabCut, a subject without any label by the backbone
    or by a saliency network (`augmentai.operations.compositing`); the image stays as it is where that is uncertain, and
    the report says so.
    Labels do not change: nothing moves, and the objects of the image that lends its ground are painted over.

    It helps where the ground says nothing about the class, and harms where it does: measure it (`augmentai lift`).

    Attributes:
        ground: "other": of any other training image; "same_class": of one of the same class; "plain": one colour, a
            gradient or a texture.
        cutout: how the subject of an image without labels is found: "built_in", or by a network of the extra
            `augmentai[cutout]`: "u2net", "isnet", "birefnet", or "custom" (u2net_custom.onnx in rembg's folder).
        harmonise: carry the objects into the light of the new ground.

    Raises:
        RecipeError: `cutout` names a network and the extra is not installed.

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
    cutout: Cutout = parameter(
        "built_in",
        Choice(Cutout, ("Built in", "U2-Net", "IS-Net", "BiRefNet", "My own model")),
        "How subjects without labels are found; all but built_in need the extra augmentai[cutout].",
    )
    harmonise: bool = parameter(False, Switch(), "Carry the objects into the light of the new background.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cutout != "built_in" and (reason := missing("cutout")):
            raise RecipeError(f"operation {self.name}: cutout={self.cutout}: {reason}")

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
        options = self._options()
        if self.ground == "plain":
            return {"donors": [], "plain": draw_plain(rng), **options}
        chosen = self._lender(rng, labels, donors)
        if chosen is None:
            for_good = donors.own is not None and _cannot_be_cut_out(*donors.own, self.cutout)
            raise OperationSkippedError("no other training image can lend its background", for_good=for_good)
        return {"donors": [chosen.as_record()], "mirrored": settings.mirror and rng.random() < 0.5, **options}

    def _options(self) -> dict[str, Any]:
        """What differs from the default, for `apply`."""
        cutout = {} if self.cutout == "built_in" else {"cutout": self.cutout}
        return {**cutout, "harmonise": True} if self.harmonise else cutout

    def _lender(self, rng: Random, labels: Labels | None, donors: Donors) -> Donor | None:
        if self.ground == "other":
            asked = donors.choose(rng, _ASKED)
        elif labels is not None and labels.shapes:
            category = rng.choice(sorted({shape.category for shape in labels.shapes}))
            asked = donors.choose(rng, _ASKED, category=category)
        else:
            asked = donors.choose(rng, _ASKED, same_class=True)
        return next((donor for donor in asked if _hole(donor, self.cutout) is not None), None)

    def apply(
        self, image: Image.Image, labels: Labels | None, drawn: Mapping[str, Any], donors: Sequence[Donor] = ()
    ) -> tuple[Image.Image, Labels | None]:
        cutout = drawn.get("cutout", "built_in")
        try:
            objects = objects_in(image, labels, cutout)
        except OperationSkippedError as refused:
            raise OperationSkippedError(str(refused), for_good=True) from refused
        opacity = soft(objects, max(1.0, _EDGE * max(image.size)))
        if donors:
            ground = _ground_of(donors[0], image, drawn["mirrored"], cutout)
        else:
            ground = like(plain(drawn["plain"], image.size), image)
        over = harmonised(image, ground, opacity) if drawn.get("harmonise") else image
        return composite(over, ground, opacity), labels


def objects_in(image: Image.Image, labels: Labels | None, cutout: Cutout) -> np.ndarray[Any, Any]:
    """What is kept of an image when it gets another ground.

    Args:
        image: of any mode.
        labels: in its pixels; None if it has none.
        cutout: how its subject is found if it has none.

    Raises:
        OperationSkippedError: it stays as it is, and why.
        OperationError: the network of `cutout` cannot be had.

    Shape:
        output: (height, width) of bool.

    Example:
        >>> objects_in(Image.new("RGB", (64, 48), "gray"), None, "built_in")
        Traceback (most recent call last):
        augmentai.operations.base.OperationSkippedError: nothing stands out from the surroundings
    """
    rgb = rgb_of(image)
    if labels is None:
        subject = find_subject(rgb, cutout)
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


def _cannot_be_cut_out(image: Image.Image, labels: Labels | None, cutout: Cutout) -> bool:
    try:
        objects_in(image, labels, cutout)
    except OperationSkippedError:
        return True
    return False


def _ground_of(donor: Donor, image: Image.Image, mirrored: bool, cutout: Cutout) -> Image.Image:
    """The donor's ground, without its objects, over the whole image."""
    ground = donor.memory.get(f"ground {cutout}", lambda: _emptied(donor, cutout)) or donor.photo.rgb
    fitted = ImageOps.fit(ground, image.size, Image.Resampling.BICUBIC)
    return like(ImageOps.mirror(fitted) if mirrored else fitted, image)


def _emptied(donor: Donor, cutout: Cutout) -> Image.Image | None:
    """A donor whose objects are painted over; None if it has none."""
    hole = _hole(donor, cutout)
    return None if hole is None or not hole.any() else filled_in(donor.photo.rgb, hole)


def _hole(donor: Donor, cutout: Cutout) -> np.ndarray[Any, Any] | None:
    """What has to be painted over in a donor; None if that is not known or leaves too little."""
    found: PackedMask | None = donor.memory.get(f"hole {cutout}", lambda: _packed_hole(donor, cutout))
    return None if found is None else unpacked(found)


def _packed_hole(donor: Donor, cutout: Cutout) -> PackedMask | None:
    if donor.labels is None:
        subject = find_subject(donor.photo.rgb, cutout)
        return None if subject.fault else packed(subject.mask)
    try:
        hole = labelled_pixels(donor.photo.rgb, donor.labels)
    except OperationSkippedError:
        return None
    return None if hole.mean() > _MOST_COVERED else packed(hole)
