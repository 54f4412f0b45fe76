"""Pascal VOC as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.voc.dataset import read_voc, voc_part
from augmentai.dataset.formats.voc.writer import VocWriter

VOC = Format(
    name="voc",
    title="Pascal VOC",
    hint="an .xml file with <annotation> per image, in any folder, or lists in ImageSets/",
    detect=read_voc,
    writer=VocWriter,
    part=voc_part,
    label_suffixes=(".xml", ".txt"),
)
