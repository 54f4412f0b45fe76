"""YOLO as a registered format."""

from __future__ import annotations

from functools import partial

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.yolo.dataset import YoloLayout, read_yolo
from augmentai.dataset.formats.yolo.writer import YoloWriter

YOLO = Format(
    name="yolo",
    title="YOLO",
    hint="data.yaml with names, obj.data, or a .txt file per image in labels/ or beside it",
    detect=read_yolo,
    writer=YoloWriter,
    part=partial(YoloLayout, (), []),
    label_suffixes=(".txt", ".yaml", ".yml", ".names", ".data", ".labels"),
)
