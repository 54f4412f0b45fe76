"""The rows of a plan: one per image, as Parquet. A row group is a shard, so a worker reads its own rows alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from augmentai.dataset.content import FileReader
from augmentai.dataset.readers.stored_member import StoredMember, StoredReader
from augmentai.storage import Store, StoredFile, is_url, open_store
from augmentai.types import Source

if TYPE_CHECKING:
    import pyarrow as pa


_GROUPS_IN_MEMORY = 32
_SURROGATE, _ESCAPED = re.compile("[\ud800-\udfff]"), re.compile("\0([0-9a-f]{4})")


class PlannedImage(NamedTuple):
    """An image of the set, and what a run makes of it.

    Attributes:
        path, sha256, size_bytes, label, split: see `Source`.
        variations: how many it gets; 0 for those of the validation and test splits.
        stem: what the names of its variations begin with.
        file: the path or URL of the file; "" if it is in an archive.
        holdout_hash: of an image for validation or tests, by which others are compared with it; None if there is none.
        labels: where its labels are, see `packed_labels.LabelPacker`; None if it has none, or workers list the set.
    """

    path: str
    sha256: str
    size_bytes: int
    label: str | None
    split: str | None
    variations: int = 0
    stem: str = ""
    file: str = ""
    holdout_hash: int | None = None
    labels: str | None = None

    def to_source(self) -> Source:
        """The image as a source that reads its file; without its labels."""
        read: Callable[[], bytes] = FileReader(Path(self.file), self.size_bytes, self.sha256)
        if is_url(self.file):
            store, path = bucket_of(self.file)
            read = StoredReader(StoredMember(store, StoredFile(path, self.size_bytes)), self.sha256)
        return Source(self.path, self.label, self.sha256, self.size_bytes, read, self.split)


def bucket_of(url: str) -> tuple[Store, str]:
    """The store of a file's bucket and its path there: a name may have what chains stores or ends a URL.

    Example:
        >>> store, path = bucket_of("memory://set/cats/a::b.jpg")
        >>> store.url, path
        ('memory://set', 'cats/a::b.jpg')
    """
    scheme, _, rest = url.partition("://")
    bucket, _, path = rest.partition("/")
    return open_store(f"{scheme}://{bucket}"), path


def planned_image(
    source: Source, variations: int = 0, stem: str = "", holdout_hash: int | None = None, labels: str | None = None
) -> PlannedImage:
    """The row of a source."""
    file = str(getattr(source.read, "url", "") or source.file or "")
    known = source.path, source.sha256, source.size_bytes, source.label, source.split
    return PlannedImage(*known, variations, stem, file, holdout_hash, labels)


class Rows:
    """A Parquet file of rows. Its footer alone is read at once.

    Args:
        store: the plan's folder.
        name: the file.
    """

    def __init__(self, store: Store, name: str) -> None:
        import pyarrow.parquet as pq

        self._lock = Lock()  # several threads borrow at the same time
        self._opened = store.open(name)
        self._file = pq.ParquetFile(self._opened.__enter__())
        self.groups = self._file.metadata.num_row_groups
        sizes = [self._file.metadata.row_group(number).num_rows for number in range(self.groups)]
        self._group_rows = max(sizes, default=1)
        self._read: OrderedDict[int, list[PlannedImage]] = OrderedDict()

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def group(self, number: int) -> list[PlannedImage]:
        """The rows of one row group; some that were read last stay in memory."""
        with self._lock:
            rows = self._read.pop(number, None)
            if rows is None:
                found = self._file.read_row_group(number).to_pylist()
                rows = [PlannedImage(**{name: from_utf8(value) for name, value in row.items()}) for row in found]
            self._read[number] = rows
            if len(self._read) > _GROUPS_IN_MEMORY:
                self._read.popitem(last=False)
        return rows

    def at(self, position: int) -> PlannedImage:
        """One row, of a file whose groups are of one size."""
        return self.group(position // self._group_rows)[position % self._group_rows]

    def column(self, name: str) -> Any:
        """A whole column, as Arrow has it."""
        return self._file.read([name]).column(name).combine_chunks()

    def __iter__(self) -> Iterator[PlannedImage]:
        for number in range(self.groups):
            yield from self.group(number)

    def close(self) -> None:
        """Close the file."""
        self._opened.__exit__(None, None, None)


def write_rows(path: Path, groups: Iterable[Sequence[PlannedImage]]) -> None:
    """Write a file of rows, one row group after the other.

    Args:
        path: the new file.
        groups: the rows of each row group.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in groups:
            values = [{name: to_utf8(value) for name, value in row._asdict().items()} for row in rows]
            writer.write_table(pa.Table.from_pylist(values, schema), max(1, len(rows)))


def in_groups(rows: Iterable[PlannedImage], size: int) -> Iterator[list[PlannedImage]]:
    """Rows in lists of one size, the last one shorter.

    Example:
        >>> [len(group) for group in in_groups([PlannedImage("a", "", 0, None, None)] * 5, 2)]
        [2, 2, 1]
    """
    items = iter(rows)
    while group := list(islice(items, size)):
        yield group


def digest_of(rows: Iterable[PlannedImage]) -> str:
    """The SHA-256 of rows, whatever their file looks like. Where their files are does not count: a set may be moved."""
    digest = hashlib.sha256()
    for row in rows:
        known = None
        if row.labels is not None:
            labels = json.loads(row.labels)
            known = [labels["shared"], [file[:2] for file in labels["files"]]]
            known += [labels["own"]] if "own" in labels else []
        digest.update(json.dumps([*row[:7], row.holdout_hash, known]).encode() + b"\n")
    return digest.hexdigest()


def to_utf8(value: Any) -> Any:
    """A name as Parquet holds it. One that is not UTF-8 on disk has lone surrogates, which Parquet does not: each
    becomes its number behind a zero byte, which no name contains.

    Example:
        >>> from_utf8(to_utf8("caf\\udce9.jpg")) == "caf\\udce9.jpg"
        True
    """
    if not isinstance(value, str) or value.isascii():
        return value
    return _SURROGATE.sub(lambda found: f"\0{ord(found[0]):04x}", value)


def from_utf8(value: Any) -> Any:
    """The reverse."""
    if not isinstance(value, str) or "\0" not in value:
        return value
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)


def _schema() -> pa.Schema:
    import pyarrow as pa

    text, optional = pa.field, lambda name: pa.field(name, pa.string(), nullable=True)
    return pa.schema(
        [
            text("path", pa.string()),
            text("sha256", pa.string()),
            text("size_bytes", pa.int64()),
            optional("label"),
            optional("split"),
            text("variations", pa.int32()),
            text("stem", pa.string()),
            text("file", pa.string()),
            pa.field("holdout_hash", pa.uint64(), nullable=True),
            optional("labels"),
        ]
    )
