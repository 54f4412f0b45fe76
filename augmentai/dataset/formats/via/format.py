"""VIA as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.via.dataset import read_via
from augmentai.dataset.formats.via.writer import ViaWriter

VIA = Format(
    name="via",
    title="VGG Image Annotator (VIA)",
    hint="a .json or .csv file of VIA, with regions and their shape_attributes for each image",
    detect=read_via,
    writer=ViaWriter,
    label_suffixes=(".json", ".csv"),
)
