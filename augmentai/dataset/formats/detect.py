"""Which format a set of files has: the first that fits, or the one that was asked for."""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath

from augmentai import registry
from augmentai.dataset.file_tree import Tree
from augmentai.dataset.formats.base import Format, ImageInfo, Layout
from augmentai.types import Failure

AUTO = "auto"


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


@cache
def usable_formats() -> tuple[tuple[Format, ...], tuple[str, ...]]:
    """(every format that can be used, in the order of detection; why each other one cannot be)."""
    found, reasons = [], []
    for name in registry.names("formats"):
        try:
            found.append(format_named(name))
        except registry.RegistryError as error:
            reasons.append(str(error))
    return tuple(sorted(found, key=lambda one: -one.priority)), tuple(reasons)


@cache
def label_suffixes() -> tuple[str, ...]:
    """How the names of label files end, in any format that can be used; lower case, with the dot."""
    return tuple(sorted({suffix for one in usable_formats()[0] for suffix in one.label_suffixes}))


def is_label_file(name: str) -> bool:
    """Whether a file may hold labels, by how its name ends.

    Example:
        >>> is_label_file("labels/A.TXT"), is_label_file("notes.pdf")
        (True, False)
    """
    return PurePosixPath(name).name.lower().lstrip(".").endswith(label_suffixes())


def recognise(tree: Tree, requested: str = AUTO) -> Layout:
    """The layout of a set.

    Args:
        tree: the files of the set.
        requested: the name of a format, or "auto" for the first that fits.

    Returns:
        The layout. If a format was requested and the set is not in it, or it cannot be used, the layout's failures say
        so and all images are excluded.
    """
    if not tree.images:
        requested = "folders"
    if requested != AUTO:
        return _as_requested(tree, requested)
    formats, reasons = usable_formats()
    layout = next(layout for one in formats if (layout := one.detect(tree, False)) is not None)
    layout.notices += reasons
    return _without_lone_splits(layout)


def _as_requested(tree: Tree, name: str) -> Layout:
    try:
        one = format_named(name)
    except registry.RegistryError as error:
        return _refused(tree, str(error))
    layout = one.detect(tree, True)
    if layout is None:
        return _refused(tree, f"not a {one.title} dataset: expected {one.hint}")
    return _without_lone_splits(layout)


def _refused(tree: Tree, reason: str) -> Layout:
    layout = Layout()
    layout.excluded = {entry.key for entry in tree.images}
    layout.failures.append(Failure("the set", reason))
    return layout


def _without_lone_splits(layout: Layout) -> Layout:
    """Without training images there is nothing to keep apart: every image may be augmented, and that is reported."""
    splits = {info.split for info in layout.images.values()}
    if splits <= {None} or "train" in splits:
        return layout
    named = " and ".join(sorted(split for split in splits if split))
    layout.notices.append(f"the set names {named} images and none for training; all of them are augmented")
    layout.images = {key: ImageInfo(info.label, None, info.labels) for key, info in layout.images.items()}
    return layout
