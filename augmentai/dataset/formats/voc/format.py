"""Pascal VOC as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.voc.dataset import read_voc
from augmentai.dataset.formats.voc.writer import VocWriter

VOC = Format(
    name="voc",
    title="Pascal VOC",
    hint="an .xml file per image in Annotations/ or beside it",
    detect=read_voc,
    writer=VocWriter,
    label_suffixes=(".xml", ".txt"),
)
