"""Files, folders and ZIPs to sources. Reads every byte once to hash it, decodes nothing, unpacks nothing to disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any

from augmentai.dataset.archive import ArchiveError, Member, members, open_archive, size_words, too_large
from augmentai.dataset.content import head, member_head, read_given, why_unreadable
from augmentai.dataset.file_names import LONGEST_PATH_BYTES, printable, safe_path
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import ImageInfo, Layout
from augmentai.dataset.formats.detect import is_label_file, recognise
from augmentai.dataset.formats.folders import FolderLayout
from augmentai.dataset.manifest import MANIFEST, OWN_FILES, is_run
from augmentai.dataset.readers.inputs import is_archive, may_be_picture, outermost, own_name
from augmentai.dataset.readers.to_source import NotTakenError, take
from augmentai.types import Failure, Source

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
    """What was found.

    sources: the pictures to be varied, sorted by path and hash; of a set with splits, those for training. holdout: the
    others, which are never varied. failures: files that were named but cannot be read. notices: for the user. layout:
    how the set is laid out, and how it is written again. labels_sha256: of all its label files, "" where it has none.
    foreign_labels: files that were not understood may say where something lies in the pictures.
    """

    sources: tuple[Source, ...]
    failures: tuple[Failure, ...]
    notices: tuple[str, ...]
    holdout: tuple[Source, ...] = ()
    layout: Layout = field(default_factory=FolderLayout, repr=False, compare=False)
    labels_sha256: str = ""
    foreign_labels: bool = False


def gather(
    inputs: Iterable[str | os.PathLike[str] | Source],
    limits: Limits,
    skip: Path | None = None,
    stop: Event | None = None,
    layout: str = "auto",
) -> Gathered:
    """Every picture in `inputs`: files, folders (searched through, class folders kept), ZIPs, ready-made sources.

    skip: a folder that is not searched, such as the one the output goes to. Of several folders each keeps its own name
    as the first part of the path, so that `cats dogs` gives classes as `.` would. A file that is named is always
    accounted for; files inside folders and ZIPs that are neither pictures nor labels are counted in a notice. layout:
    one of `recipe.layouts()`. All that is given is one set, so pictures and labels may come in ZIPs of their own. The
    order of `inputs` changes nothing, and nothing is raised for bad input. Once `stop` is set nothing more is read.
    """
    collector = _Collector(limits, skip.resolve() if skip else None, stop or Event(), layout)
    collector.take_all(list(inputs))
    return collector.result()


class _Collector:
    def __init__(self, limits: Limits, skip: Path | None, stop: Event, wanted: str) -> None:
        self.limits, self.skip, self.stop, self.wanted = limits, skip, stop, wanted
        self.tree = Tree()
        self.found = 0  # pictures, also those that cannot be taken
        self.layout: Layout = FolderLayout()
        self.unpacked_bytes = 0  # of all ZIPs so far
        self.sources: dict[tuple[str, str], Source] = {}
        self.failures: list[Failure] = []
        self.seen: set[str] = set()  # absolute paths: what is given twice is done once
        self.others = self.repeated = 0
        self.unopened: list[str] = []
        self.links: list[str] = []
        self.runs: list[str] = []
        self.nothing_given = False
        self.labels_sha256 = ""
        self.foreign_labels = False

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
        tops = outermost(folders)
        for folder in tops:
            self._folder(folder, own_name(folder) if len(tops) > 1 else "")
        for path in sorted(set(archives)):
            self._archive(path)
        for path in sorted(files):
            self._file(path, path.name)
        self._read_tree()
        for item in inputs:
            if isinstance(item, Source):
                self._given(item)

    def _read_tree(self) -> None:
        """With all names known: what the set is, then every picture in turn."""
        self.layout = recognise(self.tree, self.wanted)
        self.failures += self.layout.failures
        self.others += sum(
            len(held) for path, held in self.tree.sidecars.items() if path not in self.layout.label_paths
        )
        for entry in self.tree.images:
            if entry.key not in self.layout.excluded and self._has_room(entry.path):
                try:
                    self._keep(take(entry, self.layout.images.get(entry.key, ImageInfo()), self.limits.file_bytes))
                except NotTakenError as error:
                    self._fail(entry.path, str(error))
        self.labels_sha256 = self.tree.sha256_of_labels(self.layout.label_paths, self.layout.excluded)
        self.foreign_labels = self.tree.foreign_labels(self.layout.label_paths)
        self.layout.images.clear()
        self.layout.excluded.clear()
        self.tree = Tree()

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
            elif stat.S_ISREG(mode) and is_archive(path):
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
        notices += self.layout.notices
        ordered = [self.sources[key] for key in sorted(self.sources)]
        has_splits = any(source.split for source in ordered)
        varied = tuple(s for s in ordered if not has_splits or s.split == "train")
        holdout = tuple(s for s in ordered if has_splits and s.split != "train")
        failures = sorted(self.failures, key=lambda failure: (failure.file, failure.reason))
        told = tuple(failures), tuple(notices)
        return Gathered(varied, *told, holdout, self.layout, self.labels_sha256, self.foreign_labels)

    def _fail(self, name: str, reason: str) -> None:
        self.failures.append(Failure(printable(name), reason))

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
        before = self.found + len(self.failures)
        for place, folders, files in os.walk(folder, onerror=self._closed_folder):
            here = Path(place)
            if MANIFEST in files and is_run(here):
                if here != folder:  # else it was named, so its pictures are meant
                    self.runs.append(printable(here.name))
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
                relative = path.relative_to(folder).as_posix().replace("\\", "_")
                relative = f"{prefix}/{relative}" if prefix else relative
                if may_be_picture(name, partial(head, path)):
                    self._file(path, relative)
                elif name.lower().endswith(".zip"):
                    self.unopened.append(printable(name))
                else:
                    self._side(name, relative, file=path)
        if self.found + len(self.failures) == before and not self.stop.is_set():
            self._fail(folder.name or str(folder), "there is no picture in this folder")

    def _side(self, name: str, relative: str, **where: Any) -> None:
        """A file that is no picture: kept in mind where it may hold labels."""
        safe = safe_path(relative)
        if safe is None or not is_label_file(name):
            self.others += 1
        else:
            origin = where.pop("origin", "")
            self.tree.add_sidecar(Entry(safe, origin, **where))

    def _closed_folder(self, error: OSError) -> None:
        self._fail(Path(error.filename or "?").name, why_unreadable(error))

    def _file(self, path: Path, relative: str) -> None:
        self.found += 1
        if str(path) in self.seen:
            self.repeated += 1
            return
        self.seen.add(str(path))
        safe = self._safe(relative)
        if safe is not None:
            self.tree.images.append(Entry(safe, "", file=path))

    def _archive(self, path: Path) -> None:
        before = self.found + len(self.failures)
        try:
            archive = open_archive(path)  # stays open as long as a source of it lives
        except ArchiveError as error:
            self._fail(path.name, str(error))
            return
        found = [
            (name, place, member, kind)
            for place, (name, member, is_folder) in enumerate(members(archive))
            if not is_folder and (kind := self._kind(name, member)) is not None
        ]
        total = sum(member.file_size for _, _, member, _ in found)
        if total > self.limits.zip_bytes:
            size, limit = size_words(total), size_words(self.limits.zip_bytes)
            self._fail(path.name, f"would unpack to {size}; the limit is {limit}; split it")
            return
        self.unpacked_bytes += total
        if self.limits.files is not None and self.unpacked_bytes > self.limits.zip_bytes:
            limit = size_words(self.limits.zip_bytes)
            self._fail(path.name, f"the ZIPs of this job would unpack to more than {limit} together; run it in several")
            return
        origin = str(path)
        for name, _, member, kind in sorted(found, key=itemgetter(0, 1)):
            if kind == "side":
                self._side(PurePosixPath(name).name, name, origin=origin, member=member)
                continue
            self.found += 1
            safe = self._safe(name, f" in {printable(path.name)}")
            if safe is not None:
                self.tree.images.append(Entry(safe, origin, member=member))
        if self.found + len(self.failures) == before and not self.stop.is_set():
            self._fail(path.name, "there is no picture in this ZIP")

    def _kind(self, name: str, member: Member) -> str | None:
        """ "picture", "side", or None where the file is of no use."""
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or _LEFT_ALONE & set(parts) or parts[-1].startswith("._"):
            return None
        if may_be_picture(parts[-1], partial(member_head, member)):
            return "picture"
        if is_label_file(parts[-1]):
            return "side"
        if name.lower().endswith(".zip"):
            self.unopened.append(printable(parts[-1]))
        else:
            self.others += 1
        return None


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
