"""Masks in PNG files: how they are named after their images, read in their own mode and written with their palette."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, joined, parent
from augmentai.images.orientation import Frame

_MIN_FLAT_FRACTION = 0.8  # of neighbouring pixels that are equal: photographs have a third at most, masks nearly all
_MODES = {"1", "P", "L", "LA", "I", "I;16", "I;16B", "I;16L", "RGB", "RGBA"}


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A mask, and how its name is made from its image's.

    Attributes:
        entry: the file.
        prefix, suffix: what is before and after the image's stem in the mask's stem.
    """

    entry: Entry
    prefix: str = ""
    suffix: str = ""

    def path_for(self, file: str) -> str:
        """The path of the mask of a variation, in the folder of this mask.

        Args:
            file: the path of the variation.
        """
        stem = f"{self.prefix}{PurePosixPath(file).stem}{self.suffix}"
        path = joined(parent(self.entry.path), stem + ".png")
        # A variation that is a PNG itself cannot share its name with its mask.
        return joined(parent(self.entry.path), stem + "_mask.png") if path == file else path

    def load(self, frame: Frame) -> Image.Image:
        """The mask, upright, in its own mode.

        Args:
            frame: size and orientation of the image.

        Raises:
            LabelError: it is not a PNG, or has another size than the image.
        """
        data = self.entry.read()
        try:
            with Image.open(io.BytesIO(data), formats=("PNG",)) as opened:
                if opened.size not in {frame.size_wh, frame.stored_wh}:
                    found, expected = "x".join(map(str, opened.size)), "x".join(map(str, frame.size_wh))
                    raise LabelError(f"{self.entry.path} has {found} pixels; expected {expected}, as its image")
                opened.load()
                mask = opened.copy()
        except LabelError:
            raise
        except Exception as error:
            raise LabelError(f"{self.entry.path} is not a valid PNG ({error}); save it again") from error
        if mask.mode not in _MODES:
            raise LabelError(f"{self.entry.path} has pixels of mode {mask.mode}; expected a mask's: P, L or 16 bit")
        return frame.upright(mask) if frame.matches_stored(mask.size) else mask


def encode_mask(mask: Image.Image) -> bytes:
    """A mask as PNG, with the same values, palette and transparent value."""
    buffer = io.BytesIO()
    options = {"transparency": mask.info["transparency"]} if "transparency" in mask.info else {}
    if mask.mode == "P" and int(np.asarray(mask).max(initial=0)) >= len(mask.getpalette() or ()) // 3:
        options["bits"] = 8  # else as many as the palette has colours, and a value beyond it would become another
    mask.save(buffer, "PNG", optimize=False, **options)
    return buffer.getvalue()


def looks_like_mask(entry: Entry, size_wh: tuple[int, int] | None = None) -> bool:
    """Whether a PNG is a mask and not a photograph: large flat areas of few values.

    Args:
        entry: the file.
        size_wh: width and height that it must have, in pixels, upright or as stored; None for any.
    """
    try:
        with entry.open() as stream, Image.open(stream, formats=("PNG",)) as opened:
            if opened.mode not in _MODES or (size_wh is not None and opened.size not in {size_wh, size_wh[::-1]}):
                return False
            opened.load()
            values = np.asarray(opened)  # (height, width) or (height, width, channels)
    except Exception:
        return False
    equal = values[:, 1:] == values[:, :-1]
    if equal.ndim == 3:
        equal = equal.all(-1)
    return bool(equal.size) and float(equal.mean()) >= _MIN_FLAT_FRACTION
