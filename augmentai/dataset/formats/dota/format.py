"""DOTA as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.dota.dataset import read_dota
from augmentai.dataset.formats.dota.writer import DotaWriter

DOTA = Format(
    name="dota",
    title="DOTA",
    hint="a .txt file per image in labelTxt/, with four corners in pixels and a class on each line",
    detect=read_dota,
    writer=DotaWriter,
    label_suffixes=(".txt",),
)
