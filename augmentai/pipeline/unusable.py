"""Images that a run will skip, since their files or labels cannot be read: known before it starts."""

from __future__ import annotations

import io
from collections.abc import Iterable

from augmentai.annotations import LabelError
from augmentai.images import ImageError
from augmentai.images.preview import inspect_header
from augmentai.system.regular_files import open_regular
from augmentai.system.threads import in_order
from augmentai.types import Failure, Source, SourceKey

_ANY_SIZE = 1 << 60  # in pixels: the limit of a run is not known here


def find_unusable(sources: Iterable[Source]) -> dict[SourceKey, Failure]:
    """The sources whose header or labels cannot be read, with the reason. No image is decoded.

    Args:
        sources: the images to augment. The header and all labels of each are read.

    Example:
        >>> found = find_unusable([Source.from_bytes("a.jpg", b"text")])
        >>> [failure.file for failure in found.values()]
        ['a.jpg']
    """
    listed = list(sources)
    reasons = in_order(why_unusable, listed, "check")
    return {source.key: Failure(source.path, reason) for source, reason in zip(listed, reasons, strict=True) if reason}


def why_unusable(source: Source) -> str:
    """Why the header or the labels of an image cannot be read; "" if they can.

    Args:
        source: the image.
    """
    try:
        if source.file is not None:
            with open_regular(source.file) as stream:
                inspect_header(stream, source.path, _ANY_SIZE)
        else:
            inspect_header(io.BytesIO(source.read()), source.path, _ANY_SIZE)
        if source.labels is not None:
            source.labels.load()
    except (ImageError, LabelError, OSError) as error:
        return str(error)
    return ""
