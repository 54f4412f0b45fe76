"""ImageFolder as a registered format."""

from __future__ import annotations

from augmentai.dataset.formats.base import Format
from augmentai.dataset.formats.imagefolder.read import read_imagefolder
from augmentai.dataset.formats.imagefolder.writer import ImageFolderWriter

IMAGEFOLDER = Format(
    name="imagefolder",
    title="ImageFolder",
    hint="metadata.csv, metadata.jsonl or metadata.parquet with file_name, beside the images",
    detect=read_imagefolder,
    writer=ImageFolderWriter,
    label_suffixes=(".csv", ".jsonl", ".parquet"),
)
