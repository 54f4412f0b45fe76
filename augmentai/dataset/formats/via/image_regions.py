"""The regions of one image, whichever file of VIA's lists them: read, and moved with the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augmentai.annotations import Shape
from augmentai.dataset.formats.guarded_load import check_objects
from augmentai.dataset.formats.listed.codec import Placed
from augmentai.dataset.formats.via.annotation import moved_regions, new_regions, shape_of


def shapes_of(regions: Sequence[Any], first: int, where: str) -> list[Shape]:
    """The objects of some regions.

    Args:
        regions: as VIA's JSON has them.
        first: the place of the first one among all regions of the image.
        where: what the message of an error begins with.

    Raises:
        ValueError: a region cannot be parsed.
    """
    check_objects(len(regions), where)
    shapes = []
    for count, region in enumerate(regions):
        try:
            shapes.append(shape_of(region, first + count))
        except ValueError as error:
            raise ValueError(f"{where}, region {count + 1}: {error}") from error
    return shapes


def regions_after(
    regions: Sequence[Any], first: int, placed: Sequence[Placed], losses: dict[str, None]
) -> list[list[dict[str, Any]]]:
    """What becomes of each region in a variation: none, one, or its pieces."""
    by_place = {one.place: one for one in placed if one.place is not None}
    written: list[list[dict[str, Any]]] = []
    for place, region in enumerate(regions, first):
        one = by_place.get(place)
        if one is None:
            written.append([])
        else:
            written.append(moved_regions(region, one.shape, losses) if one.moved else [region])
    return written


def added_regions(placed: Sequence[Placed], losses: dict[str, None]) -> list[dict[str, Any]]:
    """The regions of objects that no file has."""
    return [region for one in placed if one.place is None for region in new_regions(one.shape, losses)]
