"""The images of a set counted as they are examined: by split and class, their sizes and kinds, and what was found."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from augmentai.dataset.formats.base import Layout
from augmentai.dataset.formats.masks.companions import without_companions
from augmentai.filters.near_duplicates import NearDuplicates
from augmentai.inspection.examine import Examined
from augmentai.inspection.findings import Example, Findings
from augmentai.types import Source

NO_SPLIT = "none"
_NAMED = 5  # files of a group of duplicates


class Survey:
    """Counts images. Keeps a few hundred bytes of each, whatever its size.

    Args:
        sources: every image of the set, those of other splits included.
        augmented: the splits whose images are augmented.
        layout: how the set is laid out.
        skips_leaks: a run makes nothing of training images that are nearly the same as a held-out one.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        augmented: frozenset[str | None],
        layout: Layout,
        skips_leaks: bool = True,
    ) -> None:
        self._sources, self._augmented, self._layout = sources, augmented, layout
        self._skips_leaks = skips_leaks
        self._shown: dict[int, tuple[str, ...]] = {}  # the classes in each training image, if others are held out
        self._has_held_out = any(source.split not in augmented for source in sources)
        self.findings = Findings()
        self.examined = 0
        self.unusable: set[int] = set()  # positions of images that a run will skip
        self._widths, self._heights = array("I"), array("I")
        self._modes: Counter[str] = Counter()
        self._formats: Counter[str] = Counter()
        self._images: dict[str, Counter[str]] = defaultdict(Counter)  # by class, then by split
        self._objects: dict[str, Counter[str]] = defaultdict(Counter)
        self._skipped: Counter[str] = Counter()  # of those to be augmented, by class
        self._index = NearDuplicates()
        self._indexed = array("I")  # the position in `sources` of each image in the index
        self._has_classes = any(source.label is not None for source in sources)
        self._shows_objects = False  # any image of the set
        self._without_objects = array("I")  # positions
        self._has_files = any(layout.own_label_files(without_companions(source)) for source in sources)

    def add(self, position: int, one: Examined) -> None:
        """Count the image at this position of `sources`."""
        source = self._sources[position]
        self.examined += 1
        if one.size_wh is not None:
            self._widths.append(one.size_wh[0])
            self._heights.append(one.size_wh[1])
        self._modes.update([one.mode] if one.mode else ())
        self._formats.update([one.format] if one.format else ())
        if not one.is_usable:
            self.skip(position)
            self._skipped.update(name for name, _ in one.objects if source.split in self._augmented)
        elif self._has_held_out and source.split in self._augmented:
            self._shown[position] = tuple(name for name, _ in one.objects)
        for name, objects in one.objects:
            self._images[name][source.split or NO_SPLIT] += 1
            self._objects[name][source.split or NO_SPLIT] += objects
        self._shows_objects = self._shows_objects or bool(one.has_objects)
        for kind, example in one.faults:
            self.findings.add(kind, example)
        self._add_unlabelled(position, one)
        if one.thumb is not None:
            self._index.add(one.thumb)
            self._indexed.append(position)

    def skip(self, position: int) -> None:
        """Count the image at this position as one that a run will skip."""
        self.unusable.add(position)

    def _add_unlabelled(self, position: int, one: Examined) -> None:
        """An image that no label says anything of."""
        source = without_companions(self._sources[position])
        if self._layout.labelled and source.label is None and source.labels is None:
            self.findings.add("images_without_labels", Example(source.path, "no label file names it"))
        elif one.has_objects is False and self._has_files and not self._layout.own_label_files(source):
            self.findings.add("images_without_labels", Example(source.path, "it has no label file"))
        elif one.has_objects is False and source.labels is not None:
            self._without_objects.append(position)
        elif self._has_classes and source.label is None and source.labels is None:
            self.findings.add("images_without_class", Example(source.path, "it is in no class folder"))

    def compare(self) -> None:
        """Find what needs all images: duplicates, and images without objects in a set whose labels name objects."""
        for position in self._without_objects if self._shows_objects else ():
            self.findings.add(
                "images_without_objects", Example(self._sources[position].path, "nothing is labelled in it")
            )
        self._find_equal()
        for group in self._index.groups():
            members = [self._sources[self._indexed[number]] for number in group]
            if len({source.sha256 for source in members}) > 1:
                self.findings.add("near_duplicates", _group(members), len(members) - 1)
            self._find_leaks([self._indexed[number] for number in group])

    def _find_equal(self) -> None:
        by_hash: dict[str, list[Source]] = defaultdict(list)
        for source in self._sources:
            if source.sha256:
                by_hash[source.sha256].append(source)
        for members in by_hash.values():
            if len(members) > 1:
                self.findings.add("duplicates", _group(members), len(members) - 1)
                classes = sorted({source.label for source in members if source.label is not None})
                if len(classes) > 1:
                    example = Example(members[0].path, f"also {_names(members[1:])}; classes {', '.join(classes)}")
                    self.findings.add("conflicting_classes", example)

    def _find_leaks(self, positions: Sequence[int]) -> None:
        members = [self._sources[position] for position in positions]
        held_out = [source for source in members if source.split not in self._augmented]
        for position, source in zip(positions, members, strict=True) if held_out else ():
            if source.split in self._augmented:
                twin = held_out[0]
                outcome = "; not augmented" if self._skips_leaks else "; take one of them out of the set"
                detail = f"nearly the same as {twin.path} ({twin.split}){outcome}"
                self.findings.add("duplicates_across_splits", Example(source.path, detail))
                if self._skips_leaks:
                    self.skip(position)
                    self._skipped.update(self._shown.pop(position, ()))

    def splits(self) -> list[dict[str, Any]]:
        """Images by split, ready for JSON."""
        counts = Counter(source.split for source in self._sources)
        order = {split: number for number, split in enumerate(("train", "val", "test"))}
        return [
            {"split": split or NO_SPLIT, "images": count, "augmented": split in self._augmented}
            for split, count in sorted(counts.items(), key=lambda item: (order.get(item[0] or "", 9), item[0] or ""))
        ]

    def classes(self, known: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Images and objects by class and split, ready for JSON. known: classes of the set that may have no image."""
        names = dict.fromkeys([*known, *sorted(self._images)])
        augmented = {split or NO_SPLIT for split in self._augmented}
        rows = []
        for name in names:
            images, objects = self._images.get(name, Counter()), self._objects.get(name, Counter())
            counted = objects.total() or None  # a class folder or a mask does not count objects
            rows.append(
                {
                    "name": name,
                    "images": images.total(),
                    "objects": counted,
                    "augmented_images": sum(images[split] for split in augmented) - self._skipped[name],
                    "splits": {
                        split: {"images": images[split], "objects": objects[split] if counted else None}
                        for split in sorted(images)
                    },
                }
            )
        return rows

    def images(self) -> dict[str, Any]:
        """Number, sizes and kinds of all images, ready for JSON."""
        split_of = Counter(source.split in self._augmented for source in self._sources)
        skipped = sum(self._sources[position].split in self._augmented for position in self.unusable)
        return {
            "count": len(self._sources),
            "augmented": split_of[True] - skipped,
            "held_out": split_of[False],
            "examined": self.examined,
            "sizes": _sizes(self._widths, self._heights),
            "modes": dict(self._modes.most_common()),
            "formats": dict(self._formats.most_common()),
        }


def _sizes(widths: array[int], heights: array[int]) -> dict[str, list[int]] | None:
    """The smallest, median and largest image by area, as [width, height]; None without any."""
    if not widths:
        return None
    order = sorted(range(len(widths)), key=lambda i: (widths[i] * heights[i], widths[i]))
    places = {"min": order[0], "median": order[len(order) // 2], "max": order[-1]}
    return {name: [widths[i], heights[i]] for name, i in places.items()}


def _group(members: Sequence[Source]) -> Example:
    return Example(members[0].path, _names(members[1:]))


def _names(members: Sequence[Source]) -> str:
    more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
    return ", ".join(source.path for source in members[:_NAMED]) + more
