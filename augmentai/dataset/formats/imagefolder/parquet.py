"""metadata.parquet, read if pyarrow is installed, as it is with `datasets`; else named as a file nothing reads."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry

SUFFIX = ".parquet"


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
    try:
        table = parquet.read_table(io.BytesIO(data))
        rows = table.to_pylist()
    except Exception as error:  # pyarrow raises errors of its own, and OSError
        raise LabelError(f"{entry.path} is not a valid Parquet file ({error}); save it again") from error
    try:
        json.dumps(rows)
    except (TypeError, ValueError) as error:
        raise LabelError(
            f"{entry.path} holds more than names, numbers and texts ({error}); save it as metadata.jsonl"
        ) from error
    return rows, table.schema


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
