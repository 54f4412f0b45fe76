"""Masks beside pictures: found by their names, read in their own mode, written again with their palette."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, joined, parent
from augmentai.images.orientation import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable

_FLAT_SHARE = 0.8  # of neighbouring pixels that are alike: photographs have a third at most, masks nearly all
_MODES = {"1", "P", "L", "LA", "I", "I;16", "I;16B", "I;16L", "RGB", "RGBA"}


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A mask, and how its name comes from its picture's: its folder, and what stands before and behind the stem."""

    entry: Entry
    before: str = ""
    behind: str = ""

    def path_for(self, file: str, taken: Iterable[str] = ()) -> str:
        """Where the mask of a picture called `file` goes."""
        stem = f"{self.before}{PurePosixPath(file).stem}{self.behind}"
        path = joined(parent(self.entry.path), stem + ".png")
        # A variation that is a PNG itself cannot share its name with its mask.
        return joined(parent(self.entry.path), stem + "_mask.png") if path in {file, *taken} else path

    def load(self, frame: Frame) -> Image.Image:
        """The mask, upright, in its own mode. Raises LabelError."""
        data = self.entry.read()
        try:
            with Image.open(io.BytesIO(data), formats=("PNG",)) as opened:
                if opened.size not in {frame.size_wh, frame.stored_wh}:
                    found, expected = "x".join(map(str, opened.size)), "x".join(map(str, frame.size_wh))
                    raise LabelError(f"{self.entry.path} has {found} pixels; expected {expected}, as its picture has")
                opened.load()
                mask = opened.copy()
        except LabelError:
            raise
        except Exception as error:
            raise LabelError(f"{self.entry.path} is not a PNG that can be read ({error}); save it again") from error
        if mask.mode not in _MODES:
            raise LabelError(
                f"{self.entry.path} holds pixels of the kind {mask.mode}; expected a mask's: P, L or 16 bit"
            )
        return frame.upright(mask) if frame.matches_stored(mask.size) else mask


def encode_mask(mask: Image.Image) -> bytes:
    """A PNG with the same values, palette and transparent value."""
    buffer = io.BytesIO()
    options = {"transparency": mask.info["transparency"]} if "transparency" in mask.info else {}
    if mask.mode == "P" and int(np.asarray(mask).max(initial=0)) >= len(mask.getpalette() or ()) // 3:
        options["bits"] = 8  # else as many as the palette has colours, and a value beyond it would become another
    mask.save(buffer, "PNG", optimize=False, **options)
    return buffer.getvalue()


def looks_like_mask(entry: Entry, size_wh: tuple[int, int] | None = None) -> bool:
    """Whether a PNG is a mask and no photograph: large even areas of few values. size_wh: what size it must have."""
    try:
        with entry.open() as stream, Image.open(stream, formats=("PNG",)) as opened:
            if opened.mode not in _MODES or (size_wh is not None and opened.size not in {size_wh, size_wh[::-1]}):
                return False
            opened.load()
            values = np.asarray(opened)
    except Exception:
        return False
    alike = values[:, 1:] == values[:, :-1]
    if alike.ndim == 3:
        alike = alike.all(-1)
    return bool(alike.size) and float(alike.mean()) >= _FLAT_SHARE
