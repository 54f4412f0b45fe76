"""Classes in the TARs of WebDataset, where `a.cls` beside `a.jpg` holds a number or a name."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import IO

from augmentai.dataset.archive import Member, check_member
from augmentai.dataset.file_tree import parent

SUFFIX = ".cls"
METADATA = "metadata.jsonl"
_LARGEST_BYTES = 1024


class TextMember:
    """A file that is in memory; used where a file of an archive is."""

    __slots__ = ("_data", "file_size")
    flag_bits = 0
    compress_type = 0

    def __init__(self, data: bytes) -> None:
        self._data, self.file_size = data, len(data)

    def open(self) -> IO[bytes]:
        """Its bytes as a stream."""
        return io.BytesIO(self._data)

    def __call__(self) -> bytes:
        return self._data


def key_of(path: str) -> str:
    """What the files of a sample have in common: the path up to the first dot of the name.

    Example:
        >>> key_of("shard/a.seg.png"), key_of("v1.0/a.jpg")
        ('shard/a', 'v1.0/a')
    """
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.partition('.')[0]}"


def class_files(images: Iterable[str], classes: Mapping[str, Member], there: Iterable[str]) -> dict[str, Member]:
    """The classes of images as the metadata of an ImageFolder.

    Args:
        images: the paths of all images.
        classes: the files that hold their classes, by path.
        there: the paths of all label files; a folder with metadata of its own gets none.

    Returns:
        {path: file}, one for each folder with classes.

    Example:
        >>> files = class_files(["a.jpg", "b.jpg"], {"a.cls": TextMember(b"3")}, [])
        >>> {path: file() for path, file in files.items()}
        {'metadata.jsonl': b'{"file_name": "a.jpg", "label": "3"}\\n'}
    """
    of_key = {key_of(path): member for path, member in classes.items()}
    described = {parent(path) for path in there if path.rpartition("/")[2].startswith("metadata.")}
    rows: dict[str, list[str]] = {}
    for path in images:
        member, folder = of_key.get(key_of(path)), parent(path)
        if member is not None and folder not in described and (label := _text(member)):
            row = {"file_name": path.rpartition("/")[2], "label": label}
            rows.setdefault(folder, []).append(json.dumps(row, ensure_ascii=False) + "\n")
    return {f"{folder}/{METADATA}".lstrip("/"): TextMember("".join(lines).encode()) for folder, lines in rows.items()}


def _text(member: Member) -> str:
    """What a file of a class says; "" if it cannot be read."""
    try:
        check_member(member, _LARGEST_BYTES)
        with member.open() as stream:
            return stream.read(_LARGEST_BYTES).decode("utf-8").strip()
    except Exception:  # a corrupt one is as good as none: the image is then without a class
        return ""
