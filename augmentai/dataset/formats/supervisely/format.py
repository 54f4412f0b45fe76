"""Supervisely as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.supervisely.dataset import read_supervisely
from augmentai.dataset.formats.supervisely.writer import SuperviselyWriter

SUPERVISELY = Format(
    name="supervisely",
    title="Supervisely",
    hint="an ann/ folder of .json files beside img/, and meta.json",
    detect=read_supervisely,
    writer=SuperviselyWriter,
    label_suffixes=(".json",),
)
