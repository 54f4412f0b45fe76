"""The files of a set as they were given, pictures and label files, before anything of them is read."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from augmentai.annotations import LabelError
from augmentai.dataset.archive import ArchiveError, Member, check_member, format_size
from augmentai.dataset.content import sha256_of

_LISTS = frozenset({".csv", ".json", ".jsonl", ".xml"})
_ABOUT_THE_SET = ("readme", "licen", "attribution", "credits", "dataset_info", "dataset-metadata", "classes")
_LARGEST_TEXT_BYTES = 32 << 20  # of a file that is read whole: ten times the largest label file of one picture


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a set.

    path: relative, with forward slashes, safe to join to a folder. origin: the ZIP it lies in, or "". One of `file` and
    `member` says where its bytes are.
    """

    path: str
    origin: str
    file: Path | None = None
    member: Member | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.path, self.origin

    @property
    def stem(self) -> str:
        """The path without its ending."""
        return self.path.removesuffix(PurePosixPath(self.path).suffix)

    @property
    def size_bytes(self) -> int | None:
        """None where it cannot be told."""
        if self.member is not None:
            return self.member.file_size
        try:
            return self.file.stat().st_size if self.file is not None else None
        except OSError:
            return None

    def open(self) -> IO[bytes]:
        """Its bytes, as a stream. Raises LabelError."""
        try:
            if self.file is not None:
                return self.file.open("rb")
            assert self.member is not None
            check_member(self.member, self.member.file_size)
            return self.member.open()
        except ArchiveError as error:
            raise LabelError(f"{self.path}: {error}") from error
        except Exception as error:  # OSError, BadZipFile, zlib.error, ...
            raise LabelError(f"{self.path} cannot be read ({error}); check the file") from error

    def read(self, limit_bytes: int = _LARGEST_TEXT_BYTES) -> bytes:
        """All its bytes. Raises LabelError, also where there are more than `limit_bytes`."""
        with self.open() as stream:
            try:
                data = stream.read(limit_bytes + 1)
            except Exception as error:  # zlib.error, BadZipFile (a wrong check sum), EOFError, OSError
                raise LabelError(f"{self.path} is damaged ({error}); copy it again") from error
        if len(data) > limit_bytes:
            raise LabelError(f"{self.path} is larger than {format_size(limit_bytes)}, the limit of a label file")
        return data

    def text(self, limit_bytes: int = _LARGEST_TEXT_BYTES) -> str:
        """Its text. UTF-8, with or without its mark; what is not is read as Latin-1, which never fails."""
        data = self.read(limit_bytes)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")


@dataclass
class Tree:
    """Every file that was given, before any is hashed or decoded."""

    images: list[Entry] = field(default_factory=list)
    sidecars: dict[str, list[Entry]] = field(default_factory=dict)

    def add_sidecar(self, entry: Entry) -> None:
        self.sidecars.setdefault(entry.path, []).append(entry)

    def sidecar(self, path: str, origin: str = "") -> Entry | None:
        """The label file of this path: that of the same ZIP, where several hold one."""
        found = self.sidecars.get(path, [])
        return next((entry for entry in found if entry.origin == origin), found[0] if found else None)

    def foreign_labels(self, used: Container[str]) -> bool:
        """Whether files that were not understood may say where something lies in the pictures.

        Such are one beside a picture that shares its name, and any CSV, JSON or XML file but those about the set as a
        whole. used: paths of those that were understood.
        """
        names = (PurePosixPath(path) for path in self.sidecars if path not in used)
        foreign = [name for name in names if not name.stem.lower().startswith(_ABOUT_THE_SET)]
        if any(name.suffix.lower() in _LISTS for name in foreign):
            return True
        stems = {name.with_suffix("").as_posix() for name in foreign}
        return bool(stems) and any(entry.stem in stems for entry in self.images)

    def sidecars_ending(self, *endings: str) -> Iterator[Entry]:
        """Label files whose lower-cased path ends so, sorted."""
        for path in sorted(self.sidecars):
            if path.lower().endswith(endings):
                yield from self.sidecars[path]

    def sha256_of_labels(self, used: Container[str], masks: Container[tuple[str, str]]) -> str:
        """Of the paths and bytes of label files, "" where there are none. used: their paths; masks: those of pictures.

        What cannot be read counts as nothing: it is told where it is read for what it says.
        """
        entries = [entry for path, held in self.sidecars.items() if path in used for entry in held]
        entries += [entry for entry in self.images if entry.key in masks]
        digest = hashlib.sha256()
        for entry in sorted(entries, key=lambda entry: entry.path):
            try:
                with entry.open() as stream:
                    told = sha256_of(stream)
            except Exception:
                told = ""
            digest.update(f"{entry.path}\0{told}\n".encode("utf-8", "backslashreplace"))
        return digest.hexdigest() if entries else ""

    def folders(self) -> set[str]:
        """Every folder that holds a picture, at any depth; "" is the set itself."""
        found = {""}
        for entry in self.images:
            folder = parent(entry.path)
            while folder not in found:
                found.add(folder)
                folder = parent(folder)
        return found


def parent(path: str) -> str:
    """The folder of a path, "" where it has none."""
    return path.rpartition("/")[0]


def joined(*parts: str) -> str:
    """Parts of a path put together and tidied: "." and empty parts go, ".." takes one back where there is one."""
    kept: list[str] = []
    for part in "/".join(parts).replace("\\", "/").split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part)
    return "/".join(kept)
