"""A donor: one decoded training image that lends its objects or its ground, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Labels
from augmentai.images.photo import Photo, value_range
from augmentai.operations.base import OperationError
from augmentai.operations.bounded_cache import BoundedCache, bytes_of
from augmentai.operations.compositing.labelled_objects import LabelledObject, labelled_objects

_OF_ONE_BYTES = 32 << 20  # of what is worked out about a donor that belongs to no pool
_DEEP_MODES = {"I;16": np.uint16, "I": np.int32, "F": np.float32}


class DonorError(OperationError):
    """An image cannot lend anything; the message names it and says why."""


@dataclass(frozen=True)
class DonorMemory:
    """What operations worked out about a donor, by names of their own, as long as there is room for it.

    Args:
        cache: that of all donors of a run.
        key: of this one.

    Example:
        >>> memory = DonorMemory()
        >>> memory.get("area", lambda: 12), memory.get("area", lambda: 13)
        (12, 12)
    """

    cache: BoundedCache[Any] = field(default_factory=lambda: BoundedCache(_OF_ONE_BYTES))
    key: object = None

    def get(self, name: str, make: Callable[[], Any]) -> Any:
        """What was worked out before, or is now. It is shared: do not change it in place."""
        return self.cache.get((self.key, name), make)


@dataclass(frozen=True)
class Donor:
    """One decoded training image with its labels. It is shared: change neither in place.

    Attributes:
        path: its place in the set.
        sha256: of its file.
        label: its class, if it has one.
        photo: its pixels; `image_like` gives them in the mode of another image.
        labels: in its pixels; None if it has none.
        memory: what operations worked out about it.
    """

    path: str
    sha256: str
    label: str | None
    photo: Photo = field(repr=False)
    labels: Labels | None = field(default=None, repr=False)
    memory: DonorMemory = field(default_factory=lambda: DonorMemory(), repr=False, compare=False)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.photo.size_wh

    def as_record(self) -> dict[str, str]:
        """What `drawn["donors"]` holds of it, so that a replay finds it again.

        Example:
            >>> Donor("a.png", "ab", None, Photo(Image.new("RGB", (8, 8)), "PNG", "RGB")).as_record()
            {'path': 'a.png', 'sha256': 'ab'}
        """
        return {"path": self.path, "sha256": self.sha256}

    def part_like(self, window: tuple[int, int, int, int], image: Image.Image) -> Image.Image:
        """As `image_like`, of a part alone.

        Args:
            window: left, top, right, bottom in whole pixels; what is beyond the image is black.
            image: see `image_like`.

        Example:
            >>> donor = Donor("a.png", "", None, Photo(Image.new("RGB", (8, 6), "red"), "PNG", "RGB"))
            >>> donor.part_like((-1, 0, 3, 2), Image.new("RGB", (30, 20))).getpixel((1, 0))
            (255, 0, 0)
        """
        left, top, right, bottom = window
        width, height = self.size_wh
        view = max(0, left), max(0, top), min(width, right), min(height, bottom)
        deep = self.photo.deep
        part = replace(
            self.photo,
            rgb=self.photo.rgb.crop(view),
            alpha=None if self.photo.alpha is None else self.photo.alpha.crop(view),
            deep=None if deep is None else deep[view[1] : view[3], view[0] : view[2]],
            fine=None,
        )
        made = replace(self, photo=part).image_like(image)
        return made if view == window else made.crop((left - view[0], top - view[1], right - view[0], bottom - view[1]))

    def image_like(self, image: Image.Image) -> Image.Image:
        """Its pixels in the mode of another image, at its own size.

        Args:
            image: the one that they will be put into, of mode L, LA, RGB, RGBA, I;16, I or F. Grey levels of 8 bits
                become values between the lowest and the highest of a deeper image.

        Returns:
            An image of that mode; opaque if the donor has no transparency.

        Example:
            >>> donor = Donor("a.png", "", None, Photo(Image.new("RGB", (8, 6), "red"), "PNG", "RGB"))
            >>> donor.image_like(Image.new("LA", (30, 20))).getpixel((0, 0))
            (76, 255)
        """
        own = self.photo.restore(self.photo.rgb)
        if own.mode == image.mode:
            return own
        if image.mode in _DEEP_MODES:
            low, high = value_range(np.asarray(image))
            grey = np.asarray(self.photo.rgb.convert("L"), np.float64)
            values = low + grey * ((high - low) / 255)
            dtype = _DEEP_MODES[image.mode]
            return Image.fromarray((values if dtype == np.float32 else np.rint(values)).astype(dtype))
        made = self.photo.rgb.convert("L" if image.mode in {"L", "LA"} else "RGB")
        if image.mode in {"LA", "RGBA"}:
            made.putalpha(self.photo.alpha or 255)
        return made

    @cached_property
    def size_bytes(self) -> int:
        """Roughly what it takes in memory."""
        photo, labels = self.photo, self.labels
        planes: list[Any] = [photo.rgb, photo.alpha, photo.deep, photo.fine]
        if labels is not None:
            planes += [shape.mask for shape in labels.shapes]
            planes += [labels.mask, *labels.other_masks]
        return sum(map(bytes_of, planes))

    @cached_property
    def objects(self) -> tuple[LabelledObject, ...]:
        """What is labelled in it, one by one; worked out once while it is decoded."""
        return labelled_objects(self.labels)
