"""Masks that a Pascal VOC annotation names in elements of its own."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from augmentai.dataset.formats.masks.mask_file import MaskFile
from augmentai.dataset.formats.masks.named_masks import with_own_masks
from augmentai.types import Source

_OF_THE_IMAGE = {"filename", "path", "folder"}


def naming_own_masks(annotation: bytes, masks: Sequence[MaskFile], source: Source, file: str) -> bytes:
    """The annotation of a variation, in which the variation's own masks are named wherever its source's were.

    Args:
        annotation: as it was written, by ElementTree.
        masks: those of the source.
        source: what the variation was made from.
        file: the path of the variation.
    """
    if not any(mask.entry.path.rpartition("/")[2].encode() in annotation for mask in masks):
        return annotation
    root = ElementTree.fromstring(annotation)
    for element in root.iter():
        if element.tag not in _OF_THE_IMAGE and element.text and element.text.strip():
            element.text = with_own_masks(element.text, masks, source.path, file)
    return ElementTree.tostring(root, encoding="utf-8") + b"\n"
