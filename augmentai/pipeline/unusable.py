"""Images that a run will skip, since their files or labels cannot be read: known before it starts."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import IO

from augmentai.annotations import LabelError
from augmentai.dataset.formats.masks.companions import AccompaniedLabels
from augmentai.dataset.formats.masks.dataset import MaskLabels
from augmentai.images import ImageError, decode
from augmentai.images.cut_off import may_be_cut_off
from augmentai.images.preview import inspect_header
from augmentai.system.regular_files import open_regular
from augmentai.system.threads import in_order
from augmentai.types import Failure, Source, SourceKey


def find_unusable(
    sources: Sequence[Source], max_pixels: int, broken: Mapping[SourceKey, Failure]
) -> dict[SourceKey, Failure]:
    """The sources that cannot be read, with the reason. Of each image the header is read, and whether it is cut off.

    Args:
        sources: the images to augment.
        max_pixels: larger ones are skipped.
        broken: those whose labels cannot be read; masks are not among them, and are read here.

    Example:
        >>> found = find_unusable([Source.from_bytes("a.jpg", b"text")], 10**8, {})
        >>> [failure.file for failure in found.values()]
        ['a.jpg']
    """
    reasons = in_order(partial(_why_unusable, max_pixels=max_pixels, broken=broken), sources, "check")
    return {source.key: Failure(source.path, reason) for source, reason in zip(sources, reasons, strict=True) if reason}


def _why_unusable(source: Source, max_pixels: int, broken: Mapping[SourceKey, Failure]) -> str:
    """Why an image or its masks cannot be read; "" if they can."""
    try:
        if source.file is not None:
            with open_regular(source.file) as stream:
                is_doubtful = _check(stream, source.path, max_pixels)
        else:
            is_doubtful = _check(io.BytesIO(source.read()), source.path, max_pixels)
        if is_doubtful:
            decode(source.read(), source.path, max_pixels)
        if source.key in broken:
            return broken[source.key].reason
        if isinstance(source.labels, MaskLabels | AccompaniedLabels):
            source.labels.load()
    except (ImageError, LabelError, OSError) as error:
        return str(error)
    return ""


def _check(stream: IO[bytes], name: str, max_pixels: int) -> bool:
    """Check the header, and say whether the image may be cut off. Raises ImageError."""
    inspect_header(stream, name, max_pixels)
    return may_be_cut_off(stream)
