"""Each odd but legal value in a label file of each format: carried or refused in words, with file and place."""

from __future__ import annotations

import re
from itertools import cycle, islice
from pathlib import Path

import pytest

from augmentai.annotations import LabelError
from augmentai.dataset.formats.masks.dataset import MaskLabels
from augmentai.dataset.readers.gather import gather
from augmentai.images.file_types import IMAGE_SUFFIXES
from augmentai.pipeline.job import limits
from augmentai.settings import Settings
from tests.support.labelled_sets import write
from tests.support.outlined_sets import SOURCES

# As they are written in JSON, YAML, XML, CSV and texts alike.
NUMBERS = [
    "NaN",
    "nan",
    "Infinity",
    "-inf",
    "1e999",
    "-1",
    "0",
    "²",
    "٣",
    "9" * 40,
    "9" * 5000,
    "0x1F",
    "1_000",
    "1e-320",
]
INSTEAD = [*NUMBERS, "null", "true", "[]", "{}", '""', '"x"', "[[1]]", "~", "5", ""]
NAMES = [
    "CON",
    "COM¹.jpg",
    "con .txt",
    "a" * 260,
    "\\ud800",
    "\x00",
    "\x85",
    "\u2028",
    "\ufeff",
    "../../etc/passwd",
    " ",
    "²",
]
_NUMBER = re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_WORD = re.compile(rb"[A-Za-z_]{3,}")
OURS = ("make no sense", "Traceback", "object at 0x")


def words_of(folder: Path) -> list[str]:
    """All that is said of a set; whatever a reader raises beside LabelError is a fault of it."""
    found = gather([folder], limits(Settings()))
    words = [*found.notices, *(f"{one.file}: {one.reason}" for one in found.failures)]
    for source in (*found.sources, *found.holdout):
        try:
            _ = source.labels.load() if source.labels is not None else None
        except LabelError as error:
            words.append(str(error))
            assert isinstance(source.labels, MaskLabels) or re.search(r"\w\.\w+\b", words[-1]), f"no file: {words[-1]}"
    return words


def check(name: str, pattern: re.Pattern[bytes], values: list[str], places: int, folder: Path) -> None:
    """Put each value into so many places in turn."""
    make, objects = SOURCES[name]
    files = make(objects)
    write(folder, files)
    labels = sorted(path for path in files if Path(path).suffix.lower() not in IMAGE_SUFFIXES)
    found = [(path, one.span()) for path in labels for one in pattern.finditer(files[path])]
    found = found[:: max(1, len(found) // 12)]
    order = cycle(found)
    for value in values if found else ():
        for path, (start, end) in islice(order, min(places, len(found))):
            data = files[path]
            (folder / path).write_bytes(data[:start] + value.encode() + data[end:])
            words = words_of(folder)
            (folder / path).write_bytes(data)
            ours = [one for one in words if any(fault in one for fault in OURS)]
            assert not ours, (value[:20], path, start, ours)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(("pattern", "values"), [(_NUMBER, INSTEAD), (_WORD, NAMES)], ids=["numbers", "names"])
def test_in_place_of_a_value(name: str, pattern: re.Pattern[bytes], values: list[str], tmp_path: Path) -> None:
    check(name, pattern, values, 1, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("pattern", [_NUMBER, _WORD], ids=["numbers", "names"])
def test_in_many_places(name: str, pattern: re.Pattern[bytes], tmp_path: Path) -> None:
    check(name, pattern, [*INSTEAD, *NAMES], 12, tmp_path)
