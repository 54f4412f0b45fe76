"""Reads a COCO set: which JSON files are COCO's, which images they list, and what they leave open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageInfo, ImageKey
from augmentai.dataset.formats.coco.dataset import CocoLayout
from augmentai.dataset.formats.coco.file_names import NamedFrom
from augmentai.dataset.formats.coco.ids import id_key
from augmentai.dataset.formats.coco.image_index import ImageIndex, name_key_of, split_of_file
from augmentai.dataset.formats.coco.json_stream import JsonFile
from augmentai.dataset.formats.coco.labels import CocoLabels
from augmentai.dataset.formats.coco.panoptic import PanopticIndex, is_panoptic, mask_file
from augmentai.dataset.formats.coco.values import categories_in
from augmentai.dataset.formats.companions import find_companions
from augmentai.dataset.formats.image_names import named
from augmentai.dataset.formats.masks.mask_file import MaskFile
from augmentai.dataset.formats.split_claims import SplitClaims
from augmentai.dataset.formats.split_files import is_split_column
from augmentai.dataset.formats.split_lists import read_split_lists
from augmentai.dataset.formats.split_words import read_name, split_named
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.plurals import counted
from augmentai.types import Failure

_KEYPOINTS_SAMPLED = 50  # annotations of each file
Segments = dict[ImageKey, dict[int, MaskFile]]  # of each image, by the number of the file


def read_coco(tree: Tree, requested: bool) -> CocoLayout | None:
    """The set as COCO's, or None if it has no such JSON file."""
    entries = list(tree.sidecars_ending(".json"))
    if not entries:
        return None
    layout = CocoLayout()
    index = ImageIndex(tree)
    is_broken = False
    for entry in entries:
        try:
            file = JsonFile(entry)
            if not (file.may_list_images or requested):
                continue  # a set of another format may have a JSON file for each of many images
            number = layout.files.store.add(file, index.finder(entry))
        except LabelError as error:
            if requested or _seems_coco(entry):
                is_broken = True
                layout.failures.append(Failure(entry.path, str(error)))
                layout.label_paths.add(entry.path)
            continue
        if number is not None:
            _add_file(layout, file, number)
    if not layout.files.entries and not is_broken:
        return None
    layout.files.store.finish()
    _check_only_name(layout)
    _add_lists(layout, tree)
    listed = _listed(layout, tree)
    segments = _segments(layout, tree, listed)
    layout.notices += [words for file in range(len(layout.files.entries)) for words in _notices(layout, file)]
    _add_images(layout, tree, listed, segments, is_broken)
    return layout


def _add_file(layout: CocoLayout, file: JsonFile, number: int) -> None:
    entry, files = file.entry, layout.files
    layout.label_paths.add(entry.path)
    files.entries.append(entry)
    categories, faults = categories_in(files.store.heads[number].get("categories"))
    files.categories.append(categories)
    layout.failures += [Failure(entry.path, fault) for fault in faults]
    layout.splits.append(split_of_file(entry.path))
    if file.has_non_finite:
        layout.outdated.add(number)
        layout.notices.append(f"{entry.path} has NaN or Infinity, which JSON does not have; written as null")


def _check_only_name(layout: CocoLayout) -> None:
    """The only file of a set is taken for one of held-out images if its name says that alone: not "test_abc.json"."""
    if len(layout.splits) != 1 or layout.splits[0] in {None, "train"}:
        return
    path = PurePosixPath(layout.files.entries[0].path)
    first, *more = re.split(r"[\W_]+", path.stem)
    if split_named(first) and more and read_name(path.stem).rest and not split_named(path.parent.name):
        layout.notices.append(
            f"{path}: the only label file, so its images are for training; if they are for {layout.splits[0]}, call it "
            f"{layout.splits[0]}.json"
        )
        layout.splits[0] = None


def _add_lists(layout: CocoLayout, tree: Tree) -> None:
    """Lists of the images of each split beside the COCO files, such as train.txt."""
    layout.lists = read_split_lists(tree, layout.label_paths)
    layout.label_paths |= {entry.path for entry in layout.lists.entries}
    layout.notices += layout.lists.notices


def _listed(layout: CocoLayout, tree: Tree) -> dict[ImageKey, str | None]:
    """The split of each image that a file lists. What one file holds out is held out, whatever others say.

    A file, its name, and a list beside it may say the split; so may "split" of an image in it.
    """
    claims = SplitClaims("file")
    listed: dict[ImageKey, None] = {}
    for file, split in enumerate(layout.splits):
        pairs = []
        for _, path, origin, image in layout.files.store.images(file):
            key = name_key_of(image)
            if key is not None and key != "coco_url":
                pairs.append((image[key], path))
            listed[path, origin] = None
            for one in (split, _split_stated(image), layout.lists.listed(path)):
                claims.add((path, origin), one, path)
        names = NamedFrom(layout.files.entries[file].path, pairs)
        layout.named_from.append(names)
        if not all(names.leads_to(name, path) for name, path in pairs):
            layout.outdated.add(file)
    claims.settle()
    claims.hold_out({entry.key: split_of(entry.path, layout.lists.folders) for entry in tree.images})
    layout.notices += claims.notices
    return {key: claims.of(key) for key in listed}


def _split_stated(image: dict[str, Any]) -> str | None:
    """The split that a field of an image names, as FiftyOne and Datumaro write it."""
    stated = (value for name, value in image.items() if is_split_column(name) and isinstance(value, str))
    return next(filter(None, map(split_named, stated)), None)


def _notices(layout: CocoLayout, file: int) -> Iterator[str]:
    """What a file says that meets no image, by name; and what is wrong with its ids."""
    store, path = layout.files.store, layout.files.entries[file].path
    missing, lost = store.missing(file)
    if missing:
        with_them = counted(lost, "annotation")
        yield f"{path} lists {named(missing)} with {with_them}; left out, since the images are missing"
    count, ids = store.of_no_image(file)
    if count:
        yield f"{path}: {counted(count, 'annotation')} left out, since no image has their image_id: {_sample(ids)}"
    images, annotations = store.unusable(file)
    if images:
        words = _sample(map(str, images))
        yield f"{path}: {counted(len(images), 'image')} without an id or a file_name left out: number {words}"
    if annotations:
        words = _sample(map(str, annotations))
        yield f"{path}: {counted(len(annotations), 'annotation')} without an image_id left out: number {words}"
    yield from _keypoint_notices(layout, file)
    if missing or count or images or annotations or store.has_other_spellings(file):
        layout.outdated.add(file)


def _keypoint_notices(layout: CocoLayout, file: int) -> Iterator[str]:
    """Which classes have keypoints of which nothing says how they change places in a mirrored image."""
    categories = layout.files.categories[file]
    unclear: set[str] = set()
    for annotation in layout.files.store.sample_with_keypoints(file, _KEYPOINTS_SAMPLED):
        category = categories.get(id_key(annotation.get("category_id")) or "")
        points = annotation.get("keypoints")
        if category is not None and isinstance(points, list) and points and not category.flip_order(len(points) // 3):
            unclear.add(category.name)
    if unclear:
        words = "are never flipped: the names of the keypoints do not say which left and right ones change places"
        yield f"{layout.files.entries[file].path}: images with keypoints of {_sample(sorted(unclear))} {words}"


def _sample(names: Iterable[str]) -> str:
    """The first few of some names."""
    found = list(names)
    rest = len(found) - 5
    return ", ".join(found[:5]) + (f" and {rest} more" if rest > 0 else "")


def _segments(layout: CocoLayout, tree: Tree, listed: dict[ImageKey, str | None]) -> Segments:
    """The PNGs of panoptic annotations, which are no photographs; nor is anything else in their folders."""
    found: Segments = {}
    index: PanopticIndex | None = None
    images = {entry.key: entry for entry in tree.images}
    folders: set[str] = set()
    for file, entry in enumerate(layout.files.entries):
        first = next(layout.files.store.annotations(file), None)
        if not isinstance(first, dict) or "segments_info" not in first:
            layout.has_annotations = True
            continue
        layout.has_segments = True
        index = index or PanopticIndex(tree, listed)
        for image_id, path, origin, _ in layout.files.store.images(file):
            for annotation in layout.files.store.annotations_of(file, image_id):
                png = index.find(entry, annotation["file_name"]) if is_panoptic(annotation) else None
                if png is not None:
                    found.setdefault((path, origin), {})[file] = mask_file(png, images[path, origin])
                    layout.excluded.add(png.key)
                    folders.add(parent(png.path))
    orphans = [
        one
        for one in tree.images
        if parent(one.path) in folders and one.key not in listed and one.key not in layout.excluded
    ]
    layout.excluded |= {one.key for one in orphans}
    if orphans:
        layout.notices.append(f"{named([one.path for one in orphans], 'PNG')} of segments that no file lists; left out")
    return found


def _add_images(
    layout: CocoLayout, tree: Tree, listed: dict[ImageKey, str | None], segments: Segments, is_broken: bool
) -> None:
    """Everything that is known of each image of the tree. is_broken: a label file could not be read."""
    remaining = Tree(images=[entry for entry in tree.images if entry.key not in layout.excluded])
    companions = find_companions(remaining, listed)
    layout.excluded |= companions.excluded
    layout.orphans += companions.orphans
    layout.notices += companions.notices
    _exclude_shared_ids(layout)
    folders = folder_splits(entry.path for entry in remaining.images if entry.key not in companions.excluded)
    skipped, unlisted = 0, []
    for entry in remaining.images:
        if entry.key in layout.excluded:
            continue
        split = listed.get(entry.key)
        if split is None:
            split = layout.lists.of(entry.path) if layout.lists.entries else split_of(entry.path, folders)[0]
        if entry.key in listed:
            masks = companions.masks.get(entry.key, ())
            labels = CocoLabels(entry, layout.files, segments.get(entry.key, {}), masks)
            layout.images[entry.key] = ImageInfo(None, split, labels)
        elif is_broken:
            layout.excluded.add(entry.key)  # its labels may be in the file that could not be read
            skipped += 1
        else:
            unlisted += [entry.path] if entry.key not in companions.drawn else []
            layout.images[entry.key] = ImageInfo(None, split)
    if skipped:
        layout.notices.append(f"skipped {counted(skipped, 'image')} without labels, since a label file is broken")
    if unlisted:
        layout.notices.append(f"{named(unlisted)} without labels: no COCO file lists them")


def _exclude_shared_ids(layout: CocoLayout) -> None:
    """Images that share an id are not used: which annotations belong to which is unknown."""
    for file, entry in enumerate(layout.files.entries):
        for image_id, keys in layout.files.store.shared_ids(file):
            paths = sorted(path for path, _ in keys)
            words = f"id {image_id} in {entry.path} is that of {named(paths)}; expected one id for each image"
            layout.failures += [Failure(path, words) for path in paths]
            layout.excluded.update(keys)


def _seems_coco(entry: Entry) -> bool:
    """Whether a file that cannot be read was meant as COCO's, from its name or its first bytes."""
    if "coco" in entry.path.casefold() or "instances" in entry.path.casefold():
        return True
    try:
        with entry.open() as stream:
            head = stream.read(1 << 16)
    except Exception:
        return False
    return b'"images"' in head or b'"annotations"' in head
