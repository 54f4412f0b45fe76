"""Masks as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.masks.dataset import read_masks

MASKS = Format(
    name="masks",
    title="Masks",
    hint="a PNG of the same stem per image: beside it, in masks/ or a similar folder, or with _mask added",
    detect=read_masks,
)
