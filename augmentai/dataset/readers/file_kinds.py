"""What a file is, from its name or its first bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

from augmentai.dataset.content import read_head
from augmentai.dataset.formats.split_words import split_named
from augmentai.dataset.readers.unread_labels import begins_as_labels, may_be_label_file
from augmentai.dataset.tar_archive import TAR_SUFFIXES
from augmentai.images.file_types import (
    IMAGE_SUFFIXES,
    IMAGE_TYPES,
    RAW_SUFFIXES,
    TYPE_OF_SUFFIX,
    UNREADABLE_FILES,
    UNREADABLE_IMAGES,
    detect_type,
)

ARCHIVE_SUFFIXES = (".zip", *TAR_SUFFIXES)  # those that are read
_IMAGE_SUFFIXES = (
    IMAGE_SUFFIXES
    | set(RAW_SUFFIXES)
    | {suffix for suffix, kind in TYPE_OF_SUFFIX.items() if kind in UNREADABLE_IMAGES}
)
_OTHER_ARCHIVES = (".7z", ".rar", ".tar.zst", ".tzst", ".gz", ".bz2", ".xz", ".zst", ".tar.lz", ".tar.lzma", ".tar.z")
_PART = re.compile(r"\.(zip|7z|rar|tar|tgz|gz)\.\d{2,3}$|\.z\d\d$|\.r\d\d$")  # of an archive in several files
_PACKED = frozenset({"GZIP", "BZIP2", "XZ"})  # with a TAR inside, if the name says so

_ANYTHING = frozenset({".dat"})  # as often an image that a program stored as it is text

Kind = Literal["image", "archive", "other archive", "unreadable", "label", "other"]


def kind_of(name: str, read_start: Callable[[], bytes]) -> tuple[Kind, str]:
    """What a file in a folder or an archive is treated as.

    Args:
        name: its name. If it has an ending that images, archives or label files have, that decides.
        read_start: returns the first bytes of any other file ("0001", "frame.12", "a.jpg_large", "a.tmp").

    Returns:
        (its kind, its type if it is "unreadable": it may hold images, yet is none).

    Example:
        >>> [kind_of(name, bytes)[0] for name in ("a.JPG", "a.tar.gz", "a.zip.001", "a.txt", "a.mp4", "0001")]
        ['image', 'archive', 'other archive', 'label', 'unreadable', 'other']
    """
    lowered = name.lower()
    suffix = PurePosixPath(lowered).suffix
    if suffix in _IMAGE_SUFFIXES or lowered in _IMAGE_SUFFIXES:
        return "image", ""
    if lowered.endswith(ARCHIVE_SUFFIXES):
        return "archive", ""
    if lowered.endswith(_OTHER_ARCHIVES) or is_archive_part(lowered):
        return "other archive", ""
    if may_be_label_file(name) and suffix not in _ANYTHING:
        return "label", ""
    head = read_start()
    found = detect_type(head)
    if found in IMAGE_TYPES or found in UNREADABLE_IMAGES:
        return "image", ""
    if suffix in _ANYTHING:
        return "label", ""
    if (not suffix or suffix[1:].isdigit()) and begins_as_labels(head):  # Stanford Dogs
        return "label", ""
    if not suffix and split_named(name) and _is_text(head):  # a list called "train"
        return "label", ""
    kind = found if found in UNREADABLE_FILES else TYPE_OF_SUFFIX.get(suffix, "")
    return ("unreadable", kind) if kind in UNREADABLE_FILES else ("other", "")


def is_archive_part(name: str) -> bool:
    """Whether a file is one of several that an archive was split into.

    Example:
        >>> is_archive_part("set.zip.001"), is_archive_part("set.z01"), is_archive_part("frame.001")
        (True, True, False)
    """
    return _PART.search(name.lower()) is not None


def _is_text(head: bytes) -> bool:
    """Whether a file begins as text does, in UTF-8 or an older encoding."""
    return bool(head.strip()) and not any(byte < 32 and byte not in b"\t\n\r\f" for byte in head)


def is_archive(path: Path) -> bool:
    """Whether a file that was named is read as an archive: by its content, or by its name if the content says nothing.

    A ZIP called a.jpg is not: it is refused when it is decoded as an image.
    """
    return is_archive_file(path.name, partial(read_head, path))


def is_archive_file(name: str, read_start: Callable[[], bytes]) -> bool:
    """The same of a file that is not on disk.

    Args:
        name: its name.
        read_start: returns its first bytes.

    Example:
        >>> is_archive_file("set.zip", bytes), is_archive_file("a.jpg", lambda: b"PK\x03\x04")
        (True, False)
    """
    lowered, found = name.lower(), detect_type(read_start())
    if lowered.endswith(ARCHIVE_SUFFIXES):
        return found not in IMAGE_TYPES
    return found in {"ZIP", "TAR"} and PurePosixPath(lowered).suffix not in _IMAGE_SUFFIXES


def is_tar(name: str, head: bytes) -> bool:
    """Whether an archive is a TAR, compressed or not, and not a ZIP.

    Args:
        name: its name, which decides if its content says nothing.
        head: its first bytes.

    Example:
        >>> is_tar("a.tgz", b""), is_tar("a.zip", b""), is_tar("a.zip", bytes(257) + b"ustar")
        (True, False, True)
    """
    found = detect_type(head)
    if found in {"ZIP", "TAR"} or found in _PACKED:
        return found != "ZIP"
    return name.lower().endswith(TAR_SUFFIXES)
