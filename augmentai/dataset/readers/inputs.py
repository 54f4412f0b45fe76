"""What was given: which folders to search, and what a file is, from its name or its first bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from augmentai.dataset.content import head
from augmentai.images.file_types import IMAGE_SUFFIXES, IMAGE_TYPES, RAW_SUFFIXES, detect_type

_TAKEN_SUFFIXES = IMAGE_SUFFIXES | set(RAW_SUFFIXES)


def outermost(folders: list[Path]) -> list[Path]:
    """Without repeats and without folders that lie in another of them, sorted."""
    distinct = sorted(set(folders))
    return [folder for folder in distinct if not any(other in folder.parents for other in distinct)]


def own_name(folder: Path) -> str:
    return folder.name.replace("\\", "_")


def may_be_picture(name: str, read_head: Callable[[], bytes]) -> bool:
    """By its ending; a name without one ("0001", "frame.12") is looked into."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _TAKEN_SUFFIXES or name.lower() in _TAKEN_SUFFIXES:
        return True
    return (not suffix or suffix[1:].isdigit()) and detect_type(read_head()) in IMAGE_TYPES


def is_archive(path: Path) -> bool:
    """By content, and by name where the content says nothing; a ZIP called .jpg is left to be refused as a picture."""
    suffix, kind = path.suffix.lower(), detect_type(head(path))
    return kind not in IMAGE_TYPES if suffix == ".zip" else kind == "ZIP" and suffix not in _TAKEN_SUFFIXES
