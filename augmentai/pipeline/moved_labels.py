"""What the labels of a set lose where pixels move, found before a run by moving the labels of some images."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from augmentai.dataset.formats.base import Layout
from augmentai.dataset.formats.masks.companions import without_companions
from augmentai.dataset.formats.masks.dataset import MaskLabels
from augmentai.images.orientation import read_size
from augmentai.types import Source

_ZOOM = 0.9  # about the first corner: everything moves, and nothing leaves the image
_FILE = "moved__v1.png"


def lost_when_moved(layout: Layout, sources: Sequence[Source], most: int = 500) -> list[str]:
    """What is removed from labels, or written otherwise, where geometry moves pixels; in the words of a run's report.

    Args:
        layout: the set's own; nothing of it is changed.
        sources: its images.
        most: of many images about this many are tried, evenly spread.
    """
    labelled = [own for source in sources if (own := without_companions(source)).labels is not None]
    tried = [one for one in labelled[:: max(1, len(labelled) // most)] if not isinstance(one.labels, MaskLabels)]
    known = dict(layout.losses)
    for source in tried:
        with suppress(Exception):  # of labels, images and formats of other packages: reported when its turn comes
            _write_moved(layout, source)
    found = [words for words in layout.losses if words not in known]
    for words in found:
        del layout.losses[words]
    return found


def _write_moved(layout: Layout, source: Source) -> None:
    """Write the labels of an image as those of a moved variation, and drop what was written."""
    from augmentai.operations.homography import Homography
    from augmentai.operations.move_labels import move_labels  # loads shapely
    from augmentai.operations.warp import Warp

    if source.labels is None:
        return
    labels = source.labels.load()
    size_wh = read_size(source)
    warp = Warp("trial", size_wh, Homography(np.diag([_ZOOM, _ZOOM, 1.0])))
    moved = move_labels(warp, labels, 0.0)
    layout.label_files(source, _FILE, moved, size_wh)
    layout.record(source, moved, size_wh)
