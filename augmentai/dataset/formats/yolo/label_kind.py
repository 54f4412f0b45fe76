"""What kind of lines the label files of a set have, as a sample of them shows: boxes, polygons, corners, poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.yolo.annotation import is_flat_pose, is_pose, numbers_of
from augmentai.dataset.formats.yolo.classes import Classes

_FILES_SAMPLED = 40
_LINES_SAMPLED = 50  # of each file
_FEWEST_POSES = 3  # lines without visibilities; one alone may be a polygon by chance
_CORNERS = 8  # numbers after the class: four corners


@dataclass(frozen=True)
class LabelKind:
    """What the sampled lines have in common.

    Attributes:
        is_yolo: most of the files are label files; captions and lists of files are text as well.
        oriented: every line has four corners.
        keypoints: every line has a box and so many keypoints; 0 if not.
        dimensions: numbers of a keypoint: 3 with its visibility, else 2.
    """

    is_yolo: bool
    oriented: bool = False
    keypoints: int = 0
    dimensions: int = 3

    def applied_to(self, classes: Classes) -> Classes:
        """The classes with what the lines show; what data.yaml says of keypoints comes first."""
        if classes.keypoints:
            return classes
        if self.keypoints:
            order = (0,) if self.keypoints == 1 else ()
            return replace(classes, keypoints=self.keypoints, dimensions=self.dimensions, flip_order=order)
        return replace(classes, oriented=True) if self.oriented else classes


def kind_of_labels(files: Sequence[Entry]) -> LabelKind:
    """The kind of some label files.

    Args:
        files: all of them, sorted; a sample is read.
    """
    step = max(1, len(files) // _FILES_SAMPLED)
    lines: list[list[float]] = []
    verdicts: list[bool] = []
    for entry in files[::step]:
        try:
            text = entry.text()
        except LabelError:
            continue
        words = [line.split() for line in islice(filter(str.strip, text.splitlines()), _LINES_SAMPLED)]
        if words:
            found = [numbers_of(line) for line in words]
            verdicts.append(all(found))
            lines += [values for values in found if values]
    is_yolo = sum(verdicts) * 2 > len(verdicts)
    lengths = {len(values) for values in lines}
    if not is_yolo or len(lengths) != 1:
        return LabelKind(is_yolo)
    if all(map(is_pose, lines)):
        return LabelKind(True, keypoints=(lengths.pop() - 4) // 3)
    if len(lines) >= _FEWEST_POSES and all(map(is_flat_pose, lines)):
        return LabelKind(True, keypoints=(lengths.pop() - 4) // 2, dimensions=2)
    return LabelKind(True, oriented=lengths == {_CORNERS})
