"""What should be known before a run of tables that name masks: masks that are missing, and those that are several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from augmentai.dataset.file_names import printable
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.image_names import named
from augmentai.dataset.formats.masks.pair_tables import PairTable
from augmentai.plurals import counted


def table_notices(tables: Sequence[PairTable], masks: Mapping[ImageKey, Sequence[Entry]]) -> Iterator[str]:
    """What tables and folders say of masks that is missing, or that differs.

    Args:
        tables: those of a set.
        masks: all masks of each image, the one first that says what an image shows.
    """
    for table in tables:
        if table.missing:
            lost = named(table.missing, "mask")
            yield f"{table.entry.path} names {lost} that the set does not have; rows of variations leave it empty"
    of_table: dict[ImageKey, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for table in tables:
        for image, mask in table.pairs:
            of_table[image.key][table.entry.path].add(mask.path)
    differing = {}
    for key, by_table in of_table.items():
        named_by_tables = set().union(*by_table.values())
        by_name = {entry.path for entry in masks.get(key, ())} - named_by_tables
        sets = [frozenset(one) for one in by_table.values()] + ([frozenset(by_name)] if by_name else [])
        if len(set(sets)) > 1:
            differing[key] = [entry.path for entry in masks.get(key, ())]
    if differing:
        (path, _), first = next(iter(differing.items()))
        images = counted(len(differing), "image has", "images have")
        example = f"{printable(path)}: {' and '.join(map(printable, first))}"
        yield (
            f"{images} different masks by different tables or folders ({example}); all move with the image, and the "
            "first is read for its classes"
        )
