"""Where uploads belong in a job's folder: safe paths, and outputs of earlier runs among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from augmentai.dataset.file_names import safe_path
from augmentai.dataset.manifest import MANIFEST, OWN_NAMES, RUN_LEDGER, is_run
from augmentai.dataset.readers.file_kinds import ARCHIVE_SUFFIXES
from augmentai.dataset.readers.read_report import ReadReport

Upload = tuple[str, str]  # (path on the visitor's computer, path on the server)


def safe_uploads(uploads: Sequence[Upload]) -> tuple[list[Upload], list[str]]:
    """Uploads with safe paths. If all are in one folder with class folders, or with a run, its name is dropped.

    Args:
        uploads: as the browser sent them.

    Returns:
        (the safe ones, the paths of the others).

    Example:
        >>> safe_uploads([("set/cats/a.png", "1"), ("set/b.png", "2"), ("../c.png", "3")])
        ([('cats/a.png', '1'), ('b.png', '2')], ['../c.png'])
    """
    safe: list[Upload] = []
    unsafe: list[str] = []
    for relative, path in uploads:
        place = safe_path(relative)
        if place is None:
            unsafe.append(relative)
        else:
            safe.append((place, path))
    loose = [place for place, _ in safe if not is_archive_upload(place)]
    tops = {place.split("/", 1)[0] for place in loose}
    deep = any(place.count("/") > 1 for place in loose)
    if len(tops) == 1 and all("/" in place for place in loose) and (deep or tops & run_folders(safe)):
        safe = [(place if is_archive_upload(place) else place.split("/", 1)[1], path) for place, path in safe]
    return safe, unsafe


def is_archive_upload(place: str) -> bool:
    """Whether an upload is an archive that was sent by itself, not within a folder."""
    return place.lower().endswith(ARCHIVE_SUFFIXES) and "/" not in place


def run_folders(uploads: Iterable[Upload]) -> set[str]:
    """The folders among uploads that are outputs of earlier runs; "" is all of them together."""
    manifests = ((place.rpartition("/"), path) for place, path in uploads)
    return {folder for (folder, _, name), path in manifests if name == MANIFEST and is_run(Path(path).parent)}


def without_runs(uploads: Sequence[Upload], report: ReadReport) -> Iterator[Upload]:
    """Uploads as a job will read them, which does not search outputs of earlier runs unless one is all there is.

    Args:
        uploads: safe ones.
        report: where the folders that are not searched are named.
    """
    runs = run_folders(uploads)
    reported: set[str] = set()
    for place, path in uploads:
        folders = place.split("/")[:-1]
        above = ("/".join(folders[: depth + 1]) for depth in range(len(folders)))
        if (run := next((one for one in above if one in runs), None)) is not None:
            if run not in reported:
                report.run_folders.add(run.rpartition("/")[2])
            reported.add(run)
        elif not ("" in runs and place in {*OWN_NAMES, RUN_LEDGER}):
            yield place, path
