"""Images of a detection or segmentation set made ready: small copies with small labels, and which classes they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image

from augmentai.annotations import LabelError, LabelReader
from augmentai.filters.features import image_features
from augmentai.filters.near_duplicates import Thumbprint, thumbprint
from augmentai.images import ImageError, decode
from augmentai.lift.cell_labels import objects_of
from augmentai.lift.small_labels import SmallLabels
from augmentai.system.threads import in_order
from augmentai.types import Source

SMALL_SIDE_PX = 480  # longer side of what is augmented and cropped: a crop of half of it fills 320 px


@dataclass(frozen=True)
class DenseImage:
    """One image.

    Attributes:
        source: its small copy, with the hash, and so the seeds, of the original, and with labels in its pixels.
        size_wh: width and height of the small copy.
        classes: how many objects of each class it shows.
        outlined: whether any object has an outline.
        thumb: by which near-duplicates are found.
        reason: why it cannot be used; "" if it can.
    """

    source: Source
    size_wh: tuple[int, int] = (0, 0)
    classes: Counter[str] | None = None
    outlined: bool = False
    thumb: Thumbprint | None = None
    reason: str = ""

    def open(self) -> Image.Image:
        """Its pixels: RGB."""
        file = self.source.file
        assert file is not None
        with Image.open(file) as opened:
            return opened.convert("RGB")


def dense_images(sources: Sequence[Source], folder: Path, max_pixels: int) -> Iterator[DenseImage]:
    """Small copies of images in order, made in several threads, a few at a time.

    Args:
        sources: images with labels.
        folder: for the small copies; it exists.
        max_pixels: larger images are not decoded.
    """
    return in_order(partial(_small, folder=folder, max_pixels=max_pixels), list(enumerate(sources)), "lift")


def _small(numbered: tuple[int, Source], folder: Path, max_pixels: int) -> DenseImage:
    number, source = numbered
    assert source.labels is not None
    try:
        image = decode(source.read(), source.path, max_pixels).flattened()
        full_wh = image.size
        image.thumbnail((SMALL_SIDE_PX, SMALL_SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
        small: LabelReader = SmallLabels(source.labels, full_wh, image.size)
        labels = small.load()
    except (ImageError, LabelError, OSError) as error:
        return DenseImage(source, reason=str(error))
    objects = objects_of(labels, source.label)
    path = folder / f"{number}.bmp"  # exact, and quick to write and to read again
    image.save(path)
    copy = replace(source, read=_FileBytes(path), labels=small, split=None)
    outlined = labels.mask is not None or any(shape.has_outline for _, shape in objects)
    found = Counter(name for name, _ in objects)
    return DenseImage(copy, image.size, found, outlined, thumbprint(image_features(image)))


@dataclass(frozen=True)
class _FileBytes:
    path: Path

    def __call__(self) -> bytes:
        return self.path.read_bytes()
