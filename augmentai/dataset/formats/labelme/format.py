"""LabelMe as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.labelme.dataset import read_labelme
from augmentai.dataset.formats.labelme.writer import LabelMeWriter

LABELME = Format(
    name="labelme",
    title="LabelMe, X-AnyLabeling",
    hint="a .json file with shapes and imagePath per image, beside it or in a folder of its own",
    detect=read_labelme,
    writer=LabelMeWriter,
    label_suffixes=(".json", ".txt"),
)
