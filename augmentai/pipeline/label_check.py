"""The labels of a set read once before a run: which images it will skip, and what it should say first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.formats.base import Layout
from augmentai.dataset.formats.box_faults import box_faults
from augmentai.dataset.formats.image_names import named
from augmentai.dataset.formats.masks.companions import locates_objects, without_companions
from augmentai.dataset.formats.masks.dataset import MaskLabels
from augmentai.dataset.formats.shape_files import differing_files
from augmentai.images import ImageError
from augmentai.images.orientation import read_size
from augmentai.pipeline.moved_labels import MovedLosses
from augmentai.plurals import counted
from augmentai.system.threads import in_order
from augmentai.types import Failure, Source, SourceKey


@dataclass(frozen=True)
class LabelCheck:
    """What the labels of a set's images say before a run.

    Attributes:
        broken: the images whose labels cannot be read.
        notices: what a user should know of the labels, in words.
        lost: what the labels lose where pixels move, in the words of a run's report.
        without_objects: images whose labels say of no object where it is.
    """

    broken: Mapping[SourceKey, Failure] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    without_objects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of one image: its labels and its size in pixels, or why they cannot be read.

    Attributes:
        is_image: False of a file without labels that is none; that is reported as such.
    """

    labels: Labels | None = None
    size_wh: tuple[int, int] | None = None
    reason: str = ""
    is_image: bool = True


def check_labels(layout: Layout, sources: Sequence[Source], moves: bool) -> LabelCheck:
    """Read the labels of every image, apart from masks, which take longer than all others.

    Args:
        layout: of the set; nothing of it is changed.
        sources: the images to augment. Of one without labels in a labelled set only the size is read.
        moves: the run may move pixels.
    """
    read_one = partial(_read, labelled=layout.labelled)
    broken: dict[SourceKey, Failure] = {}
    notes, empty = LabelNotes(layout, sources), []
    located = any(locates_objects(source.labels) for source in sources)
    for source, read in zip(sources, in_order(read_one, sources, "check"), strict=True):
        if read.reason:
            broken[source.key] = Failure(source.path, read.reason)
        elif read.is_image:
            notes.add(source, read.labels, read.size_wh, moves)
            if located and _is_empty(source, read.labels):
                empty.append(source.path)
    return LabelCheck(broken, tuple(notes.notices()), tuple(notes.lost), tuple(empty))


def _is_empty(source: Source, labels: Labels | None) -> bool:
    """Whether nothing is labelled in an image of a set that says where objects are."""
    if labels is None:
        return source.labels is None and source.label is None
    return not (labels.shapes or labels.masks or labels.extra.get("takes_no_objects"))


def _read(source: Source, labelled: bool) -> _Read:
    reader = without_companions(source).labels
    if reader is None and labelled and source.label is None:
        return _Read(is_image=_has_size(source))
    if reader is None or isinstance(reader, MaskLabels):
        return _Read()
    try:
        labels = reader.load()
        if not labels.shapes and labels.mask is None:
            return _Read(labels, is_image=_has_size(source))
        return _Read(labels, read_size(source) if labels.shapes else None)
    except (LabelError, ImageError, OSError) as error:
        return _Read(reason=str(error))


def _has_size(source: Source) -> bool:
    try:
        return bool(read_size(source))
    except (ImageError, OSError):
        return False


class LabelNotes:
    """Collects what labels have that a user should know of before a run: each kind becomes one sentence.

    Args:
        layout: of the set.
        sources: its images.
    """

    def __init__(self, layout: Layout, sources: Iterable[Source]) -> None:
        self._layout, self._losses = layout, MovedLosses(layout)
        self._boxes: dict[str, Counter[str]] = defaultdict(Counter)  # of each kind, by image
        self._classes: tuple[str, ...] = ()  # of the first box with two classes
        self._unlabelled: list[str] = []
        self._differing: dict[str, tuple[str, ...]] = {}  # label files, by image
        self._other_sizes: dict[str, tuple[int, int]] = {}  # by image
        self._has_files = any(layout.own_label_files(without_companions(source)) for source in sources)

    @property
    def lost(self) -> list[str]:
        """What the labels lose where pixels move, in the words of a run's report."""
        return self._losses.words

    def add(self, source: Source, labels: Labels | None, size_wh: tuple[int, int] | None, moves: bool = True) -> None:
        """Count what is found in an image.

        Args:
            source: the image.
            labels: its labels in the set's own format; None if they were not read.
            size_wh: its width and height in pixels; None if they are not known.
            moves: find out what the labels lose where pixels move.
        """
        if moves and labels is not None:
            self._losses.add(source, labels)
        for fault in box_faults(labels, size_wh) if labels is not None and size_wh is not None else ():
            self._boxes["two classes" if fault.classes else fault.kind][source.path] += 1
            self._classes = self._classes or fault.classes
        if labels is not None and labels.other_size_wh is not None:
            self._other_sizes[source.path] = labels.other_size_wh
        if labels is not None and (files := differing_files(self._layout, labels)):
            self._differing[source.path] = files
        if self._is_unlabelled(without_companions(source), labels):
            self._unlabelled.append(source.path)

    def _is_unlabelled(self, source: Source, labels: Labels | None) -> bool:
        if source.labels is None:
            return self._layout.labelled and source.label is None
        is_empty = labels is not None and not labels.shapes and labels.mask is None
        return is_empty and self._has_files and not self._layout.own_label_files(source)

    def notices(self) -> Iterator[str]:
        """One sentence for each kind, with the first images by name."""
        outcomes = {
            "two classes": ("has", "have", f"two classes, such as {' and '.join(self._classes)}: both are kept"),
            "repeated_objects": ("repeats", "repeat", "another one: both are kept"),
            "boxes_outside": ("reaches", "reach", "outside the image: unchanged, but cut off where pixels move"),
            "boxes_without_area": ("has", "have", "no area: unchanged, but removed where pixels move"),
        }
        for kind, (one, several, outcome) in outcomes.items():
            if images := self._boxes.get(kind):
                count = images.total()
                verb = one if count == 1 else several
                yield f"{counted(count, 'box', 'boxes')} in {named(images)} {verb} {outcome}"
        if self._differing:
            files = " and ".join(next(iter(self._differing.values())))
            yield f"{files} have different objects of one class in {named(self._differing)}: all are kept"
        if self._other_sizes:
            image, (width, height) = next(iter(sorted(self._other_sizes.items())))
            are = "is" if len(self._other_sizes) == 1 else "are"
            yield (
                f"{named(self._other_sizes)} {are} of another size than the labels state (as {image}, "
                f"{width}x{height}); the labels are taken as they are: check that they fit"
            )
        # Some formats know why an image has none, and say so.
        if self._unlabelled and not any("without labels" in notice for notice in self._layout.notices):
            have = "its variations have none" if len(self._unlabelled) == 1 else "their variations have none"
            yield f"{named(self._unlabelled)} without labels; {have} either"
