"""What a layout cannot know: how folders were named, and what was given beside a set with splits."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace

from augmentai.dataset.file_names import name_parts, printable
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import ImageKey, Layout
from augmentai.dataset.formats.masks.class_files import LABEL_MAP
from augmentai.dataset.formats.splits import split_notices


def finish_layout(tree: Tree, layout: Layout, loose: Container[ImageKey] = ()) -> None:
    """Complete what a layout says of the images of a set.

    Args:
        tree: the files of all inputs.
        layout: as it was detected; its images are changed.
        loose: the images that were named one by one.
    """
    _restore_labels(tree, layout)
    _keep_label_maps(tree, layout)
    _train_on_loose_images(layout, loose)
    layout.notices += split_notices({path: info.split for (path, _), info in layout.images.items()})


def held_out_notice(splits: Iterable[str | None]) -> list[str]:
    """Why nothing of a set without a training image is augmented, and what to do; empty if something is.

    Args:
        splits: of all images of the set.

    Example:
        >>> held_out_notice(["train", "test"])
        []
    """
    found = set(splits)
    if not found or found & {None, "train"}:
        return []
    named = " and ".join(sorted(map(str, found)))
    return [
        f"all images are for {named}, and such images are never augmented; if these are to be, rename the folder, the "
        "list or the column that says so, or add images for training"
    ]


def _restore_labels(tree: Tree, layout: Layout) -> None:
    """Classes that are folders are called as the folders are, whatever had to become of the folders' own names."""
    for entry in tree.images:
        info = layout.images.get(entry.key) if entry.original else None
        if info is not None:
            layout.images[entry.key] = replace(info, label=restored_label(entry, info.label))


def restored_label(entry: Entry, label: str | None) -> str | None:
    """A class as its folder is called, whatever had to become of the folder's own name.

    Args:
        entry: an image.
        label: its class by the path that it has now.

    Example:
        >>> restored_label(Entry("1_2/a.jpg", "", original="1:2/a.jpg"), "1_2")
        '1:2'
    """
    if label is None or not entry.original:
        return label
    pairs = zip(entry.path.split("/")[:-1], name_parts(entry.original)[:-1], strict=False)
    named = next((original for safe, original in reversed(list(pairs)) if safe == label), "")
    return (printable(named).strip() if _is_utf8(named) else "") or label


def _keep_label_maps(tree: Tree, layout: Layout) -> None:
    """TensorFlow's label maps stay true whatever becomes of the images."""
    found = [entry for entry in tree.sidecars_ending(LABEL_MAP) if entry.path not in layout.label_paths]
    layout.orphans += found
    layout.label_paths |= {entry.path for entry in found}


def _train_on_loose_images(layout: Layout, loose: Container[ImageKey]) -> None:
    """Images of folders and archives without any split are for training, if they are given beside a set with splits.

    An image inside such a set that is in none of its splits stays apart from training.
    """
    splits: dict[str, set[str | None]] = {}
    for (_, origin), info in layout.images.items():
        splits.setdefault(origin, set()).add(info.split)
    if all(found == {None} for found in splits.values()):
        return
    for key, info in layout.images.items():
        if info.split is None and (splits[key[1]] == {None} or key in loose):
            layout.images[key] = replace(info, split="train")


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no text: the safe name has them escaped
        return False
    return True
