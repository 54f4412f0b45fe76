"""Which label files describe an object, where several may describe one image, and whether they say different things."""

from __future__ import annotations

from collections import defaultdict

from augmentai.annotations import Labels, Shape
from augmentai.dataset.formats.base import Layout
from augmentai.dataset.formats.coco.dataset import CocoLayout
from augmentai.dataset.formats.listed.layout import ListedLayout


def differing_files(layout: Layout, labels: Labels) -> tuple[str, ...]:
    """Two label files that have different objects of one class in the same image; empty if there are none.

    Objects that both describe alike are one object, and known as such.

    Args:
        layout: of the set.
        labels: of the image, in the set's own format.
    """
    if not isinstance(layout, CocoLayout | ListedLayout):
        return ()
    entries = layout.files.entries if isinstance(layout, CocoLayout) else layout.entries
    if len(entries) < 2:
        return ()
    places: dict[str, dict[int, set[tuple[int, ...]]]] = defaultdict(lambda: defaultdict(set))
    for shape in labels.shapes:
        for file in _files_of(shape):
            places[shape.category][file].add(tuple(map(round, shape.box or ())))
    for by_file in places.values():
        first, *others = sorted(by_file)
        for other in others:
            # A file of some of the objects, such as those with keypoints, contradicts nothing.
            if not (by_file[other] <= by_file[first] or by_file[first] <= by_file[other]):
                return entries[first].path, entries[other].path
    return ()


def _files_of(shape: Shape) -> frozenset[int]:
    """The numbers of the files that describe an object."""
    if "coco_in" in shape.extra:
        return frozenset(file for file, _ in shape.extra["coco_in"])
    return frozenset({shape.extra["file"]}) if "file" in shape.extra else frozenset()
