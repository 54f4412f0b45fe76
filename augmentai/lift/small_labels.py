"""Labels at the size of a small copy of their image."""

from __future__ import annotations

from dataclasses import dataclass

from augmentai.annotations import LabelReader, Labels
from augmentai.dataset.resized_labels import Size, resized


@dataclass(frozen=True)
class SmallLabels:
    """Reads labels and resizes them, so that no more than those of one image are in memory.

    Attributes:
        full: reads them at full size.
        full_wh, size_wh: width and height of the upright image and of its small copy, in pixels.
    """

    full: LabelReader
    full_wh: Size
    size_wh: Size

    def load(self) -> Labels:
        """See `LabelReader.load`."""
        return resized(self.full.load(), self.full_wh, self.size_wh)
