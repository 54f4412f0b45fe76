"""Reads Parquet files that hold images, as the Hugging Face Hub has them: a row is an image, its labels are columns.

A row group can only be read from its beginning, and images are read in any order and more than once. So the bytes of
the images are written to a temporary file without a name; the other columns become the `metadata.jsonl` of an
ImageFolder.
"""

from __future__ import annotations

import io
import json
import math
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO, cast

from augmentai.dataset.archive import ArchiveError, format_size
from augmentai.dataset.bounds import MOST_COLUMNS
from augmentai.dataset.file_names import safe_path
from augmentai.dataset.formats.split_words import split_named
from augmentai.dataset.readers.limits import Limits
from augmentai.dataset.readers.listing import Listing
from augmentai.dataset.readers.table import Table
from augmentai.dataset.tar_archive import SharedFile, TarMember
from augmentai.images.file_types import HEAD_BYTES, detect_type
from augmentai.system.extras import missing

METADATA = "metadata.jsonl"
_ROWS = 64  # at a time
_IMAGE_COLUMNS = ("image", "img", "jpg", "png", "picture", "image_bytes", "bytes")
_LABEL_COLUMNS = ("label", "labels", "class", "fine_label")
_ENDINGS = {"JPEG": ".jpg", "WEBP": ".webp", "TIFF": ".tif", "GIF": ".gif", "BMP": ".bmp", "AVIF": ".avif"}
_SHARD = re.compile(r"[-_.]?\d{3,}(-of-\d+)?$")  # train-00000-of-00004


@dataclass
class _Folder:
    """What the tables of one folder have given so far."""

    names: dict[str, int] = field(default_factory=dict)
    rows: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    count: int = 0


def list_tables(tables: list[Table], listing: Listing, limits: Limits) -> None:
    """Add the images of Parquet files to a listing, and a metadata.jsonl for each of their folders.

    Args:
        tables: the files.
        listing: where images are added; also, why a file cannot be read.
        limits: the files together may extract to no more than a ZIP.
    """
    if not tables:
        return
    reader, reason = _TableReader(listing, limits), missing("parquet")
    for table in sorted(tables, key=lambda one: one.place):
        why = f"Parquet cannot be read: {reason}" if reason else reader.why_unread(table)
        if why and reader.has_other_images:
            continue  # it stays a file of labels, which is reported as any that nothing reads
        if table.entry is not None:
            listing.tree.remove_sidecar(table.entry)
        if why:
            listing.report.fail(table.place, why)
    reader.finish()


class _TableReader:
    def __init__(self, listing: Listing, limits: Limits) -> None:
        self._listing, self._limits = listing, limits
        self.has_other_images = bool(listing.tree.images)
        self._folders: dict[str, _Folder] = {}
        self._bytes = 0

    def why_unread(self, table: Table) -> str:
        """Add the images of one file. Returns why it cannot be read, "" if all is well."""
        try:
            self._read(table)
        except ArchiveError as error:
            return str(error)
        except OSError as error:
            return f"cannot be read ({error.strerror or error}); check the file and the disk"
        except Exception as error:  # pyarrow has kinds of its own
            return f"not a valid Parquet file ({error}); save it again"
        return ""

    def _read(self, table: Table) -> None:
        with table.open() as stream:
            file = import_module("pyarrow.parquet").ParquetFile(stream)
            self._check(file.metadata)
            columns = _Columns.of(file.schema_arrow)
            if not columns.image:
                names = ", ".join(file.schema_arrow.names)
                raise ArchiveError(
                    f"has no column of images; its columns are {names}: expected `image` with their bytes"
                )
            spooled = SharedFile(cast(BinaryIO, tempfile.TemporaryFile()), table.place)  # noqa: SIM115  # with its last reader
            folder = _folder_of(table.place)
            for batch in file.iter_batches(_ROWS):
                if self._listing.stop.is_set():
                    return
                for row in batch.to_pylist():
                    self._add(row, columns, folder, spooled)

    def _check(self, stated: Any) -> None:
        """Bound what a file says of itself before a row is read. Raises ArchiveError."""
        if stated.num_rows > (most := self._limits.archive_files):
            raise ArchiveError(
                f"has {stated.num_rows:,} rows, the limit is {most:,} (AUGMENTAI_MAX_ARCHIVE_FILES); split it"
            )
        if stated.num_columns > MOST_COLUMNS:
            raise ArchiveError(f"has {stated.num_columns:,} columns; at most {MOST_COLUMNS:,} are read; remove some")

    def _add(self, row: dict[str, Any], columns: _Columns, folder: str, spooled: SharedFile) -> None:
        target = self._folders.setdefault(folder, _Folder())
        target.count += 1
        data, path = _image_in(row.pop(columns.image))
        if data is None:
            self._listing.report.fail(f"{folder}row {target.count}", "the row holds no bytes of an image; skipped")
            return
        name = _unused(_name_of(path, data, target.count), target.names)
        self._spool(data, folder + name, spooled)
        described = {"file_name": name, **columns.described(row)}
        for column in columns.other_images:
            other, _ = _image_in(row.get(column))
            if other is not None:
                described[column] = f"{column}/{PurePosixPath(name).stem}{_ending(other)}"
                self._spool(other, folder + described[column], spooled)
        line = json.dumps(described, ensure_ascii=False, default=str).encode() + b"\n"
        self._count(len(line))
        target.rows.write(line)

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._limits.zip_bytes:
            limit = format_size(self._limits.zip_bytes)
            raise ArchiveError(f"holds more than {limit} of images, the limit (AUGMENTAI_MAX_ZIP_GB); split it")

    def _spool(self, data: bytes, path: str, spooled: SharedFile) -> None:
        self._count(len(data))
        start = spooled.stream.seek(0, io.SEEK_END)
        spooled.stream.write(data)
        self._listing.add_member(TarMember(spooled, path, start, len(data)), path, "", "")

    def finish(self) -> None:
        """Add the metadata."""
        for name, folder in self._folders.items():
            size = folder.rows.tell()
            member = TarMember(SharedFile(cast(BinaryIO, folder.rows), name), METADATA, 0, size)
            self._listing.add_label_file(name + METADATA, member=member)


@dataclass(frozen=True)
class _Columns:
    """What the columns of a table are.

    Attributes:
        image: the column of images, "" if there is none.
        other_images: further ones, such as masks.
        label: the column of classes, "" if there is none.
        class_names: {column, or "objects.category" in a column of objects: names of its numbers}.
        dropped: columns of bytes, which no metadata can hold.
    """

    image: str
    other_images: tuple[str, ...]
    label: str
    class_names: Mapping[str, list[str]]
    dropped: frozenset[str]

    @classmethod
    def of(cls, schema: Any) -> _Columns:
        """The columns of an Arrow schema, with what `datasets` has written into it."""
        types = import_module("pyarrow").types

        def is_bytes(kind: Any) -> bool:
            return bool(types.is_binary(kind) or types.is_large_binary(kind))

        structs = [
            one.name
            for one in schema
            if types.is_struct(one.type) and any(part.name == "bytes" and is_bytes(part.type) for part in one.type)
        ]
        binary = [one.name for one in schema if is_bytes(one.type)]
        ranked = sorted(structs, key=lambda name: name.lower() not in _IMAGE_COLUMNS)
        ranked += [name for name in _IMAGE_COLUMNS for one in binary if one.lower() == name for name in [one]]
        names = _class_names(schema)
        label = next((name for name in names if "." not in name), "") or next(
            (name for name in _LABEL_COLUMNS if name in schema.names), ""
        )
        image = ranked[0] if ranked else ""
        others = tuple(name for name in structs if name != image)
        return cls(image, others, label, names, frozenset({*binary, *others}))

    def described(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as JSON can hold it: classes by name, objects as lists of their fields."""
        found = {key: self._plain(value, key) for key, value in row.items() if key not in self.dropped}
        if self.label and found.get(self.label) is not None:
            found["label"] = found[self.label]
        return {key: value for key, value in found.items() if value is not None}

    def _plain(self, value: Any, key: str) -> Any:
        names = self.class_names.get(key)
        if names is not None and isinstance(value, int) and not isinstance(value, bool):
            return names[value] if 0 <= value < len(names) else None
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            value = {name: [one.get(name) for one in value] for name in value[0]}
        if isinstance(value, dict):
            return {name: self._plain(one, f"{key}.{name}") for name, one in value.items()}
        if isinstance(value, list):
            return [self._plain(one, key) for one in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value


def _class_names(schema: Any) -> dict[str, list[str]]:
    """The names of classes, by column, as `datasets` keeps them beside the schema."""
    found: dict[str, list[str]] = {}

    def look(feature: Any, key: str) -> None:
        if isinstance(feature, list) and len(feature) == 1:
            look(feature[0], key)
        elif isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
            names = feature.get("names")
            if isinstance(names, list) and all(isinstance(one, str) for one in names):
                found[key] = names
        elif isinstance(feature, dict) and "feature" in feature:
            look(feature["feature"], key)
        elif isinstance(feature, dict):
            for name, one in feature.items():
                look(one, f"{key}.{name}" if key else name)

    for text in (schema.metadata or {}).values():
        try:
            look(json.loads(text)["info"]["features"], "")
        except (KeyError, ValueError, TypeError, RecursionError):
            continue  # what another library keeps there
    return found


def _image_in(cell: Any) -> tuple[bytes | None, str]:
    """The bytes of an image and the path it had, as far as there is any."""
    if isinstance(cell, dict):
        data, path = cell.get("bytes"), cell.get("path")
        return (data if isinstance(data, bytes) and data else None), path if isinstance(path, str) else ""
    return (cell if isinstance(cell, bytes) and cell else None), ""


def _name_of(path: str, data: bytes, number: int) -> str:
    name = PurePosixPath(path.replace("\\", "/")).name
    if not name or safe_path(name) is None:
        return f"image_{number:06d}{_ending(data)}"
    return name if PurePosixPath(name).suffix else name + _ending(data)


def _ending(data: bytes) -> str:
    return _ENDINGS.get(detect_type(data[:HEAD_BYTES]) or "", ".png")


def _unused(name: str, used: dict[str, int]) -> str:
    """A name that no other image of the folder has: shards may repeat them. used: how often each name was wanted."""
    path, found = PurePosixPath(name), name
    number = used.get(name.casefold(), 0)
    while found.casefold() in used:
        number += 1
        found = f"{path.stem}_{number}{path.suffix}"
    used[name.casefold()] = max(number, 1)
    used.setdefault(found.casefold(), 1)
    return found


def _folder_of(place: str) -> str:
    """The folder of a table's images: of its split, or of its name. Shards share one.

    Example:
        >>> _folder_of("data/train-00000-of-00002.parquet"), _folder_of("cats.parquet"), _folder_of("0000.parquet")
        ('data/train/', 'cats/', '')
    """
    path = PurePosixPath(place)
    name = _SHARD.sub("", path.stem)
    own = f"{name}/" if name and (split_named(name) or not path.stem[:1].isdigit()) else ""
    above = f"{path.parent.as_posix()}/" if path.parent.name else ""
    return above + own
