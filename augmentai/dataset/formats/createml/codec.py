"""CreateML's JSON: a list with an entry per image, its boxes by their centre, or its class alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from reprlib import repr as short
from typing import Any

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.coco.json_stream import JsonFile
from augmentai.dataset.formats.drawn_shapes import boxed
from augmentai.dataset.formats.format_writer import json_bytes
from augmentai.dataset.formats.guarded_load import check_objects
from augmentai.dataset.formats.label_values import category, clean, number, plain_fields, rounded
from augmentai.dataset.formats.listed.codec import Fault, NewImage, Placed, Row
from augmentai.dataset.formats.listed.file_start import file_start
from augmentai.dataset.formats.pixel_fields import without_places
from augmentai.images.orientation import Frame

_NAMES = ("image", "imagefilename")
_LISTS = ("annotations", "annotation")
_SIDES = ("x", "y", "width", "height")
_HEAD_BYTES = 1 << 12


def open_createml(entry: Entry) -> CreateMlCodec | None:
    """The codec of a file; None if it is not CreateML's."""
    try:
        if not file_start(entry, _HEAD_BYTES).lstrip().startswith(b"["):
            return None
        file = JsonFile(entry)
    except LabelError:
        if "createml" in entry.path.casefold():
            raise
        return None
    codec = CreateMlCodec(file)
    try:
        first = next(file.items("item"), None)
    except Exception as error:  # ijson raises errors of its backends
        if "createml" in entry.path.casefold():
            raise file.error(error) from error
        return None
    return codec if _is_entry(first) else None


def _is_entry(value: object) -> bool:
    return isinstance(value, dict) and _key(value, _NAMES) != "" and _key(value, _LISTS) != ""


def _key(entry: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((name for name in names if name in entry), "")


class CreateMlCodec:
    """One file of CreateML's. See `Codec`."""

    def __init__(self, file: JsonFile) -> None:
        self.losses: dict[str, None] = {}
        self._file = file
        self._names: dict[str, None] = {}

    def class_names(self) -> Sequence[str]:
        return sorted(self._names)

    def rows(self) -> Iterator[Row | Fault]:
        with self._file.located_errors():
            for count, entry in enumerate(self._file.items("item"), 1):
                name = entry.get(_key(entry, _NAMES)) if isinstance(entry, dict) else None
                if not isinstance(name, str) or not name.strip():
                    yield Fault(
                        f"entry {count}", f"found {short(entry)}; expected a mapping with image and annotations"
                    )
                    continue
                listed = _annotations(entry)
                boxes = [one for one in listed if isinstance(one, dict) and one.get("coordinates") is not None]
                self._names |= dict.fromkeys(clean(str(one.get("label"))) for one in boxes if one.get("label"))
                tags = _tags(listed)
                yield Row(name, entry, label=tags[0] if len(tags) == 1 and not boxes else None)

    def labels(self, raws: Sequence[Any], frame: Frame) -> Labels:
        shapes: list[Shape] = []
        tags: dict[str, None] = {}
        place = -1
        for raw in raws:
            listed = _annotations(raw)
            check_objects(len(listed), f"image {raw.get(_key(raw, _NAMES))}")
            tags |= dict.fromkeys(_tags(listed))
            for count, one in enumerate(listed, 1):
                place += 1
                try:
                    shape = _shape(one, place)
                except ValueError as error:
                    image = raw.get(_key(raw, _NAMES))
                    raise ValueError(f"image {image}, annotation {count}: {error}") from error
                shapes += [shape] if shape is not None else []
        return Labels(tuple(shapes), extra={"tags": list(tags)})

    def moved(self, raws: Sequence[Any], placed: Sequence[Placed], size_wh: tuple[int, int]) -> list[Any]:
        by_place = {one.place: one for one in placed if one.place is not None}
        written = []
        place = -1
        for raw in raws:
            kept = []
            for one in _annotations(raw):
                place += 1
                if not isinstance(one, dict) or one.get("coordinates") is None:
                    kept.append(one)
                elif place in by_place:
                    found = by_place[place]
                    kept.append(self._placed(one, found.shape) if found.moved else one)
            written.append({**raw, _key(raw, _LISTS): kept} if isinstance(raw[_key(raw, _LISTS)], list) else raw)
        new = [new_annotation(one.shape) for one in placed if one.place is None and one.shape.box is not None]
        if new:
            written[0] = {**written[0], _key(raws[0], _LISTS): [*_annotations(written[0]), *new]}
        return written

    def _placed(self, annotation: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
        others = {key: value for key, value in annotation.items() if key not in {"label", "coordinates"}}
        kept = without_places(others, self.losses)
        written = {key: value for key, value in annotation.items() if key in kept or key not in others}
        return {**written, "coordinates": _coordinates(shape)}

    def renamed(self, raws: Sequence[Any], image: NewImage) -> list[Any]:
        return [{**raw, _key(raw, _NAMES): image.name} for raw in raws]

    def in_split(self, raws: Sequence[Any], split: str) -> list[Any]:
        return list(raws)  # no row states a split

    def content(self, raws: Iterable[Any]) -> Iterator[bytes]:
        yield from written_file(raws)


def written_file(entries: Iterable[Any]) -> Iterator[bytes]:
    """A file with these entries."""
    separator = b"[\n"
    for entry in entries:
        yield separator + json_bytes(entry)
        separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def new_annotation(shape: Shape) -> dict[str, Any]:
    """The annotation of an object with a box that came from another format."""
    return {"label": shape.category, "coordinates": _coordinates(shape)}


def _annotations(entry: Mapping[str, Any]) -> list[Any]:
    """What is said of an image: boxes, classes of the whole image as {"label": ...}, or its class as a text."""
    found = entry.get(_key(entry, _LISTS))
    return found if isinstance(found, list) else [] if found is None else [found]


def _tags(listed: Sequence[Any]) -> list[str]:
    """The classes of the image as a whole."""
    found = [one.get("label") if isinstance(one, dict) and one.get("coordinates") is None else one for one in listed]
    return [clean(one) for one in found if isinstance(one, str) and clean(one)]


def _shape(annotation: object, place: int) -> Shape | None:
    """The object of one annotation; None for the class of the image as a whole."""
    if isinstance(annotation, str):
        return None
    if not isinstance(annotation, dict):
        raise ValueError(f"found {short(annotation)}; expected a mapping with label and coordinates")  # noqa: TRY004
    name = category(annotation.get("label"), "label")
    sides = annotation.get("coordinates")
    if sides is None:
        return None
    if not isinstance(sides, dict):
        raise ValueError(f"coordinates of {name} is {short(sides)}; expected x, y, width and height in pixels")  # noqa: TRY004
    x, y, width, height = (number(sides.get(side), f"{side} of {name}") for side in _SIDES)
    if min(width, height) < 0:
        raise ValueError(f"{name} is {width:g} wide and {height:g} high; expected a width and a height above 0")
    rest = {key: value for key, value in annotation.items() if key not in {"label", "coordinates"}}
    extra = {"place": place, "fields": plain_fields(**{str(key): value for key, value in rest.items()})}
    return boxed(name, (x - width / 2, y - height / 2), (x + width / 2, y + height / 2), extra)


def _coordinates(shape: Shape) -> dict[str, float]:
    assert shape.box is not None
    x0, y0, x1, y1 = shape.box
    return dict(zip(_SIDES, map(rounded, ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)), strict=True))
