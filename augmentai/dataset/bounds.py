"""Bounds on what is read of files that anyone may have made, whatever their headers or contents claim.

They keep time and memory in proportion to honest data, and each is far above what any known dataset has. `Limits` and
the settings bound a whole job, and how much one image may have; documented in docs/limits.md.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_PATH_CHARS = 4096  # of a path in a label file: no system has longer ones
DEEPEST_PATH = 64  # folders of a path in a label file that are compared with those of the dataset
MOST_OBJECTS = 25_000  # in one image, unless `AUGMENTAI_MAX_OBJECTS` says otherwise
MOST_POINTS = 10 * MOST_OBJECTS  # of all outlines in one image, unless `AUGMENTAI_MAX_POINTS` says otherwise
DEEPEST_XML = 60  # elements in elements
MOST_FILES = 250_000  # in one archive, unless `AUGMENTAI_MAX_ARCHIVE_FILES` says otherwise
MOST_COLUMNS = 10_000  # of a table
MOST_CLASSES = 50_000  # that one file of COCO lists
MOST_KEYPOINTS = 10_000  # of one object
LARGEST_OBJECT_CHARS = 8_000_000  # of one annotation in COCO's JSON


@dataclass(frozen=True, slots=True)
class ImageBounds:
    """How much the labels of one image may have.

    Attributes:
        objects: from which the rest follows.
        most_points: of all outlines; ten times as many by default.

    Example:
        >>> ImageBounds().points
        250000
    """

    objects: int = MOST_OBJECTS
    most_points: int | None = None

    @property
    def points(self) -> int:
        """Of all outlines."""
        return 10 * self.objects if self.most_points is None else self.most_points

    @property
    def runs(self) -> int:
        """Of one run-length encoded bitmap."""
        return 20 * self.objects

    @property
    def elements(self) -> int:
        """Of its XML."""
        return 20 * self.objects


_in_use = ImageBounds()  # of the process, since labels are read in any thread, long after their files were found


def image_bounds() -> ImageBounds:
    """The bounds on one image that hold in this process."""
    return _in_use


def use_image_bounds(objects: int, most_points: int | None = None) -> None:
    """Set the bounds on one image for all that is read in this process from now on."""
    global _in_use
    _in_use = ImageBounds(objects, most_points)
