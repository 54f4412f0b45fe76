"""What the operation `background` would cut out of a set's images, to be looked at before anything is made.

The command line, the page and `augmentai.preview_masks` show what `find_cutouts` finds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import LabelError
from augmentai.images import ImageError, decode
from augmentai.inspection.cutout_sheet import Cutout, draw_cutouts
from augmentai.operations import OperationSkippedError, build_operations
from augmentai.operations.background import Background, objects_in
from augmentai.plurals import counted
from augmentai.recipe import Recipe, RecipeError
from augmentai.types import Source

MOST = 12
_LOOKED_AT = 6  # before a run, which is to begin soon
SIDE_PX = 320  # longest side of a picture
_OUTLINE = (245, 184, 61)
_OUTLINE_PX = 2
_GROUND = 0.4  # of its brightness that the ground keeps


@dataclass(frozen=True)
class Cutouts:
    """Some images of a set and what would be cut out of them. Shows itself in a notebook.

    Attributes:
        images: those that could be read.
        of: how many images the set has for augmenting.
    """

    images: tuple[Cutout, ...]
    of: int

    @property
    def passed(self) -> int:
        """How many would get another background."""
        return sum(not one.fault for one in self.images)

    @property
    def words(self) -> str:
        """What was found, in one sentence.

        Example:
            >>> grey = Image.new("RGB", (8, 8))
            >>> Cutouts((Cutout("a.png", None, grey, 0.3), Cutout("b.png", None, grey, 0, "it is flat")), 9).words
            '1 of 2 images (of 9) gets another background; 1 stays as it is'
        """
        shown = counted(len(self.images), "image")
        some = f"{shown} (of {self.of:,})" if len(self.images) < self.of else shown
        left = len(self.images) - self.passed
        gets = "gets" if 1 in (self.passed, len(self.images)) else "get"
        stays = "stays as it is" if left == 1 else "stay as they are"
        return f"{self.passed} of {some} {gets} another background" + (f"; {left} {stays}" if left else "")

    def as_svg(self) -> str:
        """A contact sheet."""
        return draw_cutouts(self.images, self.words)

    _repr_svg_ = as_svg


def background_of(recipe: Recipe) -> Background:
    """The operation of a recipe that cuts objects out.

    Raises:
        RecipeError: it has none.

    Example:
        >>> background_of(Recipe(operations=["flip", "background(ground=plain)"])).ground
        'plain'
    """
    found = [one for one in build_operations(recipe.operations) if isinstance(one, Background)]
    if not found:
        raise RecipeError("the recipe cuts nothing out, so there are no masks to show; add the operation background")
    return found[0]


def find_cutouts(sources: Sequence[Source], recipe: Recipe, max_pixels: int, most: int = MOST) -> Cutouts:
    """Cut the objects out of a few images, as a run would.

    Args:
        sources: the images to be augmented. The same images give the same choice, whatever their order.
        recipe: with the operation `background`.
        max_pixels: larger images are not decoded.
        most: how many images are looked at; of each class as many as of the others, as far as possible.

    Raises:
        RecipeError: the recipe has no such operation.
        OperationError: its network cannot be had.
    """
    operation = background_of(recipe)
    return Cutouts(tuple(_cutout(source, operation, max_pixels) for source in _some(sources, most)), len(sources))


def warn_of_refusals(sources: Sequence[Source], recipe: Recipe, max_pixels: int) -> str:
    """Look at a few images before a run, and say how many of them the operation `background` leaves as they are.

    Args:
        sources, recipe, max_pixels: see `find_cutouts`; the recipe may have any operations.

    Returns:
        One sentence with the commonest reason; "" if none of them stays as it is.

    Example:
        >>> warn_of_refusals([], Recipe(operations=["flip"]), 1)
        ''
    """
    if not any(isinstance(one, Background) and not one.is_idle for one in build_operations(recipe.operations)):
        return ""
    if background_of(recipe).cutout != "built_in":  # its network may have to be downloaded: not before a run
        sources = [source for source in sources if source.labels is not None]
    found = find_cutouts(sources, recipe, max_pixels, _LOOKED_AT)
    faults = Counter(one.fault for one in found.images if one.fault)
    if not faults:
        return ""
    (why, count), *_ = faults.most_common(1)
    times = f" ({count} of them)" if len(faults) > 1 else ""
    return f"background: {found.words}: {why}{times}; look at the masks first (--dry-run --masks masks.svg)"


def _some(sources: Iterable[Source], most: int) -> list[Source]:
    by_label: dict[str, list[Source]] = defaultdict(list)
    for source in sorted(sources, key=lambda source: (source.sha256, source.path)):
        by_label[source.label or ""].append(source)
    in_turn = chain.from_iterable(zip_longest(*(by_label[label] for label in sorted(by_label))))
    chosen = [source for source in in_turn if source is not None][:most]
    return sorted(chosen, key=lambda source: source.path)


def _cutout(source: Source, operation: Background, max_pixels: int) -> Cutout:
    try:
        image = decode(source.read(), source.path, max_pixels).rgb
    except (ImageError, OSError) as error:
        return Cutout(source.path, source.label, Image.new("RGB", (SIDE_PX, SIDE_PX), "gray"), 0, str(error))
    small = image.copy()
    small.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    try:
        labels = None if source.labels is None else source.labels.load()
        if labels is not None and not labels.shapes and labels.mask is None:
            raise OperationSkippedError("nothing is labelled in it")
        mask = objects_in(image, labels, operation.cutout)
    except (OperationSkippedError, LabelError, OSError) as error:
        return Cutout(source.path, source.label, small, 0, str(error))
    return Cutout(source.path, source.label, outlined(small, mask), float(mask.mean()))


def outlined(small: Image.Image, mask: np.ndarray[Any, Any]) -> Image.Image:
    """A picture with a darkened ground and a line around what is kept.

    Args:
        small: the picture, RGB.
        mask: what is kept, of any size.

    Shape:
        mask: (H, W) of bool.

    Example:
        >>> kept = np.zeros((10, 10), bool)
        >>> kept[4:6, 4:6] = True
        >>> outlined(Image.new("RGB", (10, 10), "white"), kept).getpixel((0, 0))
        (102, 102, 102)
    """
    import cv2

    fitted = Image.fromarray(mask.astype(np.uint8) * 255).resize(small.size, Image.Resampling.BOX)
    kept = np.asarray(fitted) > 127
    around: Any = cv2.dilate(kept.astype(np.uint8), np.ones((2 * _OUTLINE_PX + 1,) * 2, np.uint8))
    pixels = np.asarray(small).copy()
    pixels[~kept] = pixels[~kept] * _GROUND
    pixels[(around == 1) & ~kept] = _OUTLINE
    return Image.fromarray(pixels)
