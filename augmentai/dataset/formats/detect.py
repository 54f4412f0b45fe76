"""Which format a set of files has: the first that fits, or the one that was asked for."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import PurePosixPath

from augmentai import registry
from augmentai.dataset.file_tree import Tree
from augmentai.dataset.formats.base import Format, Layout
from augmentai.dataset.formats.folders import read_folders
from augmentai.dataset.formats.masks.companions import attach_captions, attach_masks
from augmentai.plurals import counted
from augmentai.types import Failure

AUTO = "auto"

_logger = logging.getLogger(__name__)


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        RegistryError: there is none of that name, or its package cannot be used; the message says what to do.
    """
    found = registry.find("formats", name)
    if not isinstance(found, Format) or found.name != name:
        what = f"the format {found.name!r}" if isinstance(found, Format) else f"a {type(found).__name__}"
        raise registry.RegistryError(
            f"the entry point {name!r} of augmentai.formats is {what}; expected a Format of that name"
        )
    return found


def usable_formats() -> tuple[tuple[Format, ...], tuple[str, ...]]:
    """(every format that can be used, in the order of detection; why each other one cannot be)."""
    return _usable(tuple(registry.registered("formats").values()))


def label_suffixes() -> tuple[str, ...]:
    """How the names of label files end, in any format that can be used; lower case, with the dot."""
    return _suffixes(usable_formats()[0])


def is_label_file(name: str) -> bool:
    """Whether a file may hold labels, by how its name ends.

    Example:
        >>> is_label_file("labels/A.TXT"), is_label_file("notes.pdf")
        (True, False)
    """
    return PurePosixPath(name).name.lower().lstrip(".").endswith(label_suffixes())


@cache
def _usable(registered: tuple[registry.Registered, ...]) -> tuple[tuple[Format, ...], tuple[str, ...]]:
    found, reasons = [], []
    for entry in registered:
        try:
            found.append(format_named(entry.name))
        except registry.RegistryError as error:
            reasons.append(str(error))
    return tuple(sorted(found, key=lambda one: -one.priority)), tuple(reasons)


@cache
def _suffixes(formats: tuple[Format, ...]) -> tuple[str, ...]:
    return tuple(sorted({suffix.lower() for one in formats for suffix in one.label_suffixes}))


def detect_layout(tree: Tree, requested: str = AUTO) -> Layout:
    """The layout of a set.

    Args:
        tree: the files of the set.
        requested: the name of a format, or "auto" for the first that fits.

    Returns:
        The layout. If a format was requested and the set is not in it, or it cannot be used, the layout's failures say
        so and all images are excluded. A format of another package that cannot be used is passed over with a notice.
    """
    if requested != AUTO and tree.images:
        return _as_requested(tree, requested)
    formats, notices = usable_formats()
    for one in formats if tree.images else ():
        layout, fault = _detect(one, tree, False)
        notices = (*notices, fault) if fault else notices
        if layout is not None:
            layout.notices += notices
            return _finished(layout, one, tree)
    return read_folders(tree)


def _as_requested(tree: Tree, name: str) -> Layout:
    try:
        one = format_named(name)
    except registry.RegistryError as error:
        return _refused(tree, str(error))
    layout, fault = _detect(one, tree, True)
    if layout is None:
        return _refused(tree, fault or f"not a {one.title} dataset: expected {one.hint}")
    return _finished(layout, one, tree, requested=True)


def _detect(one: Format, tree: Tree, requested: bool) -> tuple[Layout | None, str]:
    """What a format makes of a set, or what went wrong in another package's format."""
    package = registry.registered("formats")[one.name].package
    try:
        layout = one.detect(tree, requested)
        if layout is not None and not isinstance(layout, Layout):
            raise TypeError(f"it returned {type(layout).__name__}; expected a Layout or None")
        return layout, ""
    except MemoryError:
        raise
    except Exception as error:
        if not package:  # values that nobody expected: the images are not treated as if they had no labels
            _logger.info("reading a set as %s", one.title, exc_info=True)  # it may be a fault of the reader
            fault = f"its label files make no sense as {one.title} ({type(error).__name__}: {error})"
            return _refused(tree, f"{fault[:300]}; correct them"), ""
        fault = f"{type(error).__name__}: {error}"
        return None, f"the format {one.title} of {package} failed ({fault}); update or remove that package"


def _finished(layout: Layout, one: Format, tree: Tree, requested: bool = False) -> Layout:
    """A layout under its format's name, with the masks and captions that the format does not know of.

    Beside validation and test images alone, what is in no split is for training, and that is reported.
    """
    layout.name = one.name
    attach_masks(layout, tree, requested)
    attach_captions(layout, tree)
    rest, notices = splits_of_finished(Counter(info.split for info in layout.images.values()))
    layout.notices += notices
    if rest is not None:
        layout.images = {key: replace(info, split=info.split or rest) for key, info in layout.images.items()}
    return layout


def splits_of_finished(splits: Counter[str | None]) -> tuple[str | None, list[str]]:
    """What images in no split are for, and what the user should know of it.

    Args:
        splits: how many images are in each.

    Example:
        >>> splits_of_finished(Counter({None: 2, "test": 1}))
        ('train', ['the set names test images and none for training; 2 images in no split are for training'])
    """
    if not (splits[None] and len(splits) > 1 and "train" not in splits):
        return None, []
    named = " and ".join(sorted(split for split in splits if split))
    rest = counted(splits[None], "image in no split is", "images in no split are")
    return "train", [f"the set names {named} images and none for training; {rest} for training"]


def _refused(tree: Tree, reason: str) -> Layout:
    layout = Layout()
    layout.excluded = {entry.key for entry in tree.images}
    layout.failures.append(Failure("the set", reason))
    return layout
