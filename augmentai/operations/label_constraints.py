"""What the labels of an image ask of the way it is moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augmentai.annotations import Labels

BOX_ONLY_ROTATION = 0.4  # of the rotation and tilt, if only boxes are known: a rotated box outgrows its object


@dataclass(frozen=True)
class LabelConstraints:
    """Limits of a warp.

    Attributes:
        may_mirror: left and right may be swapped.
        hide_border: nothing beyond the border may show.
        rotation: the share of the rotation and the perspective that is applied, 0 to 1.
    """

    may_mirror: bool = True
    hide_border: bool = False
    rotation: float = 1.0


def label_constraints(labels: Labels | None) -> LabelConstraints:
    """What an image's labels ask of a warp.

    With labelled objects, no border may show: an object reflected there would have no label. If some have a box and
    no outline, the image is rotated less, since the box around a rotated box is larger than the object. An image with
    keypoints is mirrored only if the set says which of them change places: the left eye becomes the right one.

    Example:
        >>> from augmentai.annotations import Labels, Shape
        >>> label_constraints(Labels((Shape("cat", (1, 1, 9, 9)),)))
        LabelConstraints(may_mirror=True, hide_border=True, rotation=0.4)
    """
    shapes = labels.shapes if labels is not None else ()
    box_only = any(not shape.polygons and shape.mask is None and not shape.lines for shape in shapes)
    return LabelConstraints(
        may_mirror=not any(shape.keypoints and not shape.flip_order for shape in shapes),
        hide_border=bool(shapes),
        rotation=BOX_ONLY_ROTATION if box_only else 1.0,
    )
