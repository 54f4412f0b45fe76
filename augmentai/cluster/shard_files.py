"""The files of a shard: its variations as a WebDataset tar, a row for each of them, and last what says that both are
complete."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from augmentai.cluster.errors import ClusterError
from augmentai.cluster.plan_folder import MADE, numbered
from augmentai.cluster.sample_tar import SampleTar, member_ending, sample_key
from augmentai.dataset.manifest import files_of, manifest_line
from augmentai.storage import MissingFileError, Store
from augmentai.types import Outcome


@dataclass(frozen=True)
class ShardStats:
    """`shards/NNNNN_stats.json`: written last, so that a shard without it is not complete.

    Attributes:
        plan: the SHA-256 of the plan's `shards.json`.
        rows: the SHA-256 of the shard's rows in the plan.
        files: the SHA-256 of the tar and of the rows beside it.
        variations, failed: how many were made, and how many lines say why something was not.
        engines: how many variations each engine made.
        credits: what they cost.
        started, ended: seconds since 1970.
        worker: who made it.
        losses: what the format of the result could not hold, in words.
    """

    plan: str
    rows: str
    files: Mapping[str, str]
    variations: int
    failed: int
    engines: Mapping[str, int]
    credits: float
    started: float
    ended: float
    worker: str
    losses: Sequence[str] = field(default_factory=tuple)

    def to_json(self) -> bytes:
        """The content of the file."""
        return json.dumps(asdict(self), indent=1).encode()


def stats_name(shard: int) -> str:
    """The path of a shard's stats file in its plan's folder."""
    return f"{MADE}/{numbered(shard)}_stats.json"


def read_stats(store: Store, shard: int) -> ShardStats | None:
    """The stats of a shard; None if it is not complete, or its stats are damaged."""
    try:
        return ShardStats(**json.loads(store.read(stats_name(shard))))
    except (MissingFileError, TypeError, ValueError):
        return None


class ShardWriter:
    """Writes the tar and the rows of one shard to disk.

    Args:
        folder: an empty folder.
        shard: the number of the shard.
    """

    def __init__(self, folder: Path, shard: int) -> None:
        self.tar, self.rows = folder / f"{numbered(shard)}.tar", folder / f"{numbered(shard)}.parquet"
        self._samples = SampleTar(self.tar)
        self._rows: list[dict[str, Any]] = []

    def add(self, outcome: Outcome) -> None:
        """Add one outcome: a sample if something was made, and a row in any case."""
        line = manifest_line(outcome)
        made, members = outcome.variation, list[str]()
        if made is not None:
            files = [(made.file, made.data), *made.beside]
            key = sample_key(made.file)
            sample = {"json": _without_times(line)}
            for number, (file, data) in enumerate(files):
                ending = member_ending(file, number)
                sample[ending] = data
                members.append(f"{key}.{ending}")
            self._samples.add(key, sample)
        self._rows.append(
            {
                "source": outcome.source.path,
                "source_sha256": outcome.source.sha256,
                "index": outcome.index,
                "ok": outcome.ok,
                "file": made.file if made else None,
                "label": outcome.source.label,
                "split": outcome.source.split,
                "engine": made.engine if made else None,
                "credits": outcome.credits,
                "reason": outcome.reason,
                "members": members,
                "manifest": line.rstrip("\n"),
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._samples.close()
        if kind is None:
            self._write_rows()

    def _write_rows(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        text = pa.string()
        kinds = dict.fromkeys(("source", "source_sha256", "file", "label", "split", "engine", "reason"), text)
        kinds |= {"index": pa.int32(), "ok": pa.bool_(), "credits": pa.float64(), "members": pa.list_(text)}
        names = list(self._rows[0]) if self._rows else [*kinds, "manifest"]
        schema = pa.schema([pa.field(name, kinds.get(name, text)) for name in names])
        rows = [{name: _encodable(value) for name, value in row.items()} for row in self._rows]
        pq.write_table(pa.Table.from_pylist(rows, schema), self.rows, compression="zstd")


def _without_times(line: str) -> bytes:
    """A line of the manifest as a sample has it: the same bytes, whoever made it."""
    entry = json.loads(line)
    del entry["seconds"]
    return json.dumps(entry, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file on disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class MadeShard:
    """A complete shard, fetched.

    Args:
        tar, rows: its files on this disk.
    """

    tar: Path
    rows: Path

    def entries(self) -> Iterator[tuple[dict[str, Any], list[tuple[str, bytes]]]]:
        """Each line of the manifest, parsed, with its files as (path in the set, bytes).

        Raises:
            ClusterError: the two files do not belong together.
        """
        import pyarrow.parquet as pq

        with tarfile.open(self.tar, "r:") as tar:
            members = {one.name: one for one in tar}
            for batch in pq.ParquetFile(self.rows).iter_batches(256, columns=["manifest", "members"]):
                for row in batch.to_pylist():
                    entry, names = json.loads(row["manifest"]), row["members"]
                    if len(names) != len(files_of(entry)) or not members.keys() >= set(names):
                        raise ClusterError(f"{self.tar.name} lacks a file of {entry['source']}; delete its stats file")
                    read = [tar.extractfile(members[name]) for name in names]
                    yield entry, [(file, one.read()) for file, one in zip(files_of(entry), read, strict=True) if one]


def fetch_shard(store: Store, shard: int, folder: Path) -> MadeShard:
    """Copy a complete shard to disk and check it.

    Args:
        store: the plan's folder.
        shard: its number.
        folder: where to.

    Raises:
        ClusterError: it is not complete, or was changed since.
    """
    stats = read_stats(store, shard)
    if stats is None:
        raise ClusterError(f"shard {numbered(shard)} of {store.url} is not complete; run it again")
    paths = []
    for name, sha256 in stats.files.items():
        path = folder / name
        store.get_file(f"{MADE}/{name}", path)
        if sha256_of_file(path) != sha256:
            where = store.url_of(f"{MADE}/{name}")
            raise ClusterError(
                f"{where} is not the file that its worker wrote; delete {stats_name(shard)}, and run again"
            )
        paths.append(path)
    return MadeShard(*paths)
