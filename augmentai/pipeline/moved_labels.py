"""What the labels of a set lose where pixels move, found before a run by moving the labels of some images."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import numpy as np

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import Layout
from augmentai.dataset.formats.label_parts import Part, label_parts
from augmentai.dataset.formats.masks.companions import without_companions
from augmentai.dataset.formats.masks.dataset import MaskLabels
from augmentai.images.orientation import read_size
from augmentai.types import Source

_ZOOM = 0.9  # about the first corner: everything moves, and nothing leaves the image
_FILE = "moved__v1.png"
_TRIED_ANYWAY = 20  # images whose labels consist of nothing new
_MOST_TRIED = 2000


class MovedLosses:
    """Collects what is removed from labels, or written otherwise, where geometry moves pixels.

    The labels of every image are looked at. Moved are those that have a part, a field or a kind of object, which no
    image had before.

    Args:
        layout: the set's own; nothing of it is changed.

    Attributes:
        words: what is lost, in the words of a run's report.
    """

    def __init__(self, layout: Layout) -> None:
        self.words: list[str] = []
        self._layout = layout
        self._known: set[Part] = set()
        self._tried = 0

    def add(self, source: Source, labels: Labels) -> None:
        """Look at the labels of an image.

        Args:
            source: the image.
            labels: its labels in the set's own format.
        """
        source = without_companions(source)
        if isinstance(source.labels, MaskLabels) or self._tried >= _MOST_TRIED:
            return
        parts = label_parts(labels, source.labels)
        if parts <= self._known and self._tried >= _TRIED_ANYWAY:
            return
        self._known |= parts
        self._tried += 1
        known = dict(self._layout.losses)
        with suppress(Exception):  # of labels, images and formats of other packages: reported when its turn comes
            _write_moved(self._layout, source, labels)
        found = [words for words in self._layout.losses if words not in known]
        for words in found:
            del self._layout.losses[words]
        self.words += [words for words in found if words not in self.words]


def lost_when_moved(layout: Layout, sources: Iterable[Source]) -> list[str]:
    """What is removed from labels, or written otherwise, where geometry moves pixels; in the words of a run's report.

    Args:
        layout: the set's own; nothing of it is changed.
        sources: its images, whose labels are read.
    """
    found = MovedLosses(layout)
    for source in map(without_companions, sources):
        if source.labels is not None and not isinstance(source.labels, MaskLabels):
            with suppress(Exception):  # as above
                found.add(source, source.labels.load())
    return found.words


def _write_moved(layout: Layout, source: Source, labels: Labels) -> None:
    """Write the labels of an image as those of a moved variation, and drop what was written."""
    from augmentai.operations.homography import Homography
    from augmentai.operations.move_labels import move_labels  # loads shapely
    from augmentai.operations.warp import Warp

    size_wh = read_size(source)
    warp = Warp("trial", size_wh, Homography(np.diag([_ZOOM, _ZOOM, 1.0])))
    moved = move_labels(warp, labels, 0.0)
    layout.label_files(source, _FILE, moved, size_wh)
    layout.record(source, moved, size_wh)
