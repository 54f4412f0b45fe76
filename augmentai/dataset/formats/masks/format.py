"""Masks as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.masks.dataset import MaskLayout, read_masks
from augmentai.dataset.formats.masks.writer import MaskWriter

MASKS = Format(
    name="masks",
    title="Masks",
    hint="masks named after their images: beside them, in masks/ or a similar folder, or with _mask or a similar word",
    detect=read_masks,
    writer=MaskWriter,
    part=MaskLayout,
    label_suffixes=(".txt", ".csv", ".json"),
)
