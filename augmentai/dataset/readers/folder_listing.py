"""Lists the files of a folder, its subfolders included."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from augmentai.dataset.content import BROKEN_LINK, read_head, unreadable_reason
from augmentai.dataset.manifest import MANIFEST, OWN_NAMES, RUN_LEDGER, is_run
from augmentai.dataset.readers.archive_listing import list_archives
from augmentai.dataset.readers.file_kinds import kind_of
from augmentai.dataset.readers.limits import Limits
from augmentai.dataset.readers.listing import Listing, is_ignored_file, is_ignored_folder
from augmentai.system.regular_files import NOT_A_FILE, open_regular


def list_folder(folder: Path, prefix: str, listing: Listing, limits: Limits, skip: Path | None = None) -> None:
    """Add every image and label file below a folder to a listing.

    Linked folders and the outputs of earlier runs are not searched, except for `folder` itself. Archives are read,
    each as a folder of its name, if there are no images beside them: else they mostly hold the same images once more.

    Args:
        folder: an absolute path.
        prefix: what the paths in the dataset begin with, "" for nothing.
        listing: where the files are added.
        limits: on archives.
        skip: a resolved folder that is not searched.
    """
    before, labels, archives = listing.progress(), len(listing.tree.sidecars), list[tuple[Path, str]]()

    def report_closed(error: OSError) -> None:
        listing.report.fail(Path(error.filename or "?").name, unreadable_reason(error))

    for place, subfolders, files in os.walk(folder, onerror=report_closed):
        here = Path(place)
        is_output = MANIFEST in files and is_run(here)
        if is_output and here != folder:
            listing.report.run_folders.add(here.name)
            subfolders.clear()
            continue
        subfolders[:] = _to_search(here, subfolders, listing, skip)
        for name in sorted(files):
            # A run that was named itself is meant: its images are read, but not what it says about itself.
            if is_ignored_file(name):
                listing.skip(name, place)
            elif not (is_output and name in {*OWN_NAMES, RUN_LEDGER}):
                _add(here / name, _path_in_dataset(here / name, folder, prefix), listing, archives)
    if archives:
        list_archives(archives, listing, limits, beside_images=listing.progress() != before)
    if listing.progress() == before and not listing.stop.is_set():
        listing.report_without_images(folder.name or str(folder), "folder", labels)


def _to_search(here: Path, subfolders: list[str], listing: Listing, skip: Path | None) -> list[str]:
    for name in subfolders:
        if is_ignored_folder(name):
            listing.skip(name, str(here))
        elif (here / name).is_symlink():
            listing.report.linked_folders.add(name)
    return sorted(
        name for name in subfolders if not is_ignored_folder(name) and (skip is None or (here / name).resolve() != skip)
    )


def _path_in_dataset(path: Path, folder: Path, prefix: str) -> str:
    relative = path.relative_to(folder).as_posix().replace("\\", "_")
    return f"{prefix}/{relative}" if prefix else relative


def _add(path: Path, relative: str, listing: Listing, archives: list[tuple[Path, str]]) -> None:
    if listing.add_table(relative, partial(open_regular, path), file=path):
        return
    kind, of_type = kind_of(path.name, partial(read_head, path))
    report = listing.report
    if kind == "image":
        listing.add_file(path, relative)
    elif kind == "archive":
        archives.append((path, relative))
    elif kind == "other archive":
        report.unread_archives.add(path.name)
    elif kind == "unreadable":
        report.add_unreadable(of_type, relative)
    elif kind == "label" and not path.is_file():
        is_broken_link = path.is_symlink() and not path.exists()
        report.fail(relative, BROKEN_LINK if is_broken_link else f"{NOT_A_FILE}; skipped")
    elif kind == "label":
        listing.add_label_file(relative, file=path)
    else:
        report.other_files.add(relative)
