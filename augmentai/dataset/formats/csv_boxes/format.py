"""CSV files as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.csv_boxes.dataset import read_csv
from augmentai.dataset.formats.csv_boxes.writer import CsvWriter

CSV = Format(
    name="csv",
    title="CSV of boxes",
    hint="a .csv file with an image and a box per row, or with a column of 0 and 1 per class",
    detect=read_csv,
    writer=CsvWriter,
    label_suffixes=(".csv",),
)
