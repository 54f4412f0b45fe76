"""The files of a dataset, images and label files, by name, before any of them is read."""

from __future__ import annotations

import codecs
import hashlib
import io
import re
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from augmentai.annotations import LabelError
from augmentai.dataset.archive import ArchiveError, Member, check_member, format_size
from augmentai.dataset.file_names import name_key
from augmentai.dataset.text_encoding import Decoded, NotTextError, decode_text
from augmentai.dataset.utf8_stream import utf8_stream, without_declaration
from augmentai.system.regular_files import open_regular

_LARGE_MARKS = (
    (re.compile(re.escape(codecs.BOM_UTF8)), "utf-8-sig"),
    (re.compile(re.escape(codecs.BOM_UTF32_LE) + b"|" + re.escape(codecs.BOM_UTF32_BE)), "utf-32"),
    (re.compile(re.escape(codecs.BOM_UTF16_LE) + b"|" + re.escape(codecs.BOM_UTF16_BE)), "utf-16"),
    (re.compile(rb"(?s)[^\0]\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"(?s)\0[^\0]\0[^\0]"), "utf-16-be"),
)
FileKey = tuple[str, str]  # relative path, and the archive it is in or ""

_CHUNK_BYTES = 1 << 20
_ENCODINGS_NAMED = 200  # files whose encoding is guessed for a notice
_LARGEST_TEXT_BYTES = 32 << 20  # of a file that is read at once: ten times the largest label file of one image


def _pieces(stream: IO[bytes], most_bytes: int) -> Iterator[bytes]:
    """The bytes of a stream up to a limit; to ask for all of it at once would take the memory of the limit itself."""
    while most_bytes > 0 and (piece := stream.read(min(most_bytes, _CHUNK_BYTES))):
        most_bytes -= len(piece)
        yield piece


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a dataset. Either `file` or `member` says where its bytes are.

    Attributes:
        path: relative, with forward slashes, safe to join to a folder.
        origin: the ZIP it is in, or "".
        file: the file on this machine.
        member: the file in an open ZIP.
        original: the path as it was before it was made safe; "" if it was safe.

    Example:
        >>> Entry("cats/a.jpg", "", file=Path("/data/cats/a.jpg")).stem
        'cats/a'
    """

    path: str
    origin: str
    file: Path | None = None
    member: Member | None = None
    original: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What layouts and labels refer to it by: (path, origin)."""
        return self.path, self.origin

    @property
    def stem(self) -> str:
        """The path without its ending."""
        stem, _, ending = self.path.rpartition(".")
        return stem if ending and stem and "/" not in ending and not stem.endswith("/") else self.path

    @property
    def name_stem(self) -> str:
        """Its name without its ending."""
        return self.stem.rpartition("/")[2]

    @property
    def size_bytes(self) -> int | None:
        """Its size, None if it is unknown."""
        if self.member is not None:
            return self.member.file_size
        try:
            return self.file.stat().st_size if self.file is not None else None
        except OSError:
            return None

    def open(self) -> IO[bytes]:
        """Its bytes as a stream. Raises LabelError."""
        try:
            if self.file is not None:
                return open_regular(self.file)
            assert self.member is not None
            check_member(self.member, self.member.file_size)
            return self.member.open()
        except ArchiveError as error:
            raise LabelError(f"{self.path}: {error}") from error
        except Exception as error:  # OSError, BadZipFile, zlib.error, ...
            why = getattr(error, "strerror", None) or error
            raise LabelError(f"{self.path} cannot be read ({why}); check the file") from error

    def read(self, limit_bytes: int = _LARGEST_TEXT_BYTES) -> bytes:
        """All its bytes. Raises LabelError, also if there are more than `limit_bytes`."""
        with self.open() as stream:
            try:
                data = b"".join(_pieces(stream, limit_bytes + 1))
            except MemoryError as error:
                raise LabelError(f"{self.path} is too large for the memory that is left; split it up") from error
            except Exception as error:  # zlib.error, BadZipFile (a wrong checksum), EOFError, OSError
                raise LabelError(f"{self.path} is corrupt ({error}); copy it again") from error
        if len(data) > limit_bytes:
            raise LabelError(f"{self.path} is larger than {format_size(limit_bytes)}, the limit of a label file")
        return data

    def text(self, limit_bytes: int = _LARGEST_TEXT_BYTES) -> str:
        """Its text, in whatever encoding it is, without a byte order mark; see `decode_text`. Raises LabelError."""
        return self.decoded(limit_bytes).text

    def decoded(self, limit_bytes: int = _LARGEST_TEXT_BYTES) -> Decoded:
        """Its text, and its encoding if that was guessed. Raises LabelError."""
        try:
            return decode_text(self.read(limit_bytes))
        except NotTextError as error:
            raise LabelError(f"{self.path} {error}") from error

    def utf8(self, limit_bytes: int = _LARGEST_TEXT_BYTES) -> bytes:
        """Its text as UTF-8 without a byte order mark, for parsers of bytes. Raises LabelError.

        The encoding that an XML declaration states is removed: it would no longer be true.
        """
        return without_declaration(self.text(limit_bytes)).encode("utf-8", "surrogatepass")

    def open_utf8(self) -> IO[bytes]:
        """Its text as a stream of UTF-8 without a byte order mark. Raises LabelError.

        A file too large to be read at once is taken to be UTF-8, unless it begins as UTF-16 or UTF-32 does.
        """
        size = self.size_bytes
        if size is not None and size <= _LARGEST_TEXT_BYTES:
            return io.BytesIO(self.utf8())
        with self.open() as stream:
            head = stream.read(4)
        for mark, encoding in _LARGE_MARKS:
            if mark.match(head):
                return utf8_stream(self.open(), encoding)
        return self.open()


@dataclass
class Tree:
    """Every file of a dataset, before any is hashed or decoded.

    Attributes:
        images: files that are images by name or by their first bytes.
        sidecars: files that may be label files, by path; several ZIPs may contain the same path.
        not_utf8: label files in another encoding, once `sha256_of_labels` was called.

    Example:
        >>> tree = Tree(images=[Entry("cats/a.jpg", "")])
        >>> tree.add_sidecar(Entry("cats/a.xml", ""))
        >>> [entry.path for entry in tree.sidecars_ending(".xml")], sorted(tree.folders())
        (['cats/a.xml'], ['', 'cats'])
    """

    images: list[Entry] = field(default_factory=list)
    sidecars: dict[str, list[Entry]] = field(default_factory=dict)
    not_utf8: list[Entry] = field(default_factory=list, repr=False)
    _unlike_key: dict[str, str] = field(default_factory=dict, repr=False, compare=False)  # name_key -> path, if another

    def add_sidecar(self, entry: Entry) -> None:
        """Add a file that may be a label file."""
        self.sidecars.setdefault(entry.path, []).append(entry)
        if (key := name_key(entry.path)) != entry.path:
            self._unlike_key[key] = entry.path

    def remove_sidecar(self, entry: Entry) -> None:
        """Take a file out that turned out to be none of labels."""
        left = [one for one in self.sidecars.get(entry.path, ()) if one is not entry]
        if left:
            self.sidecars[entry.path] = left
        else:
            self.sidecars.pop(entry.path, None)

    def sidecar(self, path: str, origin: str = "") -> Entry | None:
        """The label file of this path, in either Unicode form; of several, that in the ZIP `origin`."""
        key = name_key(path)
        found = (
            self.sidecars.get(path) or self.sidecars.get(key) or self.sidecars.get(self._unlike_key.get(key, ""), [])
        )
        return next((entry for entry in found if entry.origin == origin), found[0] if found else None)

    def sidecars_ending(self, *endings: str) -> Iterator[Entry]:
        """The label files whose path, in lower case, has one of these endings; sorted by path."""
        for path in sorted(self.sidecars):
            if path.lower().endswith(endings):
                yield from self.sidecars[path]

    def sha256_of_labels(self, used: Container[str], masks: Container[tuple[str, str]]) -> str:
        """A hash of the paths and bytes of all label files, by which a resumed run notices changed labels.

        A file that cannot be read is hashed as empty; the error is reported when it is parsed.

        Args:
            used: the paths of the label files that were understood.
            masks: the keys of images that are labels.

        Returns:
            A SHA-256; "" if there are no labels.
        """
        texts = [entry for path, sidecars in self.sidecars.items() if path in used for entry in sidecars]
        images = [entry for entry in self.images if entry.key in masks]
        digest = hashlib.sha256()
        for entry in sorted([*texts, *images], key=lambda entry: entry.path):
            try:
                content, is_utf8 = _hash(entry)
                if not is_utf8 and entry.path in self.sidecars:
                    self.not_utf8.append(entry)
            except Exception:
                content = ""
            digest.update(f"{entry.path}\0{content}\n".encode("utf-8", "backslashreplace"))
        return digest.hexdigest() if texts or images else ""

    def encoding_notices(self) -> list[str]:
        """Which encodings had to be guessed, of the files that `sha256_of_labels` found not to be UTF-8."""
        files: dict[str, list[str]] = {}
        for entry in self.not_utf8[:_ENCODINGS_NAMED]:
            with suppress(LabelError):  # reported when the file is parsed
                if guessed := entry.decoded().guessed:
                    files.setdefault(guessed, []).append(entry.path)
        more = len(self.not_utf8) > _ENCODINGS_NAMED
        return [
            f"{_few(paths, more)} not UTF-8; read as {title}: save as UTF-8 if the class names are wrong"
            for title, paths in sorted(files.items())
        ]

    def folders(self) -> set[str]:
        """Every folder that contains an image, at any depth; "" is the dataset itself."""
        found = {""}
        for entry in self.images:
            folder = parent(entry.path)
            while folder not in found:
                found.add(folder)
                folder = parent(folder)
        return found


def _few(paths: list[str], more: bool) -> str:
    """The first names of a list, with the verb."""
    rest = " and more" if more else f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{', '.join(paths[:3])}{rest} {'is' if len(paths) == 1 and not more else 'are'}"


def _hash(entry: Entry) -> tuple[str, bool]:
    """The SHA-256 of a file, and whether its text is UTF-8."""
    digest, decoder, is_utf8 = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), True
    with entry.open() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            if is_utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
    return digest.hexdigest(), is_utf8


def parent(path: str) -> str:
    """The folder of a path, "" if it has none.

    Example:
        >>> parent("train/cats/a.jpg"), parent("a.jpg")
        ('train/cats', '')
    """
    return path.rpartition("/")[0]


def folders_above(path: str) -> Iterator[str]:
    """The folders that a file is in, the innermost first; "" is the last.

    Example:
        >>> list(folders_above("train/cats/a.jpg"))
        ['train/cats', 'train', '']
    """
    while path:
        path = parent(path)
        yield path


def joined(*parts: str) -> str:
    """Join parts of a path: "." and empty parts are removed, and ".." removes the part before it, if there is one.

    Example:
        >>> joined("labels/train", "../images/./a.jpg"), joined("..", "a.jpg")
        ('labels/images/a.jpg', 'a.jpg')
    """
    kept: list[str] = []
    for part in "/".join(parts).replace("\\", "/").split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part)
    return "/".join(kept)
