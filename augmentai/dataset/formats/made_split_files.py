"""What the files of a set with a made split are called, and its lists of images."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.dataset.file_tree import folders_above, parent
from augmentai.dataset.formats.format_writer import json_bytes

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRow, ImageRows

TRAINING = re.compile(r"(?i)[-_.]?train(ing)?([-_]?(19|20)\d\d)?$")


def named_for(path: str, split: str) -> str:
    """What a label file is called once it is that of a split."""
    name = PurePosixPath(path)
    if name.name.casefold() == "_classes.csv":  # only so called it is read if it has a single class
        return str(name.with_name(f"{split}{name.name}"))
    stem = TRAINING.sub("", name.stem) or "annotations"
    return str(name.with_name(f"{stem}_{split}{name.suffix}"))


def naming_image(image: str, path: str, data: bytes) -> bytes:
    """LabelMe's file at a path, naming its image from there."""
    content = {**json.loads(data), "imagePath": posixpath.relpath(image, parent(path) or ".")}
    return json_bytes(content, indent=2)


def rows_of_split(rows: ImageRows, split: str) -> Iterator[ImageRow]:
    return (row for row in rows if row.source.split == split)


def image_lines(rows: ImageRows, split: str, folder: str, folders: Collection[str]) -> Iterator[bytes]:
    """A list of images, seen from its own folder; only what begins with "./" is read so wherever training starts.

    Args:
        rows: the images of the finished set.
        split: of the images that are listed.
        folder: that of the list; if several have a data.yaml, the images for which it is the nearest one.
        folders: those with a data.yaml.
    """
    for row in rows_of_split(rows, split):
        nearest = next((one for one in folders_above(row.file) if one in folders), None)
        if len(folders) < 2 or folder == (min(folders) if nearest is None else nearest):
            path = posixpath.relpath(row.file, folder or ".")
            yield f"{path if path.startswith('../') else f'./{path}'}\n".encode("utf-8", "backslashreplace")
