"""One image of a set and its labels, looked at once: small, since a set may have a hundred thousand."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.formats.box_faults import box_faults
from augmentai.dataset.formats.object_shapes import classes_in
from augmentai.filters.features import SIDE_PX, image_features
from augmentai.filters.near_duplicates import Thumbprint, thumbprint
from augmentai.images import ImageError, decode
from augmentai.images.orientation import read_frame
from augmentai.inspection.findings import UNUSABLE, Example, Kind
from augmentai.types import Source

_LINE = re.compile(r"^(?P<file>.*?),? line (?P<line>\d+)(?:, column \d+)?: (?P<rest>.*)$", re.S)


@dataclass(frozen=True, slots=True)
class Examined:
    """What one image is and says.

    Attributes:
        size_wh: of the upright image, in pixels; None if it cannot be read.
        mode, format: of its pixels and its file, as Pillow names them.
        thumb: by which near-duplicates are found; None if it cannot be read.
        objects: how many of each class are labelled; 0 of a class that a mask shows without counting its objects.
        has_objects: whether anything is labelled in it; None if it has no labels that could say so.
        faults: what is wrong with it.
        labels: what is labelled in it; None if it has none, or they cannot be read.
    """

    size_wh: tuple[int, int] | None = None
    mode: str = ""
    format: str = ""
    thumb: Thumbprint | None = None
    objects: tuple[tuple[str, int], ...] = ()
    has_objects: bool | None = None
    faults: tuple[tuple[Kind, Example], ...] = ()
    labels: Labels | None = None

    @property
    def is_usable(self) -> bool:
        """Whether a run can read it."""
        return not any(kind in UNUSABLE for kind, _ in self.faults)


def examine(source: Source, max_pixels: int, with_pixels: bool = True) -> Examined:
    """Look at an image and its labels. Nothing is raised: what cannot be read is a fault.

    Args:
        source: the image.
        max_pixels: larger ones are not decoded.
        with_pixels: decode it, at reduced size, for its thumbprint; else its header alone is read.

    Example:
        >>> examine(Source.from_bytes("a.jpg", b"text"), 10**8).faults[0][0]
        'unreadable_images'
    """
    size_wh, mode, file_format, thumb = None, "", "", None
    faults: list[tuple[Kind, Example]] = []
    try:
        data = source.read()
        if with_pixels:
            photo = decode(data, source.path, max_pixels, draft_side_px=SIDE_PX)
            mode, file_format = photo.mode, photo.format
            thumb = thumbprint(image_features(photo.original, photo.black_white))
        size_wh = read_frame(io.BytesIO(data)).size_wh
    except (ImageError, OSError) as error:
        faults.append(("unreadable_images", Example(source.path, str(error))))
    labels = None
    if source.labels is not None and size_wh is not None:
        try:
            labels = source.labels.load()
        except LabelError as error:
            faults.append(("broken_labels", located(str(error), source.path)))
        except OSError as error:
            faults.append(("broken_labels", Example(source.path, str(error))))
    if labels is not None and size_wh is not None:
        faults += [(one.kind, Example(source.path, one.detail)) for one in box_faults(labels, size_wh)]
    has_objects = None if labels is None else bool(labels.shapes or (labels.mask is not None and classes_in(labels)))
    return Examined(
        size_wh, mode, file_format, thumb, count_objects(source.label, labels), has_objects, tuple(faults), labels
    )


def located(message: str, file: str) -> Example:
    """A message that names a file and perhaps a line, taken apart. file: if it names none.

    Example:
        >>> located("labels/a.txt, line 3: found 2 numbers", "a.jpg")
        Example(file='labels/a.txt', detail='found 2 numbers', line=3)
    """
    if found := _LINE.match(message):
        return Example(found["file"], found["rest"], int(found["line"]))
    return Example(file, message.removeprefix(f"{file}: "))


def count_objects(label: str | None, labels: Labels | None) -> tuple[tuple[str, int], ...]:
    """How many objects of each class are labelled in an image; 0 of a class that is shown without being counted.

    Args:
        label: the image's own class.
        labels: what is labelled in it; the areas of a mask are not counted as objects.

    Example:
        >>> from augmentai.annotations import Shape
        >>> count_objects("zoo", Labels((Shape("cat", None), Shape("cat", None)))), count_objects("zoo", None)
        ((('cat', 2),), (('zoo', 0),))
    """
    if labels is not None and labels.shapes:
        return tuple(sorted(Counter(shape.category for shape in labels.shapes).items()))
    if label is not None:
        return ((label, 0),)
    return tuple((name, 0) for name in sorted(classes_in(labels))) if labels is not None else ()
