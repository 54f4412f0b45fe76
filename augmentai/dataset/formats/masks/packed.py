"""The labels of one image, with its masks and captions, for a process that knows nothing else of the set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from augmentai.annotations import LabelReader
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import Layout, PackedLabels
from augmentai.dataset.formats.masks.companions import AccompaniedLabels
from augmentai.dataset.formats.masks.dataset import MaskLabels
from augmentai.dataset.formats.masks.mask_file import masks_from_json, names_as_json


def packed_with_companions(layout: Layout, reader: LabelReader) -> PackedLabels | None:
    """What is needed to read the labels of one image, with its masks and captions; None if that is not enough.

    Args:
        layout: of the set.
        reader: of an image of the set.
    """
    if not isinstance(reader, AccompaniedLabels):
        return layout.packed(reader)
    own = None if reader.own is None else layout.packed(reader.own)
    if own is None and reader.own is not None:
        return None
    masks = reader.masks.masks
    added = {"masks": names_as_json(masks), "captions": len(reader.captions)}
    known: dict[str, Any] = {} if own is None else {"files": len(own.files), "own": own.own}
    files = (*(own.files if own is not None else ()), *(mask.entry for mask in masks), *reader.captions)
    return PackedLabels(files, {} if own is None else own.shared, {"with": added, **known})


def unpacked_with_companions(layout: Layout, image: Entry, labels: PackedLabels) -> LabelReader:
    """The reader that was packed.

    Args:
        layout: as `Format.part` makes it.
        image: the image.
        labels: as `packed_with_companions` returned them, after JSON held them.
    """
    known: Mapping[str, Any] = labels.own if isinstance(labels.own, dict) else {}
    if "with" not in known:
        return layout.unpacked(image, labels)
    files, added = iter(labels.files), known["with"]
    own = None
    if "files" in known:
        packed = PackedLabels(_next(files, known["files"]), labels.shared, known["own"])
        own = layout.unpacked(image, packed)
    masks = masks_from_json(added["masks"], _next(files, len(added["masks"])))
    return AccompaniedLabels(own, MaskLabels(image, masks), _next(files, added["captions"]))


def _next(files: Iterator[Entry], count: int) -> tuple[Entry, ...]:
    return tuple(next(files) for _ in range(count))
