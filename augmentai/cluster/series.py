"""A merged set as a series of WebDataset tars or of Parquet files: originals and variations, ready for training."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from augmentai.annotations import LabelError
from augmentai.cluster.errors import ClusterError
from augmentai.cluster.parts import Merged, Parts
from augmentai.cluster.sample_tar import SampleTar, member_ending, sample_key
from augmentai.dataset.atomic_files import encode_text
from augmentai.dataset.manifest import RECIPE_FILE, is_made
from augmentai.images import ImageError
from augmentai.storage import MissingFileError, Store

FILE_BYTES = 512 << 20  # what a file of the series holds at least
_DONE = "series.json"
_ROWS_PER_GROUP = 100  # of Parquet, as the Hub's viewer likes it
_TEXTS = ("file", "label", "split", "source", "manifest")
# By this `datasets` and the Hub know which column holds images.
_README = f"""---
configs:
- config_name: default
  data_files: "*.parquet"
dataset_info:
  features:
  - name: image
    dtype: image
{"".join(f"  - name: {name}{chr(10)}    dtype: string{chr(10)}" for name in _TEXTS)}  - name: label_files
    list:
    - name: path
      dtype: string
    - name: bytes
      dtype: binary
---
"""


@dataclass(frozen=True)
class Sample:
    """An image of the merged set.

    Attributes:
        files: (path in the set, bytes) of the image, and of the label files beside it.
        label, split, source: its class and split, and the image that it was made from; itself if it is an original.
        entry: its line of the manifest; None if it is an original.
    """

    files: Sequence[tuple[str, bytes]]
    label: str | None
    split: str | None
    source: str
    entry: dict[str, Any] | None = None

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(len(data) for _, data in self.files)


class _Series(Protocol):
    """One file of a series that is being written."""

    def add(self, sample: Sample) -> None: ...
    def close(self) -> None: ...


def write_parts(parts: Parts, out: Store, kind: str) -> Iterator[Merged]:
    """Write originals, as far as the recipe includes them, and variations.

    Args:
        parts: the shards.
        out: a new or empty folder, or the one that this had begun: its files are then written again.
        kind: "tar" or "parquet".

    Yields:
        Progress.

    Raises:
        ClusterError: the folder holds something else.
        StorageError: it cannot be written.
    """
    plan = parts.folder.list.sha256
    _check(out, plan, kind)
    out.put(_DONE, json.dumps({"plan": plan, "kind": kind}).encode())
    done = failed = number = 0
    with tempfile.TemporaryDirectory(prefix="augmentai-merge-") as name:
        path = Path(name, f"00000.{kind}")
        series, size_bytes = _opened(path, kind), 0
        for sample in _samples(parts):
            if sample is None:
                failed += 1
                continue
            series.add(sample)
            size_bytes += sample.size_bytes
            done += sample.entry is not None
            if size_bytes >= FILE_BYTES:
                _put(series, path, out)
                number += 1
                path = Path(name, f"{number:05}.{kind}")
                series, size_bytes = _opened(path, kind), 0
            yield Merged(done, parts.total, failed)
        _put(series, path, out)
    if kind == "parquet":
        out.put("README.md", _README.encode())
    out.put(RECIPE_FILE, encode_text(parts.folder.record.to_yaml()))
    yield Merged(done, parts.total, failed)


def _check(out: Store, plan: str, kind: str) -> None:
    first = next(out.list(), None)
    if first is None:
        return
    begun = None
    with suppress(MissingFileError, ValueError):
        begun = json.loads(out.read(_DONE))
    if begun != {"plan": plan, "kind": kind}:
        raise ClusterError(f"{out.url} holds other files and nothing is overwritten; choose a new or empty folder")


def _put(series: _Series, path: Path, out: Store) -> None:
    series.close()
    out.put_file(path.name, path)
    path.unlink()


def _samples(parts: Parts) -> Iterator[Sample | None]:
    """Every image of the merged set; None for a line of the manifest that says why there is none."""
    output = parts.output
    original: Sample | None = None
    for file in output.files_before():
        try:
            data = file.read()
        except (LabelError, ImageError, OSError) as error:
            output.skip(file, error)
            continue
        if file.source is not None:
            yield from filter(None, [original])
            source = file.source
            original = Sample([(file.path, data)], source.label, source.split, source.path)
        elif original is not None and PurePosixPath(file.path).stem == PurePosixPath(original.files[0][0]).stem:
            original = Sample([*original.files, (file.path, data)], original.label, original.split, original.source)
    yield from filter(None, [original])
    parts.check_originals()
    for entry, files in parts.entries():
        known = entry["label"], entry["split"], entry["source"], entry
        yield Sample(files, *known) if is_made(entry) else None


def _opened(path: Path, kind: str) -> _Series:
    return _Tar(path) if kind == "tar" else _Parquet(path)


class _Tar:
    def __init__(self, path: Path) -> None:
        self._samples = SampleTar(path)
        self._folder, self._keys = "", set[str]()

    def _key(self, file: str) -> str:
        """Of a.jpg and a.png in one folder, the second is called a%2Epng: files of one key would be one sample."""
        if (folder := file.rpartition("/")[0]) != self._folder:
            self._folder, self._keys = folder, set()
        key = sample_key(file)
        key = sample_key(f"{file}.x") if key in self._keys else key
        self._keys.add(key)
        return key

    def add(self, sample: Sample) -> None:
        about = sample.entry or {
            "file": sample.files[0][0],
            "source": sample.source,
            "label": sample.label,
            "split": sample.split,
            "index": 0,
        }
        members = {member_ending(file, number): data for number, (file, data) in enumerate(sample.files)}
        text = encode_text(json.dumps(about, ensure_ascii=False))
        self._samples.add(self._key(sample.files[0][0]), {**members, "json": text})

    def close(self) -> None:
        self._samples.close()


class _Parquet:
    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        files = pa.list_(pa.struct([("path", pa.string()), ("bytes", pa.binary())]))
        texts = [(name, pa.string()) for name in _TEXTS]
        self._schema = pa.schema([("image", image), *texts, ("label_files", files)])
        self._writer = pq.ParquetWriter(path, self._schema)
        self._rows: list[dict[str, Any]] = []

    def add(self, sample: Sample) -> None:
        (file, data), *beside = sample.files
        entry = None if sample.entry is None else json.dumps(sample.entry, ensure_ascii=False)
        row = {"file": file, "label": sample.label, "split": sample.split, "source": sample.source, "manifest": entry}
        labels = [{"path": path, "bytes": label} for path, label in beside]
        self._rows.append({"image": {"bytes": data, "path": file}, **row, "label_files": labels})
        if len(self._rows) >= _ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows.clear()

    def close(self) -> None:
        self._flush()
        self._writer.close()
