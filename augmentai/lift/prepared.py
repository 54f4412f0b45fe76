"""Images made ready in one pass: small copies for the engines, views and test squares for the network.

What is in memory does not depend on the size of the images: the small copies are files in a temporary folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from augmentai.backbone import square
from augmentai.filters.features import image_features
from augmentai.filters.near_duplicates import Thumbprint, thumbprint
from augmentai.images import ImageError, decode
from augmentai.lift.plan import POOL_VIEWS, SMALL_SIDE_PX
from augmentai.lift.views import Squares, flip_and_crop, seeded
from augmentai.system.threads import in_order
from augmentai.types import Source

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Prepared:
    """One image.

    Attributes:
        source: the image; of a training image its small copy, with the hash, and so the seeds, of the original.
        thumb: by which near-duplicates are found.
        views: of a training image, flips and crops.
        clean, shifted: of a test image, the whole image squeezed to a square, as it is and shifted.
        reason: why it cannot be used; "" if it can.

    Shape:
        views: uint8 (views, S, S, 3); clean, shifted: uint8 (1, S, S, 3). None where they are not needed.
    """

    source: Source
    thumb: Thumbprint | None = None
    views: Squares | None = None
    clean: Squares | None = None
    shifted: Squares | None = None
    reason: str = ""

    def without_pixels(self) -> Prepared:
        """The same without views and squares, which are large."""
        return replace(self, views=None, clean=None, shifted=None)


@dataclass(frozen=True)
class Preparation:
    """How images are prepared.

    Attributes:
        folder: for the small copies; it exists.
        side_px: of the squares.
        seed: of views and shifts.
        max_pixels: larger images are not decoded.
        train: make a small copy and views.
        test: make test squares.
    """

    folder: Path
    side_px: int
    seed: int
    max_pixels: int
    train: bool
    test: bool


def prepare(sources: Sequence[Source], how: Preparation) -> Iterator[Prepared]:
    """The images in order, prepared in several threads, a few at a time."""
    return in_order(partial(_prepare, how=how), list(enumerate(sources)), "lift")


def _prepare(numbered: tuple[int, Source], how: Preparation) -> Prepared:
    number, source = numbered
    try:
        photo = decode(source.read(), source.path, how.max_pixels, draft_side_px=SMALL_SIDE_PX)
    except (ImageError, OSError) as error:
        return Prepared(source, reason=str(error))
    image = photo.flattened()
    image.thumbnail((SMALL_SIDE_PX, SMALL_SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    made = Prepared(source, thumbprint(image_features(image)))
    if how.train:
        path = how.folder / f"{number}.bmp"  # exact, and quick to write and to read again
        image.save(path)
        views = flip_and_crop(image, POOL_VIEWS, how.side_px, seeded(how.seed, source.sha256, "views"))
        made = replace(made, source=replace(source, read=path.read_bytes, labels=None, split=None), views=views)
    if how.test:
        clean = square(image, how.side_px)[None]
        made = replace(made, clean=clean, shifted=_shifted(clean, how.seed, source))
    return made


def _shifted(clean: Squares, seed: int, source: Source) -> Squares:
    import torch

    from augmentai.lift.shift import KINDS, shift

    rng = seeded(seed, source.sha256, "shift")
    kind = KINDS[int(rng.integers(len(KINDS)))]
    draws = torch.Generator().manual_seed(int(rng.integers(2**31)))
    x: Tensor = torch.from_numpy(clean[0].copy()).permute(2, 0, 1).float() / 255  # (3, S, S)
    moved: np.ndarray[Any, Any] = shift(x, kind, draws).clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
    return moved[None]
