"""VIA's CSV: a row per region, whose shape and attributes are JSON in a cell; an image without regions has one row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from reprlib import repr as short
from typing import Any

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.listed.codec import Fault, NewImage, Placed, Row
from augmentai.dataset.formats.listed.csv_table import CsvTable
from augmentai.dataset.formats.via.image_regions import added_regions, regions_after, shapes_of
from augmentai.dataset.formats.via.json_codec import file_tags
from augmentai.images.orientation import Frame

COLUMNS = (
    *("filename", "file_size", "file_attributes", "region_count", "region_id"),
    *("region_shape_attributes", "region_attributes"),
)


def open_via_csv(entry: Entry) -> ViaCsvCodec | None:
    """The codec of a file; None if it is not VIA's."""
    try:
        table = CsvTable(entry)
    except LabelError:
        return None
    header = [name.strip().lstrip("#").casefold() for name in table.first]
    if not {"filename", "region_shape_attributes", "region_attributes"} <= set(header):
        return None
    return ViaCsvCodec(table, {name: header.index(name) for name in COLUMNS if name in header})


class ViaCsvCodec:
    """One CSV file of VIA's. A raw row is its line in the file and its values. See `Codec`."""

    def __init__(self, table: CsvTable, at: dict[str, int]) -> None:
        self.losses: dict[str, None] = {}
        self._table, self._at = table, at

    def class_names(self) -> Sequence[str]:
        return []

    def rows(self) -> Iterator[Row | Fault]:
        lines = self._table.rows()
        next(lines)
        for line, values in lines:
            if len(values) != len(self._table.first) or not values[self._at["filename"]].strip():
                expected = f"expected {len(self._table.first)}, the first of them the name of an image"
                yield Fault(f"line {line}", f"found {len(values)} values; {expected}")
            else:
                yield Row(values[self._at["filename"]].strip(), [line, values])

    def labels(self, raws: Sequence[Any], frame: Frame) -> Labels:
        shapes: list[Shape] = []
        tags: dict[str, None] = {}
        for place, (line, values) in enumerate(raws):
            if (region := self._region(line, values)) is not None:
                shapes += shapes_of([region], place, f"line {line}")
            tags |= dict.fromkeys(file_tags(self._value(values, "file_attributes")))
        return Labels(tuple(shapes), extra={"tags": list(tags)})

    def moved(self, raws: Sequence[Any], placed: Sequence[Placed], size_wh: tuple[int, int]) -> list[Any]:
        regions: list[dict[str, Any]] = []
        for place, (line, values) in enumerate(raws):
            region = self._region(line, values)
            if region is not None:
                regions += regions_after([region], place, placed, self.losses)[0]
        regions += added_regions(placed, self.losses)
        return [self._row(raws[0][1], number, len(regions), region) for number, region in enumerate(regions)] or [
            self._row(raws[0][1], 0, 0, None)
        ]

    def renamed(self, raws: Sequence[Any], image: NewImage) -> list[Any]:
        written = []
        for line, values in raws:
            made = list(values)
            made[self._at["filename"]] = image.name
            self._set(made, "file_size", str(image.size_bytes))
            written.append([line, made])
        return written

    def in_split(self, raws: Sequence[Any], split: str) -> list[Any]:
        return list(raws)  # no row states a split

    def content(self, raws: Iterable[Any]) -> Iterator[bytes]:
        return self._table.written(chain([self._table.first], (values for _, values in raws)))

    def _value(self, values: Sequence[str], name: str) -> str:
        return values[self._at[name]] if name in self._at else ""

    def _set(self, values: list[str], name: str, text: str) -> None:
        if name in self._at:
            values[self._at[name]] = text

    def _region(self, line: int, values: Sequence[str]) -> dict[str, Any] | None:
        """The region of a row, as VIA's JSON has it; None if the row only names an image."""
        shape = self._json(line, values, "region_shape_attributes")
        if not shape:
            return None
        return {"shape_attributes": shape, "region_attributes": self._json(line, values, "region_attributes")}

    def _json(self, line: int, values: Sequence[str], name: str) -> Any:
        text = self._value(values, name).strip()
        try:
            found = json.loads(text or "{}")
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {line}: {name} is {short(text)}; expected JSON") from error
        if not isinstance(found, dict):
            raise ValueError(f"line {line}: {name} is {short(text)}; expected a mapping in JSON")  # noqa: TRY004
        return found

    def _row(self, source: Sequence[str], number: int, count: int, region: dict[str, Any] | None) -> list[Any]:
        """A row about the image of another row."""
        made = list(source)
        self._set(made, "region_count", str(count))
        self._set(made, "region_id", str(number))
        for name, key in (("region_shape_attributes", "shape_attributes"), ("region_attributes", "region_attributes")):
            self._set(made, name, json.dumps(region[key] if region is not None else {}, ensure_ascii=False))
        return [0, made]
