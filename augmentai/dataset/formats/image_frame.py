"""Size and orientation of an image of a set, read from its header when its labels are."""

from __future__ import annotations

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry
from augmentai.images.orientation import Frame, read_frame
from augmentai.images.photo import ImageError


def image_frame(image: Entry) -> Frame:
    """The frame of an image.

    Raises:
        LabelError: the file cannot be read, or is not an image.
    """
    with image.open() as stream:
        try:
            return read_frame(stream)
        except ImageError as error:
            raise LabelError(str(error)) from error
