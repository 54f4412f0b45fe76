"""Files, folders and ZIPs to sources. Reads every byte once to hash it, decodes nothing, unpacks nothing to disk."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from threading import Event

from augmentai.dataset.archive import ArchiveError, check, name_of, open_archive, size_words, too_large
from augmentai.dataset.content import head, member_head, read_file, read_given, read_member, sha256_of, why_unreadable
from augmentai.dataset.held import is_run
from augmentai.dataset.manifest import MANIFEST, OWN_FILES
from augmentai.dataset.names import LONGEST_PATH_BYTES, safe_path, shown
from augmentai.images.kinds import PICTURES, RAW_SUFFIXES, SUFFIXES, kind_of
from augmentai.recipe import Failure, Source

PICTURE_SUFFIXES = SUFFIXES
_TAKEN_SUFFIXES = SUFFIXES | set(RAW_SUFFIXES)
_LEFT_ALONE = {"__MACOSX", ".git", ".DS_Store", "Thumbs.db", "desktop.ini"}
_NAMED = 5  # files named in a notice; of more, the number is told


@dataclass(frozen=True)
class Limits:
    """How much is read. Bytes are of one file; zip_bytes of all that a ZIP unpacks to; files of the whole job."""

    file_bytes: int
    zip_bytes: int
    files: int | None = None


@dataclass(frozen=True)
class Gathered:
    """sources sorted by path and hash; failures: files that were named but cannot be read; notices: for the user."""

    sources: tuple[Source, ...]
    failures: tuple[Failure, ...]
    notices: tuple[str, ...]


def gather(
    inputs: Iterable[str | os.PathLike[str] | Source],
    limits: Limits,
    skip: Path | None = None,
    stop: Event | None = None,
) -> Gathered:
    """Every picture in `inputs`: files, folders (searched through, class folders kept), ZIPs, ready-made sources.

    skip: a folder that is not searched, such as the one the output goes to. Of several folders each keeps its own name
    as the first part of the path, so that `cats dogs` gives classes as `.` would. A file that is named is always
    accounted for; files inside folders and ZIPs that are no pictures are counted in a notice. The order of `inputs`
    changes nothing, and nothing is raised for bad input. Once `stop` is set nothing more is read.
    """
    collector = _Collector(limits, skip.resolve() if skip else None, stop or Event())
    collector.take_all(list(inputs))
    return collector.result()


class _Collector:
    def __init__(self, limits: Limits, skip: Path | None, stop: Event) -> None:
        self.limits, self.skip, self.stop = limits, skip, stop
        self.unpacked_bytes = 0  # of all ZIPs so far
        self.sources: dict[tuple[str, str], Source] = {}
        self.failures: list[Failure] = []
        self.seen: set[str] = set()  # absolute paths: what is given twice is done once
        self.others = self.repeated = 0
        self.unopened: list[str] = []
        self.links: list[str] = []
        self.runs: list[str] = []
        self.nothing_given = False

    def take_all(self, inputs: list[str | os.PathLike[str] | Source]) -> None:
        self.nothing_given = not inputs
        folders: list[Path] = []
        archives: list[Path] = []
        files: list[Path] = []
        for item in inputs:
            if isinstance(item, str | os.PathLike):
                self._sort(item, folders, archives, files)
            elif not isinstance(item, Source):
                self._fail(repr(item)[:80], "is not a file, a folder, a ZIP or a Source")
        # Folders come first: a file that is given by itself as well keeps the path, and so the label, it has there.
        tops = _outermost(folders)
        for folder in tops:
            self._folder(folder, _own_name(folder) if len(tops) > 1 else "")
        for path in sorted(set(archives)):
            self._archive(path)
        for path in sorted(files):
            self._file(path, path.name)
        for item in inputs:
            if isinstance(item, Source):
                self._given(item)

    def _sort(self, item: str | os.PathLike[str], folders: list[Path], archives: list[Path], files: list[Path]) -> None:
        name = os.fsdecode(item)
        if not name.strip():
            self._fail("(no name)", "an empty name was given; name a file, a folder or a ZIP")
            return
        path = Path(os.path.abspath(name))  # links stay as they are: two names may be meant as two pictures
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            if str(path) in self.seen:
                return
            self.seen.add(str(path))
            linked = path.is_symlink()
            self._fail(path.name, "a link to a file that is gone" if linked else "there is no such file or folder")
        except (OSError, ValueError) as error:
            self._fail(path.name, why_unreadable(error))
        else:
            if stat.S_ISDIR(mode):
                folders.append(path)
            elif stat.S_ISREG(mode) and _is_archive(path):
                archives.append(path)
            else:
                files.append(path)

    def result(self) -> Gathered:
        notices = []
        if self.nothing_given:
            notices.append("nothing was given: name at least one picture, folder or ZIP")
        if self.others:
            notices.append(f"{self.others} file(s) that are no pictures were left alone")
        if self.repeated:
            notices.append(f"{self.repeated} file(s) were given more than once and done once")
        if self.unopened:
            notices.append(
                f"ZIPs inside a folder or a ZIP are not opened; give them by themselves: {_some(self.unopened)}"
            )
        if self.links:
            notices.append(f"linked folders are not searched; give them by themselves: {_some(self.links)}")
        if self.runs:
            notices.append(f"folders of earlier runs are not searched; give them by themselves: {_some(self.runs)}")
        ordered = tuple(self.sources[key] for key in sorted(self.sources))
        failures = sorted(self.failures, key=lambda failure: (failure.file, failure.reason))
        return Gathered(ordered, tuple(failures), tuple(notices))

    def _fail(self, name: str, reason: str) -> None:
        self.failures.append(Failure(shown(name), reason))

    def _safe(self, name: str, within: str = "") -> str | None:
        """The name made safe, or None where it was told why it is not taken."""
        safe = safe_path(name)
        if safe is None:
            self._fail(name, f"its name{within} leads out of the folder; it was not touched")
        elif len(safe.encode()) > LONGEST_PATH_BYTES:
            self._fail(safe[:200] + "...", f"its path{within} is longer than {LONGEST_PATH_BYTES} bytes; shorten it")
            return None
        return safe

    def _has_room(self, name: str) -> bool:
        if self.stop.is_set():
            return False
        if self.limits.files is None or len(self.sources) < self.limits.files:
            return True
        self._fail(name, f"beyond the limit of {self.limits.files} files a job; run it in several jobs")
        return False

    def _keep(self, source: Source) -> None:
        if (source.path, source.sha256) in self.sources:
            self.repeated += 1
        else:
            self.sources[source.path, source.sha256] = source

    def _given(self, source: Source) -> None:
        safe = self._safe(source.path)
        if safe is None or not self._has_room(safe):
            return
        if source.size_bytes > self.limits.file_bytes:
            self._fail(safe, too_large(source.size_bytes, self.limits.file_bytes))
            return
        self._keep(replace(source, path=safe, read=partial(read_given, source.read)))

    def _folder(self, folder: Path, prefix: str) -> None:
        before = len(self.sources) + len(self.failures) + self.repeated
        for place, folders, files in os.walk(folder, onerror=self._closed_folder):
            here = Path(place)
            if MANIFEST in files and is_run(here):
                if here != folder:  # else it was named, so its pictures are meant
                    self.runs.append(shown(here.name))
                    folders.clear()
                    continue
                files = [name for name in files if name not in OWN_FILES]
            self.links += [(here / f).name for f in folders if (here / f).is_symlink()]
            folders[:] = sorted(
                f for f in folders if f not in _LEFT_ALONE and (self.skip is None or (here / f).resolve() != self.skip)
            )
            for name in sorted(files):
                path = here / name
                if name in _LEFT_ALONE or name.startswith("._"):  # "._a.jpg": what macOS keeps beside a.jpg
                    continue
                if _may_be_picture(name, partial(head, path)):
                    relative = path.relative_to(folder).as_posix().replace("\\", "_")
                    self._file(path, f"{prefix}/{relative}" if prefix else relative)
                elif name.lower().endswith(".zip"):
                    self.unopened.append(shown(name))
                else:
                    self.others += 1
        if len(self.sources) + len(self.failures) + self.repeated == before and not self.stop.is_set():
            self._fail(folder.name or str(folder), "there is no picture in this folder")

    def _closed_folder(self, error: OSError) -> None:
        self._fail(Path(error.filename or "?").name, why_unreadable(error))

    def _file(self, path: Path, relative: str) -> None:
        if str(path) in self.seen:
            self.repeated += 1
            return
        self.seen.add(str(path))
        safe = self._safe(relative)
        if safe is None or not self._has_room(safe):
            return
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):  # to open a pipe would be to wait for ever
                self._fail(safe, "not a file but a device or a pipe; give a picture")
                return
            if found.st_size > self.limits.file_bytes:
                self._fail(safe, too_large(found.st_size, self.limits.file_bytes))
                return
            with path.open("rb") as stream:
                digest = sha256_of(stream)
        except OSError as error:
            gone = isinstance(error, FileNotFoundError) and path.is_symlink()
            self._fail(safe, "a link to a file that is gone" if gone else why_unreadable(error))
            return
        read = partial(read_file, path, found.st_size, digest)
        self._keep(Source(safe, _label(safe), digest, found.st_size, read))

    def _archive(self, path: Path) -> None:
        before = len(self.sources) + len(self.failures) + self.repeated
        try:
            archive = open_archive(path)  # stays open as long as a source of it lives
        except ArchiveError as error:
            self._fail(path.name, str(error))
            return
        entries = [
            (name, entry) for entry in archive.infolist() if self._is_wanted(name := name_of(entry), entry, archive)
        ]
        total = sum(entry.file_size for _, entry in entries)
        if total > self.limits.zip_bytes:
            found, limit = size_words(total), size_words(self.limits.zip_bytes)
            self._fail(path.name, f"would unpack to {found}; the limit is {limit}; split it")
            return
        self.unpacked_bytes += total
        if self.limits.files is not None and self.unpacked_bytes > self.limits.zip_bytes:
            limit = size_words(self.limits.zip_bytes)
            self._fail(path.name, f"the ZIPs of this job would unpack to more than {limit} together; run it in several")
            return
        for name, entry in sorted(entries, key=lambda pair: (pair[0], pair[1].header_offset)):
            self._member(path, archive, name, entry)
        if len(self.sources) + len(self.failures) + self.repeated == before and not self.stop.is_set():
            self._fail(path.name, "there is no picture in this ZIP")

    def _is_wanted(self, name: str, entry: zipfile.ZipInfo, archive: zipfile.ZipFile) -> bool:
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if entry.is_dir() or not parts or _LEFT_ALONE & set(parts) or parts[-1].startswith("._"):
            return False
        if _may_be_picture(parts[-1], partial(member_head, archive, entry)):
            return True
        if name.lower().endswith(".zip"):
            self.unopened.append(shown(parts[-1]))
        else:
            self.others += 1
        return False

    def _member(self, path: Path, archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo) -> None:
        safe = self._safe(name, f" in {shown(path.name)}")
        if safe is None or not self._has_room(safe):
            return
        try:
            check(entry, self.limits.file_bytes)
            with archive.open(entry) as stream:
                digest = sha256_of(stream)
        except ArchiveError as error:
            self._fail(safe, str(error))
            return
        except Exception as error:  # BadZipFile, zlib.error, OSError, EOFError, ...
            self._fail(safe, f"damaged inside {shown(path.name)} ({error}); make the ZIP again")
            return
        self._keep(Source(safe, _label(safe), digest, entry.file_size, partial(read_member, archive, entry)))


def _outermost(folders: list[Path]) -> list[Path]:
    """Without repeats and without folders that lie in another of them, sorted."""
    distinct = sorted(set(folders))
    return [folder for folder in distinct if not any(other in folder.parents for other in distinct)]


def _own_name(folder: Path) -> str:
    return folder.name.replace("\\", "_")


def _may_be_picture(name: str, read_head: Callable[[], bytes]) -> bool:
    """By its ending; a name without one ("0001", "frame.12") is looked into."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _TAKEN_SUFFIXES or name.lower() in _TAKEN_SUFFIXES:
        return True
    return (not suffix or suffix[1:].isdigit()) and kind_of(read_head()) in PICTURES


def _is_archive(path: Path) -> bool:
    """By content, and by name where the content says nothing; a ZIP called .jpg is left to be refused as a picture."""
    suffix, kind = path.suffix.lower(), kind_of(head(path))
    return kind not in PICTURES if suffix == ".zip" else kind == "ZIP" and suffix not in _TAKEN_SUFFIXES


def _label(path: str) -> str | None:
    """The class of a picture in a class folder is that folder's name; a loose picture has none."""
    parts = PurePosixPath(path).parts
    return parts[-2] if len(parts) > 1 else None


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
