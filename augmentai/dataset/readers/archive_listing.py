"""Lists the files of a ZIP or TAR, and of the archives inside it. None is extracted under a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from augmentai.dataset.archive import (
    ArchiveError,
    Contents,
    Member,
    TooManyFilesError,
    check_member,
    contents,
    format_size,
    open_archive,
)
from augmentai.dataset.bounds import DEEPEST_PATH
from augmentai.dataset.content import read_head, read_member_head
from augmentai.dataset.file_names import LONGEST_PATH_BYTES, printable
from augmentai.dataset.file_tree import parent
from augmentai.dataset.readers.file_kinds import ARCHIVE_SUFFIXES, is_tar, kind_of
from augmentai.dataset.readers.limits import Limits
from augmentai.dataset.readers.listing import Listing, is_ignored_file, is_ignored_folder
from augmentai.dataset.readers.webdataset import SUFFIX as CLASS_SUFFIX
from augmentai.dataset.readers.webdataset import class_files
from augmentai.dataset.tar_archive import TarMember, open_tar, spool
from augmentai.images.file_types import HEAD_BYTES

MOST_INNER = 64  # archives in one archive; each is an open file
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Found:
    """A usable file. number: its position, since two may have the same name."""

    name: str
    number: int
    member: Member
    kind: str


def list_archives(archives: Sequence[tuple[Path, str]], listing: Listing, limits: Limits, beside_images: bool) -> None:
    """Add the files of the archives in a folder to a listing, or report that these are not opened.

    Args:
        archives: (absolute path, path in the dataset) of each.
        listing: where the files are added.
        limits: see `list_archive`.
        beside_images: the folder has images outside of archives.
    """
    for count, (path, place) in enumerate(archives):
        if beside_images or count >= MOST_INNER:
            listing.report.closed_archives.add(path.name)
        elif not listing.is_repeated(path):
            list_archive(path, listing, limits, place)


def list_archive(path: Path, listing: Listing, limits: Limits, place: str = "", stream: BinaryIO | None = None) -> None:
    """Add every image and label file of an archive to a listing. It stays open as long as one of its members lives.

    Archives inside it are read too, each as a folder of its name; those inside these are not.

    Args:
        path: an absolute path.
        listing: where the files are added.
        limits: an archive that extracts to more is not read.
        place: its path in the dataset, if it is in a folder of it; its files are in a folder of that name then.
        stream: its bytes, if it is in a store; `path` is its name then.
    """
    before, labels = listing.progress(), len(listing.tree.sidecars)
    reader = _ArchiveReader(path, listing, limits, stream)
    try:
        found = reader.read(_folder_of(place) if place else "")
    except ArchiveError as error:
        listing.report.fail(path.name, str(error))
        return
    images, labels_in = ([one.name for one in found if one.kind == kind] for kind in ("image", "label"))
    classes = {one.name: one.member for one in found if one.kind == "class"}
    for name, member in class_files(images, classes, labels_in).items() if classes else ():
        found.append(_Found(name, len(found), member, "label"))
    for one in sorted(found, key=lambda one: (one.name, one.number)):
        if one.kind == "class":
            continue
        if one.kind == "image":
            listing.add_member(one.member, one.name, str(path), f" in {printable(path.name)}")
        else:
            listing.add_label_file(one.name, member=one.member, origin=str(path))
    if not place and listing.progress() == before and not listing.stop.is_set():
        kind = "ZIP" if path.suffix.lower() == ".zip" else "archive"
        listing.report_without_images(path.name, kind, labels)


class _ArchiveReader:
    """Reads one archive and those inside it, all within one limit."""

    def __init__(self, path: Path, listing: Listing, limits: Limits, stream: BinaryIO | None = None) -> None:
        self._stream = stream
        self._path, self._listing, self._limits = path, listing, limits
        self._bytes = 0  # what was found so far extracts to
        self._spooled = 0
        self._are_one = limits.files is not None  # all archives of the job share the limits
        self._folders = listing.archive_folders if self._are_one else set[str]()

    def read(self, prefix: str) -> list[_Found]:
        """The files, their paths with this in front. Raises ArchiveError."""
        outer = self._open(self._path.name, self._head(), self._stream)
        found, inner = self._classify(outer, prefix, self._path.name)
        for count, one in enumerate(inner):
            if count < MOST_INNER:
                found += self._read_inner(one)
            else:
                self._listing.report.closed_archives.add(one.name)
        if self._limits.files is not None:
            self._listing.extracted_bytes += self._bytes
            if self._listing.extracted_bytes > self._limits.zip_bytes:
                limit = format_size(self._limits.zip_bytes)
                raise ArchiveError(
                    f"the ZIPs of this job would extract to more than {limit} together (AUGMENTAI_MAX_ZIP_GB); "
                    "split them into several jobs"
                )
        return found

    def _head(self) -> bytes:
        if self._stream is None:
            return read_head(self._path)
        head = self._stream.read(HEAD_BYTES)
        self._stream.seek(0)
        return head

    def _open(self, name: str, head: bytes, inner: BinaryIO | None = None) -> Contents:
        most = self._limits.archive_files - (self._listing.archive_files if self._are_one else 0)
        try:
            if is_tar(name, head):
                left = self._limits.zip_bytes - self._spooled
                return open_tar(self._path, left, self._listing.stop, inner, most)
            return contents(open_archive(self._path, inner, most))
        except TooManyFilesError:
            if most < self._limits.archive_files:
                raise self._too_many("files") from None
            raise

    def _too_many(self, what: str) -> ArchiveError:
        limit = f"{self._limits.archive_files:,} {what}"
        if self._are_one:
            return ArchiveError(
                f"the archives of this job have more than {limit} together (AUGMENTAI_MAX_ARCHIVE_FILES); "
                "split them into several jobs"
            )
        return ArchiveError(f"it has more than {limit} (AUGMENTAI_MAX_ARCHIVE_FILES); split it")

    def _count(self, names: Sequence[str]) -> None:
        """Count files and their folders, whose number no directory of an archive states. Raises ArchiveError."""
        known, most = self._folders, self._limits.archive_files
        for name in names:
            path = name.replace("\\", "/")
            if len(path) > LONGEST_PATH_BYTES or path.count("/") > DEEPEST_PATH:
                continue  # it is refused
            folder = parent(path)
            while folder and folder not in known:
                known.add(folder)
                folder = parent(folder)
            if len(known) > most:
                raise self._too_many("folders")
        self._listing.archive_files += len(names)

    def _read_inner(self, one: _Found) -> list[_Found]:
        """The files of an archive inside this one. One that cannot be read spoils no other."""
        name = PurePosixPath(one.name).name
        try:
            limit = self._limits.zip_bytes
            check_member(one.member, limit)
            file = spool(_pieces(one.member), self._path, limit - self._spooled, limit, self._listing.stop)
            self._spooled += file.seek(0, 2)
            file.seek(0)
            inner = self._open(name, read_member_head(one.member), file)
            found, closed = self._classify(inner, _folder_of(one.name), name)
        except (ArchiveError, OSError) as error:
            why = error if isinstance(error, ArchiveError) else f"cannot be unpacked ({error.strerror or error})"
            self._listing.report.fail(one.name, f"{why} (in {printable(self._path.name)})")
            return []
        for below in closed:
            self._listing.report.closed_archives.add(below.name)
        return found

    def _classify(self, opened: Contents, prefix: str, archive: str) -> tuple[list[_Found], list[_Found]]:
        """The images and label files of an archive, and the archives in it. Raises ArchiveError if that is too much."""
        report = self._listing.report
        if opened.encoding:
            report.guessed_names.add(f"{archive} ({opened.encoding})")
        for name, reason in opened.refused:
            if not _tool_in(name):
                report.fail(prefix + name, reason)
        files = list(opened.files)
        self._count([prefix + name for name, _ in files])
        if _share_folder([name for name, _ in files], prefix):
            prefix = prefix[: prefix.rstrip("/").rfind("/") + 1]
        found, inner = [], []
        for number, (bare, member) in enumerate(files):
            name = prefix + bare.replace("\\", "/").lstrip("/") if prefix else bare
            kind = self._kind(name, member)
            if kind == "archive":
                inner.append(_Found(name, number, member, kind))
            elif kind:
                found.append(_Found(name, number, member, kind))
                self._bytes += member.file_size
        if self._bytes > self._limits.zip_bytes:
            sizes = format_size(self._bytes), format_size(self._limits.zip_bytes)
            raise ArchiveError(f"would extract to {sizes[0]}; the limit is {sizes[1]} (AUGMENTAI_MAX_ZIP_GB); split it")
        return found, inner

    def _kind(self, name: str, member: Member) -> str:
        """What a file in an archive is; "" if it is not used."""
        if tool := _tool_in(name):
            self._listing.skip(tool, name.partition(tool)[0])
            return ""
        last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
        if not last:
            return ""
        if last.lower().endswith(CLASS_SUFFIX) and isinstance(member, TarMember):
            return "class"
        kind, of_type = kind_of(last, partial(read_member_head, member))
        report = self._listing.report
        if kind in {"image", "label", "archive"}:
            return kind
        if kind == "other archive":
            report.unread_archives.add(last)
        elif kind == "unreadable":
            report.add_unreadable(of_type, name)
        else:
            report.other_files.add(name)
        return ""


def _tool_in(name: str) -> str:
    """The folder or file in a path that a tool left behind; "" if there is none."""
    parts = name.replace("\\", "/").split("/", DEEPEST_PATH)  # deeper paths are refused
    *folders, last = [part for part in parts if part not in {"", "."}] or [""]
    last = last.rpartition("/")[2]
    return next((one for one in folders if is_ignored_folder(one)), last if is_ignored_file(last) else "")


def _folder_of(name: str) -> str:
    """What the paths of the files in an inner archive begin with: its own path without the ending.

    Example:
        >>> _folder_of("data/train.tar.gz"), _folder_of("test.zip")
        ('data/train/', 'test/')
    """
    ending = max((one for one in ARCHIVE_SUFFIXES if name.lower().endswith(one)), key=len, default="")
    return name.replace("\\", "/").removesuffix("/")[: len(name) - len(ending)] + "/"


def _share_folder(names: list[str], prefix: str) -> bool:
    """Whether all files of an inner archive are in a folder of its own name already: train.zip holds train/a.jpg."""
    own = prefix.rstrip("/").rpartition("/")[2]
    return bool(own) and all(name.startswith(own + "/") for name in names if not _tool_in(name))


def _pieces(member: Member) -> Iterator[bytes]:
    try:
        with member.open() as stream:
            while piece := stream.read(_CHUNK_BYTES):
                yield piece
    except OSError:
        raise
    except Exception as error:  # BadZipFile, zlib.error, EOFError, ...
        raise ArchiveError(f"corrupt ({error}); create the archive again") from error
