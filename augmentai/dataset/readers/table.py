"""A Parquet file among the files of a dataset, before it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from augmentai.dataset.file_tree import Entry

_SUFFIX = ".parquet"


@dataclass(frozen=True)
class Table:
    """A Parquet file that may hold images.

    Attributes:
        place: its path in the dataset.
        open: returns its bytes, readable anywhere; raises OSError or ArchiveError.
        entry: it as a file of labels, which it is if it holds no images.
    """

    place: str
    open: Callable[[], BinaryIO]
    entry: Entry | None


def is_table(name: str) -> bool:
    """Whether a file may be a Parquet file with images, rather than the metadata of an ImageFolder.

    Example:
        >>> is_table("train-00000-of-00002.parquet"), is_table("metadata.parquet")
        (True, False)
    """
    return name.lower().endswith(_SUFFIX) and name.lower() != f"metadata{_SUFFIX}"
