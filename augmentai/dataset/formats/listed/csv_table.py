"""CSV files of labels, read row by row: a file may have millions. Any usual separator; rows are numbered by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.listed.file_start import file_start

_SEPARATORS = (",", ";", "\t", "|")
_HEAD_BYTES = 1 << 16
_ROWS_SAMPLED = 200
_LONGEST_FIELD = 1 << 24  # outlines and bitmaps are written into one field

Line = tuple[int, list[str]]  # its number in the file, from 1, and its values


class CsvTable:
    """One CSV file.

    Attributes:
        entry: the file.
        first: the values of its first row, which may be its header.
        sample: those of the rows that follow, a few hundred at most.

    Raises:
        LabelError: it cannot be read.
    """

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        data = file_start(entry, _HEAD_BYTES)
        if b"\0" in data:
            raise LabelError(f"{entry.path} is not a text file; expected a CSV file")
        head = data.decode("utf-8-sig", "replace")
        line = next((one for one in head.splitlines() if one.strip()), "")
        self._separator = max(_SEPARATORS, key=line.count)
        self._line_end = "\r\n" if "\r\n" in head else "\n"
        rows = islice(self.rows(), _ROWS_SAMPLED + 1)
        self.first: list[str] = next(rows, (0, []))[1]
        try:
            self.sample = [values for _, values in rows]
        except LabelError:
            self.sample = []  # reported when the rows are read

    def rows(self) -> Iterator[Line]:
        """Every row that is not blank. Raises LabelError, which names the line."""
        csv.field_size_limit(_LONGEST_FIELD)
        with self.entry.open_utf8() as stream:
            text = io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="")
            reader = csv.reader(text, delimiter=self._separator, skipinitialspace=True, strict=True)
            try:
                for values in reader:
                    if any(value.strip() for value in values):
                        yield reader.line_num, values
            except csv.Error as error:
                raise LabelError(f"{self.entry.path}, line {reader.line_num}: {error}; correct it") from error
            except (OSError, EOFError, ValueError) as error:
                raise LabelError(f"{self.entry.path} is corrupt ({error}); copy it again") from error

    def written(self, rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
        """Rows as this file has them."""
        return csv_lines(rows, self._separator, self._line_end)


def csv_lines(rows: Iterable[Sequence[object]], separator: str = ",", line_end: str = "\n") -> Iterator[bytes]:
    """Rows as the lines of a CSV file.

    Example:
        >>> list(csv_lines([["a.jpg", 1, "red, dark"]]))
        [b'a.jpg,1,"red, dark"\\n']
    """
    for row in rows:
        line = io.StringIO()
        csv.writer(line, delimiter=separator, lineterminator=line_end).writerow(row)
        yield line.getvalue().encode("utf-8", "backslashreplace")
