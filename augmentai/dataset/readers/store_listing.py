"""Lists the files below a URL, by the rules of a folder on disk."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from augmentai.dataset.archive import ArchiveError
from augmentai.dataset.manifest import (
    FIRST_LINE_BYTES,
    MANIFEST,
    MANIFEST_PART,
    OWN_NAMES,
    RECIPE_FILE,
    RUN_LEDGER,
    begins_run,
)
from augmentai.dataset.readers.archive_listing import MOST_INNER, list_archive
from augmentai.dataset.readers.file_kinds import is_archive_file, is_archive_part, kind_of
from augmentai.dataset.readers.inputs import PART_OF_ARCHIVE
from augmentai.dataset.readers.limits import Limits
from augmentai.dataset.readers.listing import Listing, is_ignored_file, is_ignored_folder
from augmentai.dataset.readers.stored_member import StoredMember
from augmentai.storage import MissingFileError, StorageError, Store, StoredFile

NOTHING_THERE = "no such file or folder"
_LISTED_BYTES = 8 << 20  # of a listing, in memory


def list_store(store: Store, prefix: str, listing: Listing, limits: Limits, skip: Store | None = None) -> None:
    """Add every image and label file below a URL to a listing, or the file that it names.

    Args:
        store: the folder or file.
        prefix: what the paths in the dataset begin with, "" for nothing.
        listing: where the files are added; also, why the URL cannot be read.
        limits: on archives.
        skip: a folder that is not searched.
    """
    try:
        if store.is_file():
            _list_file(store, listing, limits)
        else:
            _list_folder(store, prefix, listing, limits, skip)
    except MissingFileError:
        listing.report.fail(store.url, store.why_missing() or NOTHING_THERE)
    except StorageError as error:
        listing.report.fail(store.url, str(error))


def _list_file(store: Store, listing: Listing, limits: Limits) -> None:
    name = PurePosixPath(store.url).name
    member = StoredMember(store, StoredFile("", store.size_bytes()))
    if listing.add_table(name, partial(member.spool, limits.zip_bytes), member=member):
        return
    if is_archive_part(name):
        listing.report.fail(name, PART_OF_ARCHIVE)
    elif is_archive_file(name, member.head):
        _list_archive(member, name, "", listing, limits)
    elif listing.tree.images and kind_of(name, member.head)[0] == "label":
        listing.add_label_file(name, member=member)
    else:
        listing.add_member(member, name, "", "")


def _list_folder(store: Store, prefix: str, listing: Listing, limits: Limits, skip: Store | None) -> None:
    before, labels = listing.progress(), len(listing.tree.sidecars)
    archives: list[tuple[StoredMember, str]] = []
    files = _Listed(store)
    if not files.count:
        raise MissingFileError(store.url)
    runs = _run_folders(store, files)
    for run in sorted(runs - {""}):
        listing.report.run_folders.add(PurePosixPath(run).name)
    is_within = skip is not None and skip.url.startswith(f"{store.url}/")
    skipped = f"{skip.url}/".removeprefix(f"{store.url}/") if skip is not None and is_within else ""
    for file in files:
        if listing.stop.is_set():
            return
        *folders, name = file.path.split("/")
        if (skipped and file.path.startswith(skipped)) or _is_tool(folders, name, listing):
            continue
        if any(run and file.path.startswith(f"{run}/") for run in runs):
            continue
        if not ("" in runs and file.path in {*OWN_NAMES, RUN_LEDGER}):
            path = f"{prefix}/{file.path}" if prefix else file.path
            member = StoredMember(store, file)
            if not listing.add_table(path, partial(member.spool, limits.zip_bytes), member=member):
                _add(member, path, listing, archives)
    _list_archives(archives, listing, limits, beside_images=listing.progress() != before)
    if listing.progress() == before:
        listing.report_without_images(PurePosixPath(store.url).name, "folder", labels)


class _Listed:
    """The files of a store, listed once and gone through several times: on disk if there are many.

    Attributes:
        count: how many there are.
    """

    def __init__(self, store: Store) -> None:
        self.count = 0
        self._lines = tempfile.SpooledTemporaryFile(_LISTED_BYTES)  # noqa: SIM115  # closed when nobody needs it
        for file in store.list():
            self._lines.write(json.dumps([file.path, file.size_bytes, file.version]).encode() + b"\n")
            self.count += 1

    def __iter__(self) -> Iterator[StoredFile]:
        self._lines.seek(0)
        for line in self._lines:
            yield StoredFile(*json.loads(line))


def _is_tool(folders: Sequence[str], name: str, listing: Listing) -> bool:
    """Whether a file belongs to a system or a tool, which is reported where it is on disk."""
    for depth, folder in enumerate(folders):
        if is_ignored_folder(folder):
            listing.skip(folder, "/".join(folders[:depth]))
            return True
    if is_ignored_file(name):
        listing.skip(name, "/".join(folders))
        return True
    return False


def _run_folders(store: Store, files: Iterable[StoredFile]) -> set[str]:
    """The folders of earlier runs; "" for the whole store."""
    of_runs = RECIPE_FILE, MANIFEST, MANIFEST_PART
    names = {file.path for file in files if file.path.rpartition("/")[2].startswith(of_runs)}
    found = set()
    for path in names:
        folder, _, name = path.rpartition("/")
        if name.startswith(MANIFEST_PART):
            found.add(folder)  # it is at work, or was killed
        elif name == MANIFEST:
            with store.open(path) as stream:
                first_line = stream.readline(FIRST_LINE_BYTES)
            if begins_run(first_line, f"{folder}/{RECIPE_FILE}".lstrip("/") in names):
                found.add(folder)
    return {run for run in found if not any(other and run.startswith(f"{other}/") for other in found)}


def _add(member: StoredMember, path: str, listing: Listing, archives: list[tuple[StoredMember, str]]) -> None:
    name = path.rpartition("/")[2]
    kind, of_type = kind_of(name, member.head)
    report = listing.report
    if kind == "image":
        listing.add_member(member, path, "", "")
    elif kind == "archive":
        archives.append((member, path))
    elif kind == "other archive":
        report.unread_archives.add(name)
    elif kind == "unreadable":
        report.add_unreadable(of_type, path)
    elif kind == "label":
        listing.add_label_file(path, member=member)
    else:
        report.other_files.add(path)


def _list_archives(
    archives: Sequence[tuple[StoredMember, str]], listing: Listing, limits: Limits, beside_images: bool
) -> None:
    for count, (member, place) in enumerate(archives):
        name = place.rpartition("/")[2]
        if beside_images or count >= MOST_INNER:
            listing.report.closed_archives.add(name)
        else:
            _list_archive(member, name, place, listing, limits)


def _list_archive(member: StoredMember, name: str, place: str, listing: Listing, limits: Limits) -> None:
    try:
        stream = member.spool(limits.zip_bytes)
    except ArchiveError as error:
        listing.report.fail(name, str(error))
    except StorageError:
        raise
    except OSError as error:
        listing.report.fail(name, f"there is no room for it in the temporary folder ({error.strerror}); see TMPDIR")
    else:
        list_archive(Path(name), listing, limits, place, stream)
