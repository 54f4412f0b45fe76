"""CSV files that name the splits of images: by a column, or by what the file is called."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, parent
from augmentai.dataset.formats.image_list import ImagePaths, renamed_cell
from augmentai.dataset.formats.split_claims import held_out_first
from augmentai.dataset.formats.split_files import (
    SPLIT_COLUMNS,
    SplitFile,
    letters_of,
    locates_objects,
    names_with_variations,
    splits_of_codes,
)
from augmentai.dataset.formats.split_folders import SplitFolders, of_folders
from augmentai.dataset.formats.split_words import are_short_splits, short_split, split_named

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_MIN_FOUND = 0.5  # of the rows, that name an image of the set
_MIN_NAMED = 0.9  # of the values in a column, that name a split
_ROWS_SAMPLED = 100


@dataclass(frozen=True)
class SplitTable(SplitFile):
    """A CSV file with a column of images.

    Attributes:
        dialect: of the file.
        rows: all of them.
        column: the column of images.
        images: the image of each row; "" if it names none, as a header does.
    """

    dialect: type[csv.Dialect] = csv.excel
    rows: list[list[str]] = field(default_factory=list)
    column: int = 0
    images: list[str] = field(default_factory=list)

    def written(self, rows: ImageRows, leads_to_files: bool) -> Iterator[tuple[str, Iterable[bytes]]]:
        yield self.path, self._lines(rows)

    def _lines(self, rows: ImageRows) -> Iterator[bytes]:
        """The rows of the images that exist, each followed by those of its variations."""
        folder = parent(self.path)
        named = self._columns_of_names()
        for number, (row, image) in enumerate(zip(self.rows, self.images, strict=True)):
            if number == 0 and not image:
                yield self._line(row)
            for name, file in names_with_variations(row[self.column].strip(), image, rows, folder):
                stems = PurePosixPath(image).stem, PurePosixPath(file).stem
                cells = [renamed_cell(cell, *stems) if i in named else cell for i, cell in enumerate(row)]
                cells[self.column] = name
                yield self._line(cells)

    def _columns_of_names(self) -> set[int]:
        """The columns that name the image of each row, or a file called after it; a class "1" may be one by chance."""
        found: dict[int, list[bool]] = defaultdict(list)
        for row, image in zip(self.rows, self.images, strict=True):
            for i, cell in enumerate(row if image else ()):
                if cell.strip():
                    found[i].append(renamed_cell(cell, PurePosixPath(image).stem, "") != cell)
        return {i for i, are_names in found.items() if all(are_names)}

    def _line(self, row: list[str]) -> bytes:
        text = io.StringIO()
        csv.writer(text, self.dialect, lineterminator="\n").writerow(row)
        return text.getvalue().encode()


def read_split_table(entry: Entry, names: ImagePaths) -> SplitTable | SplitFolders | None:
    """A table of splits; None if the file is something else."""
    try:
        text = entry.text()
        dialect = _dialect_of(text)
        rows = [row for row in csv.reader(io.StringIO(text), dialect) if row]
    except (LabelError, csv.Error):
        return None
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 1:
        return None
    folder = parent(entry.path)
    has_header = not any(names.find(cell.strip(), folder) for cell in rows[0] if cell.strip())
    header = [letters_of(name) for name in rows[0]] if has_header else [""] * len(rows[0])
    body = rows[1:] if has_header else rows
    splits = _split_of_rows(entry, header, body)
    if not splits:
        return None
    # Names that are numbers come last: a column of classes may happen to hold the names of other images.
    for column in sorted(range(len(header)), key=lambda i: all(row[i].strip().isdigit() for row in body)):
        images = [names.find(row[column].strip(), folder) or "" if row[column].strip() else "" for row in body]
        if sum(map(bool, images)) >= _MIN_FOUND * len(body):
            found, twice = held_out_first((i, s) for i, s in zip(images, splits, strict=True) if i and s)
            rest = [[cell for i, cell in enumerate(row) if i != column] for row in body[:_ROWS_SAMPLED]]
            carried = not any(
                locates_objects(cells, header) or _names_another(cells, image, names, folder)
                for cells, image in zip(rest, images, strict=False)
            )
            rows_of = [""] * has_header + images
            return SplitTable((entry,), found, carried, dialect, rows, column, rows_of, also_training=twice)
    for column in range(len(header)) if len(set(splits)) > 1 else ():
        folders = of_folders(entry, ((row[column], split) for row, split in zip(body, splits, strict=True)), names)
        if folders is not None:
            return folders
    return None


def _dialect_of(text: str) -> type[csv.Dialect]:
    """How a table is written; one with a single column says nothing of it."""
    head = text[:4096]
    return csv.Sniffer().sniff(head, ",;\t|") if re.search(r"[,;\t|]", head) else csv.excel


def _split_of_rows(entry: Entry, header: list[str], body: list[list[str]]) -> list[str | None]:
    """The split of each row; empty if the table says nothing of splits."""
    for i, name in enumerate(header) if body else ():
        values = [row[i].strip() for row in body]
        is_short = name in SPLIT_COLUMNS and are_short_splits(set(values))
        named = [short_split(value) if is_short else split_named(value) for value in values]
        is_split = sum(split is not None for split in named) >= _MIN_NAMED * len(body)
        if is_split and (name in SPLIT_COLUMNS or ("train" in named and len(set(named) - {None}) > 1)):
            return named
        may_be_flag = name.startswith(("is", "in")) or _is_of_splits(name) or split_named(name)
        codes = splits_of_codes(values, name) if may_be_flag else {}
        if codes and (name.startswith("is") or not _are_classes(header, body)):
            return [codes[value] for value in values]
    split = split_named(PurePosixPath(entry.path).stem)
    return [split] * len(body) if split else []


def _are_classes(header: list[str], body: list[list[str]]) -> bool:
    """Whether a table has a column of 0 and 1 for each class: one of them may be called "train"."""
    return any(
        {row[i].strip() for row in body} <= {"0", "1"} and not split_named(name) and not name.startswith(("is", "in"))
        for i, name in enumerate(header)
    )


def _names_another(cells: list[str], image: str, names: ImagePaths, folder: str) -> bool:
    """Whether a row names a second image, such as the mask of the first, which a variation would not share."""
    return any(names.find(cell.strip(), folder) not in {None, image} for cell in cells if "." in cell)


def _is_of_splits(name: str) -> bool:
    return name in SPLIT_COLUMNS or "split" in name or "partition" in name
