"""Files, folders and ZIPs to sources. Reads every byte once to hash it, decodes nothing, unpacks nothing to disk."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from augmentai.dataset.names import safe_path
from augmentai.recipe import Failure, Source

PICTURE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .apng .webp .gif .bmp .dib .tif .tiff .heic .heif .hif .avif .jp2 .j2k .ppm .pgm .tga .svg .svgz .mpo".split()
)
_CHUNK_BYTES = 1 << 20
_LEFT_ALONE = {"__MACOSX", ".git", ".DS_Store", "Thumbs.db", "desktop.ini"}


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


def gather(inputs: Iterable[str | os.PathLike[str] | Source], limits: Limits, skip: Path | None = None) -> Gathered:
    """Every picture in `inputs`: files, folders (searched through, class folders kept), ZIPs, ready-made sources.

    skip: a folder that is not searched, such as the one the output goes to. A file that is named is always accounted
    for; files inside folders and ZIPs that are no pictures are counted in a notice. Nothing is raised for bad input.
    """
    collector = _Collector(limits, skip.resolve() if skip else None)
    for item in inputs:
        collector.take(item)
    return collector.result()


class _Collector:
    def __init__(self, limits: Limits, skip: Path | None) -> None:
        self.limits, self.skip = limits, skip
        self.sources: dict[tuple[str, str], Source] = {}
        self.failures: list[Failure] = []
        self.others = self.repeated = 0

    def take(self, item: str | os.PathLike[str] | Source) -> None:
        if isinstance(item, Source):
            self._keep(item)
            return
        path = Path(item)
        if path.is_dir():
            self._folder(path)
        elif not path.exists():
            self._fail(path.name or str(path), "there is no such file or folder")
        elif path.suffix.lower() == ".zip" or (path.suffix.lower() not in PICTURE_SUFFIXES and _is_zip(path)):
            self._archive(path)
        else:
            self._file(path, path.name)

    def result(self) -> Gathered:
        notices = []
        if self.others:
            notices.append(f"{self.others} file(s) that are no pictures were left alone")
        if self.repeated:
            notices.append(f"{self.repeated} file(s) were given more than once and done once")
        ordered = tuple(self.sources[key] for key in sorted(self.sources))
        return Gathered(ordered, tuple(self.failures), tuple(notices))

    def _fail(self, name: str, reason: str) -> None:
        self.failures.append(Failure(name, reason))

    def _full(self) -> bool:
        return self.limits.files is not None and len(self.sources) + len(self.failures) >= self.limits.files

    def _keep(self, source: Source) -> None:
        key = (source.path, source.sha256)
        if key in self.sources:
            self.repeated += 1
        elif self._full():
            self._fail(source.path, f"beyond the limit of {self.limits.files} files a job; run it in several jobs")
        else:
            self.sources[key] = source

    def _folder(self, folder: Path) -> None:
        for place, folders, files in os.walk(folder):
            here = Path(place)
            folders[:] = sorted(
                f for f in folders if f not in _LEFT_ALONE and (self.skip is None or (here / f).resolve() != self.skip)
            )
            for name in sorted(files):
                path = here / name
                if path.suffix.lower() in PICTURE_SUFFIXES and not name.startswith("._"):
                    self._file(path, path.relative_to(folder).as_posix())
                elif name not in _LEFT_ALONE:
                    self.others += 1

    def _file(self, path: Path, relative: str) -> None:
        safe = safe_path(relative)
        if safe is None:
            self._fail(relative, "the name leads out of its folder; rename the file")
            return
        try:
            size = path.stat().st_size
            if size > self.limits.file_bytes:
                self._fail(safe, _too_large(size, self.limits.file_bytes))
                return
            with path.open("rb") as stream:
                digest = _hash(stream)
        except OSError as error:
            self._fail(safe, f"cannot be read ({error.strerror or error}); check the file and its permissions")
            return
        self._keep(Source(safe, _label(safe), digest, size, path.read_bytes))

    def _archive(self, path: Path) -> None:
        try:
            archive = zipfile.ZipFile(path)  # noqa: SIM115 (stays open as long as a source of it lives)
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            total = sum(entry.file_size for entry in entries)
            if total > self.limits.zip_bytes:
                self._fail(path.name, f"would unpack to {_size(total)}; the limit is {_size(self.limits.zip_bytes)}; split it")
                return
            for entry in entries:
                self._member(path, archive, entry)
        except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
            self._fail(path.name, f"not a ZIP that can be read ({error}); make it again")

    def _member(self, path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        if _LEFT_ALONE & set(parts) or not parts or parts[-1].startswith("._"):
            return
        if PurePosixPath(entry.filename).suffix.lower() not in PICTURE_SUFFIXES:
            self.others += 1
            return
        safe = safe_path(entry.filename)
        if safe is None:
            self._fail(entry.filename, f"its name in {path.name} leads out of the folder; it was not touched")
            return
        if entry.flag_bits & 0x1:
            self._fail(safe, f"{path.name} is locked with a password; unlock it first")
            return
        if entry.file_size > self.limits.file_bytes:
            self._fail(safe, _too_large(entry.file_size, self.limits.file_bytes))
            return
        try:
            with archive.open(entry) as stream:
                digest = _hash(stream)
        except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError, RuntimeError, ValueError, zlib.error) as error:
            self._fail(safe, f"damaged inside {path.name} ({error}); make the ZIP again")
            return
        self._keep(Source(safe, _label(safe), digest, entry.file_size, partial(archive.read, entry)))


def _label(path: str) -> str | None:
    """The class of a picture in a class folder is that folder's name; a loose picture has none."""
    parts = PurePosixPath(path).parts
    return parts[-2] if len(parts) > 1 else None


def _is_zip(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except OSError:
        return False


def _hash(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(stream.read):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while chunk := read(_CHUNK_BYTES):
        yield chunk


def _too_large(found_bytes: int, limit_bytes: int) -> str:
    return f"{_size(found_bytes)} is more than the limit of {_size(limit_bytes)} a file; make it smaller"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
