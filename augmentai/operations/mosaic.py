"""The operation `mosaic`: four training images in one frame, with what is labelled in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

from PIL import Image

from augmentai.operations.base import OBJECTS, DrawSettings, OperationSkippedError
from augmentai.operations.borrowing import BorrowingOperation
from augmentai.operations.compositing.mask_planes import fault_in_masks
from augmentai.operations.donor import Donor
from augmentai.operations.donors import NOBODY, Donors
from augmentai.operations.parameters import Number, Range, parameter

if TYPE_CHECKING:
    from augmentai.annotations import Labels, Shape
    from augmentai.operations.compositing.labelled_objects import Window

_OTHERS = 3
_DONORS_ASKED = 12  # before there are no three to be had
_NOTHING = 1e-6  # of an object: less is rounding
_LEAST_SIDE_PX = 16  # of an image that can be divided


@dataclass(frozen=True)
class Mosaic(BorrowingOperation):
    """Puts the image and three other training images into one frame of the image's size, as YOLO's trainings do.

    Each fills its quarter without being distorted, and is cut where it does not fit. Labels move along, are cut with
    their objects, and go where less than the recipe's `least_visible` is left; parts are preferred that cut no object
    that far. In a set of class folders only images of the same class are put together.

    Attributes:
        shift: how far the point at which the four meet may be from the middle, as a share of each side.
        zoom: how much larger each is than just filling its quarter.

    Example:
        >>> Mosaic(probability=0.25).as_step()
        {'mosaic': {'probability': 0.25}}
    """

    name = "mosaic"
    title = "Mosaic"
    blurb = "four training images in one frame"
    group = OBJECTS

    shift: float = parameter(0.1, Number(0, 0.3), "How far from the middle they meet, as a share of each side.")
    zoom: tuple[float, float] = parameter((1, 1.5), Range(1, 4), "How much larger than just filling their quarter.")

    def draw(
        self,
        rng: Random,
        size_wh: tuple[int, int],
        labels: Labels | None,
        settings: DrawSettings,
        donors: Donors = NOBODY,
    ) -> dict[str, Any] | None:
        from augmentai.operations.compositing.tiles import as_record, draw_tile  # loads shapely

        if min(size_wh) < _LEAST_SIDE_PX:
            raise OperationSkippedError(f"it is {size_wh[0]}x{size_wh[1]} pixels, too small to be divided into four")
        others = _others(rng, labels, donors)
        parts = [(0, size_wh, labels), *((n, one.size_wh, one.labels) for n, one in enumerate(others, 1))]
        rng.shuffle(parts)
        tiles = []
        for window, (number, own_wh, own) in zip(_quarters(rng, size_wh, self.shift), parts, strict=True):
            tile = draw_tile(rng, own_wh, window, self.zoom, own, settings.least_visible)
            tiles.append({"image": number, **as_record(tile)})  # 0 is the image itself, 1 the first donor
        return {
            "donors": [one.as_record() for one in others],
            "tiles": tiles,
            "least_visible": settings.least_visible,
        }

    def apply(
        self, image: Image.Image, labels: Labels | None, drawn: Mapping[str, Any], donors: Sequence[Donor] = ()
    ) -> tuple[Image.Image, Labels | None]:
        from augmentai.operations.compositing.tiled_masks import tiled_masks
        from augmentai.operations.compositing.tiles import from_record, shares_in, tile_shapes

        made = image.copy()
        shapes: list[Shape] = []
        parts = []
        dropped = 0
        for record in drawn["tiles"]:
            tile, donor = from_record(record), donors[record["image"] - 1] if record["image"] else None
            pixels = image if donor is None else _pixels(donor, image)
            made.paste(tile.pixels(pixels), tile.window)
            own = labels if donor is None else donor.labels
            if labels is None or own is None:
                continue
            said = own.shapes if donor is None else [_lent(shape, donor.path) for shape in own.shapes]
            shares = shares_in(tile, said, pixels.size)
            seen = tile_shapes(tile, said, pixels.size, image.size, drawn["least_visible"], shares)
            # Of the image itself all objects were there, of another one those that show at least in part.
            dropped += sum(donor is None or share > _NOTHING for share in shares) - len(seen)
            shapes += seen
            parts.append((tile, own))
        if labels is None:
            return made, None
        shapes.sort(key=lambda shape: "pasted" in shape.extra)  # those of the image itself stay first
        tiled = replace(labels, shapes=tuple(shapes), dropped=labels.dropped + dropped)
        return made, tiled_masks(tiled, parts)


def _pixels(donor: Donor, image: Image.Image) -> Image.Image:
    """A donor in the mode of an image, to be read only: its own pixels, uncopied, if they are of that mode."""
    own = donor.photo.original
    return own if own.mode == image.mode else donor.image_like(image)


def _lent(shape: Shape, path: str) -> Shape:
    """An object of a donor."""
    return replace(shape, extra={"pasted": {**shape.extra, "from": path}})


def _others(rng: Random, labels: Labels | None, donors: Donors) -> list[Donor]:
    """Three other images; of the same class, and with labels of the same kind. Raises OperationSkippedError."""
    chosen: list[Donor] = []
    reasons: dict[str, None] = {}
    for donor in islice(donors.shuffled(rng, same_class=donors.label is not None), _DONORS_ASKED):
        if fault := _fault(labels, donor.labels):
            reasons.setdefault(fault)
            continue
        chosen.append(donor)
        if len(chosen) == _OTHERS:
            return chosen
    which = f"of the class {donors.label!r}" if donors.label is not None else "that fit"
    found = next(iter(reasons), f"there are {len(chosen)}")
    raise OperationSkippedError(f"it needs {_OTHERS} other training images {which}: {found}")


def _fault(labels: Labels | None, lent: Labels | None) -> str:
    """Why two images cannot be in one frame, in words; "" if they can."""
    if (labels is None) != (lent is None):
        return "some images have labels and others have none"
    if labels is None or lent is None:
        return ""
    if labels.extra.get("tags", []) != lent.extra.get("tags", []):
        return "the others have other classes of the whole image"
    if lent.shapes and labels.mask is not None and not labels.shapes and "mask_classes" not in labels.extra:
        return "the others have objects beside their masks"
    return fault_in_masks(labels, lent)


def _quarters(rng: Random, size_wh: tuple[int, int], shift: float) -> list[Window]:
    """Upper left, upper right, lower left, lower right."""
    width, height = size_wh
    x, y = (round(side * (0.5 + rng.uniform(-shift, shift))) for side in size_wh)
    return [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
