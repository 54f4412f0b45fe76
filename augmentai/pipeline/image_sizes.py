"""How large the images of a set are, by the headers of some of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from statistics import fmean

from augmentai.images import ImageError
from augmentai.images.preview import inspect_header
from augmentai.types import Source

_SAMPLES = 32  # images, whose headers are read


def mean_pixels(sources: Sequence[Source], max_pixels: int) -> float | None:
    """The mean number of pixels of some of the images, spread over all of them; None if none of these can be read.

    Args:
        sources: the images.
        max_pixels: larger ones do not count.

    Example:
        >>> mean_pixels([Source.from_bytes("a.jpg", b"text")], 10**8) is None
        True
    """
    found, count = [], min(len(sources), _SAMPLES)
    for source in (sources[place * len(sources) // count] for place in range(count)):
        try:
            width, height = inspect_header(io.BytesIO(source.read()), source.path, max_pixels)
        except (ImageError, OSError):
            continue  # the run reports it
        found.append(width * height)
    return fmean(found) if found else None
