"""Bounds all label files of a job together: reading them takes time in proportion to their size."""

from __future__ import annotations

from augmentai.dataset.archive import format_size
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.types import Failure

# How long a byte takes to read, where one of a Parquet file or of an image takes 1.
_WEIGHTS = {".json": 2, ".jsonl": 2, ".csv": 3, ".tsv": 3, ".xml": 3, ".txt": 4, ".yaml": 60, ".yml": 60}
_IN_WORDS = "JSON counts twice, tables and XML three times, text four times and YAML 60 times"


def drop_large_labels(tree: Tree, most_bytes: int | None) -> list[Failure]:
    """Take the largest label files out of a dataset until the rest are small enough together.

    Args:
        tree: the files of the dataset; changed.
        most_bytes: of all label files, weighted by how long they take to read; None for no limit.

    Returns:
        A failure for each file that was taken out.

    Example:
        >>> drop_large_labels(Tree(), 1000)
        []
    """
    if most_bytes is None:
        return []
    entries = sorted((_weight(entry), entry.path, entry.origin) for each in tree.sidecars.values() for entry in each)
    total, dropped = 0, set[tuple[str, str]]()
    for weight, path, origin in entries:
        total += weight
        if total > most_bytes:
            dropped.add((path, origin))
    for path in {path for path, _ in dropped}:
        kept = [entry for entry in tree.sidecars[path] if entry.key not in dropped]
        if kept:
            tree.sidecars[path] = kept
        else:
            del tree.sidecars[path]
    reason = (
        f"too much to read in one job: all label files together may have {format_size(most_bytes)}, where "
        f"{_IN_WORDS} (AUGMENTAI_MAX_LABELS_MB); split the dataset"
    )
    return [Failure(path, reason) for path, _ in sorted(dropped)]


def _weight(entry: Entry) -> int:
    size = entry.size_bytes or 0
    ending = entry.path[entry.path.rfind(".") :].lower()
    return size * _WEIGHTS.get(ending, 1)
