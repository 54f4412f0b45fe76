"""Sorts what the user named into folders, ZIPs, image files and ready-made sources."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from augmentai.dataset.content import BROKEN_LINK, unreadable_reason
from augmentai.dataset.readers.file_kinds import is_archive, is_archive_part
from augmentai.dataset.readers.read_report import ReadReport
from augmentai.storage import Store
from augmentai.types import Source

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/{1,3}(?=[^/])(.*)", re.DOTALL)  # pathlib makes one slash of two
_ADVICE = {
    "s3": "download it first, such as with `aws s3 sync`",
    "gs": "download it first, such as with `gcloud storage rsync`",
    "hf": "download it first, with `hf download`",
    "http": "download it first",
    "https": "download it first",
    "file": "name the path alone",
}


PART_OF_ARCHIVE = "a part of an archive in several files; join them or unpack the archive first, and name the folder"


@dataclass
class Inputs:
    """The inputs by kind; all paths are absolute.

    Attributes:
        folders: to be searched, none inside another, each with what the paths below it begin with in the dataset: its
            own name if there are several, so that `cats dogs` gives the classes that `.` would; else nothing.
        stores: URLs of folders and files, none inside another, sorted, with the same.
        zips: sorted.
        files: sorted; whatever is neither a folder nor a ZIP.
        sources: in the order in which they were passed.
    """

    folders: list[tuple[Path, str]] = field(default_factory=list)
    stores: list[tuple[Store, str]] = field(default_factory=list)
    zips: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)


def sort_inputs(inputs: Iterable[str | os.PathLike[str] | Source | Store], report: ReadReport) -> Inputs:
    """Sort inputs by kind. Files are opened only to see whether they are ZIPs.

    A URL as text is reported as no path: only a front end whose user may reach the network makes a `Store` of it.

    Args:
        inputs: paths, stores and sources, in any order.
        report: receives what cannot be used.

    Returns:
        The inputs by kind; a folder or ZIP that was named twice is there once.
    """
    found = Inputs()
    folders: set[Path] = set()
    stores: set[str] = set()
    zips: set[Path] = set()
    unusable: set[Path] = set()
    for item in inputs:
        if isinstance(item, Source):
            found.sources.append(item)
        elif isinstance(item, Store):
            stores.add(item.url)
        elif not isinstance(item, str | os.PathLike):
            report.fail(repr(item)[:80], "is not a file, a folder, a ZIP or a Source")
        elif (path := _absolute(item, report)) is not None and path not in unusable:
            try:
                if is_archive_part(path.name) and path.is_file():
                    report.fail(path.name, PART_OF_ARCHIVE)
                    continue
                {"folder": folders.add, "zip": zips.add, "file": found.files.append}[_kind_of(path)](path)
            except (OSError, ValueError) as error:
                unusable.add(path)
                report.fail(*_address_reason(item) or (path.name, _reason(path, error)))
    found.folders, found.stores = _with_prefixes(folders, stores)
    found.zips = sorted(zips)
    found.files.sort()
    return found


def _absolute(item: str | os.PathLike[str], report: ReadReport) -> Path | None:
    name = os.fsdecode(item)
    if not name.strip():
        report.fail("(no name)", "the name is empty; name a file, a folder or a ZIP")
        return None
    return Path(os.path.abspath(name))  # links are not resolved: two names may stand for two images


def _kind_of(path: Path) -> Literal["folder", "zip", "file"]:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return "folder"
    return "zip" if stat.S_ISREG(mode) and is_archive(path) else "file"


def _reason(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return BROKEN_LINK if path.is_symlink() else "no such file or folder"
    return unreadable_reason(error)


def _address_reason(item: str | os.PathLike[str]) -> tuple[str, str] | None:
    """(the address, why it cannot be read) of what is no path on this machine; None for a path."""
    address = _URL.fullmatch(os.fsdecode(item))
    if address is None:
        return None
    scheme = address[1].lower()
    advice = _ADVICE.get(scheme, "download it first, and name the folder")
    return f"{address[1]}://{address[2]}", f"an address, and only files of this machine are read; {advice}"


def _with_prefixes(folders: set[Path], stores: set[str]) -> tuple[list[tuple[Path, str]], list[tuple[Store, str]]]:
    """Folders, and URLs, that are not inside another, sorted, with what the paths below them begin with."""
    top = sorted(folder for folder in folders if not any(other in folder.parents for other in folders))
    top_urls = sorted(url for url in stores if not any(url.startswith(f"{other}/") for other in stores))
    several = len(top) + len(top_urls) > 1
    return [(folder, folder.name.replace("\\", "_") if several else "") for folder in top], [
        (Store(url), PurePosixPath(url).name.replace("\\", "_") if several else "") for url in top_urls
    ]
