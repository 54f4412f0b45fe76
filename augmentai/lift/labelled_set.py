"""The set that a measurement is made on: training and test images, or images for folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from augmentai.dataset.formats.base import ImageInfo
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.readers.python_inputs import to_inputs
from augmentai.lift.report import LiftError, LiftTask, Split
from augmentai.pipeline.job import limits
from augmentai.plurals import counted
from augmentai.settings import Settings
from augmentai.storage import Store, is_url
from augmentai.types import Source

LEAST_PER_CLASS = 2  # training images: one to learn from and one to test
_NAMED = 5


@dataclass(frozen=True)
class LiftSet:
    """Labelled images.

    Attributes:
        name: for the report.
        classes: sorted names; empty of a set with boxes or masks, whose labels are not read yet.
        training: images to train on; with folds, each is tested as well.
        test: images to test on; empty with folds.
        split: where the test images are from.
        notes: what was left out, and why.
        task: what its labels are for; "detection" of any set with boxes or masks until its labels are read.
    """

    name: str
    classes: tuple[str, ...]
    training: tuple[Source, ...]
    test: tuple[Source, ...]
    split: Split
    notes: tuple[str, ...] = ()
    task: LiftTask = "classification"


def read_set(inputs: Any, test: Any, settings: Settings, layout: str = "auto") -> LiftSet:
    """Read a set as a run would.

    Args:
        inputs: what `augmentai.augment` takes.
        test: images to test on in place of those of the set; None for those.
        settings: limits on reading.
        layout: the set's format; see `Recipe.layout`.

    Raises:
        LiftError: nothing of it is labelled, or too few images are.
    """
    gathered = _gathered(inputs, settings, layout)
    name = _name(inputs)
    split: Split = "test"
    held_out: tuple[Source, ...]
    if test is not None:
        own = _gathered(test, settings, "auto")
        held_out = (*own.sources, *own.holdout)
    else:
        split, held_out = _held_out(gathered.holdout)
    if is_dense(gathered.sources):
        return _dense_set(name, gathered.sources, held_out, split)
    labelled = [source for source in gathered.sources if source.label is not None]
    if not labelled:
        raise LiftError(f"{name}: {_without_classes(gathered)}")
    notes = _unlabelled(gathered.sources, labelled)
    tested = {source.sha256 for source in held_out}
    training = [source for source in labelled if source.sha256 not in tested]
    if len(training) < len(labelled):
        repeated = counted(len(labelled) - len(training), "training image")
        notes.append(f"{repeated} also among the test images, left out of training")
    training, few = _of_large_classes(training)
    if few:
        notes.append(f"left out: {_list(few)}, with fewer than {LEAST_PER_CLASS} training images")
    classes = tuple(sorted({str(source.label) for source in training}))
    if len(classes) < 2:
        raise LiftError(
            f"{name}: {counted(len(classes), 'class', 'classes')} with {LEAST_PER_CLASS} training images or more; "
            "a measurement needs two such classes; put the images of each class into a folder of its own"
        )
    kept = [source for source in held_out if source.label in classes]
    if held_out and not kept:
        found = _list(sorted({str(source.label) for source in held_out if source.label is not None})) or "no class"
        raise LiftError(f"{name}: the test images are of {found}; expected classes of the set ({_list(classes)})")
    if len(kept) < len(held_out):
        notes.append(f"left out: {counted(len(held_out) - len(kept), 'test image')} of none of the classes")
    return LiftSet(name, classes, tuple(training), tuple(kept), split, tuple(notes))


def _gathered(inputs: Any, settings: Settings, layout: str) -> Gathered:
    items = to_inputs(inputs)
    gathered = gather(items, limits(settings), layout=layout)
    if not gathered.sources and not gathered.holdout:
        why = "; ".join(f"{one.file}: {one.reason}" for one in gathered.failures[:3]) or "there is none"
        raise LiftError(f"{_name(inputs)}: no image can be read ({why})")
    return gathered


def _held_out(holdout: Sequence[Source]) -> tuple[Split, tuple[Source, ...]]:
    """The labelled images of the test split, else those of validation, else none: folds."""
    splits: tuple[tuple[str, Split], ...] = (("test", "test"), ("val", "validation"))
    for name, split in splits:
        found = tuple(source for source in holdout if source.split == name and _is_labelled(source))
        if found:
            return split, found
    return "folds", ()


def _is_labelled(image: Source | ImageInfo) -> bool:
    return image.label is not None or image.labels is not None


def is_dense(images: Sequence[Source | ImageInfo]) -> bool:
    """Whether most labelled images have boxes or masks, so that their cells are measured.

    Class folders whose label files are ignored have none.
    """
    return 2 * sum(image.labels is not None for image in images) > sum(map(_is_labelled, images))


def _dense_set(name: str, sources: Sequence[Source], held_out: Sequence[Source], split: Split) -> LiftSet:
    test = tuple(source for source in held_out if source.labels is not None)
    if held_out and not test:
        raise LiftError(f"{name}: the test images have no boxes or masks; expected labels as those of the set")
    tested = {source.sha256 for source in test}
    labelled = [source for source in sources if source.labels is not None]
    training = tuple(source for source in labelled if source.sha256 not in tested)
    if len(training) < LEAST_PER_CLASS:
        found = counted(len(training), "training image")
        raise LiftError(f"{name}: {found} with boxes or masks; a measurement needs {LEAST_PER_CLASS} or more")
    notes = []
    if len(labelled) < len(sources):
        notes.append(f"left out: {counted(len(sources) - len(labelled), 'image')} without boxes or masks")
    if len(training) < len(labelled):
        repeated = counted(len(labelled) - len(training), "training image")
        notes.append(f"{repeated} also among the test images, left out of training")
    if len(test) < len(held_out):
        notes.append(f"left out: {counted(len(held_out) - len(test), 'test image')} without boxes or masks")
    return LiftSet(name, (), training, test, split, tuple(notes), "detection")


def _without_classes(gathered: Gathered) -> str:
    if not gathered.sources:
        return "there is no training image; a measurement needs some beside the test images"
    return "no image has a class; put the images of each class into a folder of its own"


def _unlabelled(sources: Sequence[Source], labelled: Sequence[Source]) -> list[str]:
    missing = len(sources) - len(labelled)
    return [f"left out: {counted(missing, 'image')} without a class"] if missing else []


def _of_large_classes(sources: Iterable[Source]) -> tuple[list[Source], list[str]]:
    sources = list(sources)
    counts = Counter(str(source.label) for source in sources)
    few = sorted(name for name, count in counts.items() if count < LEAST_PER_CLASS)
    return [source for source in sources if source.label not in few], few


def _name(inputs: Any) -> str:
    one = inputs[0] if isinstance(inputs, list | tuple) and len(inputs) == 1 else inputs
    if isinstance(one, Store) or is_url(one):
        return PurePosixPath(str(one)).stem
    return Path(one).resolve().stem if isinstance(one, str | Path) else "the set"


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
