"""metadata.parquet, read if pyarrow is installed, as it is with `datasets`; else named as a file nothing reads."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.archive import format_size
from augmentai.dataset.file_tree import Entry

SUFFIX = ".parquet"
_MOST_CELLS = 5_000_000  # a value that is everywhere the same takes no space in a file, and 100 bytes in memory


def can_read() -> bool:
    """Whether pyarrow is installed."""
    return find_spec("pyarrow") is not None


def read_rows(entry: Entry, limit_bytes: int) -> tuple[list[dict[str, Any]], Any]:
    """(the rows of a file, its schema).

    Raises:
        LabelError: it cannot be read, or holds what JSON cannot, such as whole images.
    """
    parquet = import_module("pyarrow.parquet")
    data = entry.read(limit_bytes)
    rows, size = [], 0
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        if (cells := file.metadata.num_rows * file.metadata.num_columns) > _MOST_CELLS:
            raise LabelError(
                f"{entry.path} has {file.metadata.num_rows:,} rows of {file.metadata.num_columns:,} columns, "
                f"{cells:,} values; at most {_MOST_CELLS:,} are read; split it"
            )
        for batch in file.iter_batches():
            size += batch.nbytes
            if size > limit_bytes:
                raise LabelError(f"{entry.path} holds more than {format_size(limit_bytes)}, unpacked; split it")
            rows += batch.to_pylist()
    except LabelError:
        raise
    except Exception as error:  # pyarrow raises errors of its own, and OSError
        raise LabelError(f"{entry.path} is not a valid Parquet file ({error}); save it again") from error
    try:
        json.dumps(rows)
    except (TypeError, ValueError) as error:
        raise LabelError(
            f"{entry.path} holds more than names, numbers and texts ({error}); save it as metadata.jsonl"
        ) from error
    return rows, file.schema_arrow


def written(rows: Iterable[dict[str, Any]], schema: Any) -> bytes:
    """Rows as a Parquet file of the same columns; of other types where a value asks for them, as half a pixel does."""
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    listed = list(rows)
    try:
        table = arrow.Table.from_pylist(listed, schema=schema)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError):
        table = arrow.Table.from_pylist(listed)
    made = io.BytesIO()
    parquet.write_table(table, made)
    return made.getvalue()
