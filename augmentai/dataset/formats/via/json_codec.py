"""VIA's JSON: a mapping with an entry per image, alone or in a project, keyed by the file's name and size in bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.coco.json_stream import JsonFile
from augmentai.dataset.formats.format_writer import json_bytes
from augmentai.dataset.formats.listed.codec import Fault, NewImage, Placed, Row
from augmentai.dataset.formats.listed.file_start import file_start
from augmentai.dataset.formats.via.annotation import text_of
from augmentai.dataset.formats.via.image_regions import added_regions, regions_after, shapes_of
from augmentai.images.orientation import Frame

PROJECT = "_via_img_metadata"  # the key of the images in a project
_LIST = "_via_image_id_list"
_HEAD_BYTES = 1 << 18
_WORDS = (b'"regions"', b'"filename"')


def open_via_json(entry: Entry) -> ViaJsonCodec | None:
    """The codec of a file; None if it is not VIA's."""
    try:
        head = file_start(entry, _HEAD_BYTES)
    except LabelError:
        return None
    is_project = b'"_via_img_metadata"' in head or b'"_via_settings"' in head
    if not head.lstrip().startswith(b"{") or not (is_project or all(word in head for word in _WORDS)):
        return None
    file = JsonFile(entry)
    codec = ViaJsonCodec(file, is_project)
    try:
        first = next(file.members(codec.prefix), None)
    except Exception as error:  # ijson raises errors of its backends
        raise file.error(error) from error
    return codec if first is not None and _is_image(first[1]) else None


def _is_image(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("filename"), str) and "regions" in value


class ViaJsonCodec:
    """One JSON file of VIA's. A raw row is the key of an image and its entry. See `Codec`."""

    def __init__(self, file: JsonFile, is_project: bool) -> None:
        self.losses: dict[str, None] = {}
        self._file = file
        self._is_project = is_project
        self.prefix = PROJECT if is_project else ""

    def class_names(self) -> Sequence[str]:
        return []

    def attributes(self) -> object:
        """The attributes of a project and their options; None if the file has none."""
        return dict(self._file.head((PROJECT, _LIST))).get("_via_attributes") if self._is_project else None

    def rows(self) -> Iterator[Row | Fault]:
        with self._file.located_errors():
            for key, image in self._file.members(self.prefix):
                if _is_image(image) and image["filename"].strip():
                    yield Row(image["filename"], [key, image])
                elif not (isinstance(key, str) and key.startswith("_via")):
                    yield Fault(f"image {key!r}", "it has no filename or no regions; expected both")

    def labels(self, raws: Sequence[Any], frame: Frame) -> Labels:
        shapes: list[Shape] = []
        tags: dict[str, None] = {}
        for _, image in raws:
            regions = _regions(image)
            shapes += shapes_of(regions, len(shapes), f"image {image['filename']}")
            tags |= dict.fromkeys(file_tags(image.get("file_attributes")))
        return Labels(tuple(shapes), extra={"tags": list(tags)})

    def moved(self, raws: Sequence[Any], placed: Sequence[Placed], size_wh: tuple[int, int]) -> list[Any]:
        written, first = [], 0
        for number, (key, image) in enumerate(raws):
            regions = _regions(image)
            after = [one for some in regions_after(regions, first, placed, self.losses) for one in some]
            first += len(regions)
            after += added_regions(placed, self.losses) if number == 0 else []
            is_listed = isinstance(image["regions"], list)
            written.append(
                [key, {**image, "regions": after if is_listed else {str(i): one for i, one in enumerate(after)}}]
            )
        return written

    def renamed(self, raws: Sequence[Any], image: NewImage) -> list[Any]:
        made = []
        for _, raw in raws:
            entry = {**raw, "filename": image.name, "size": image.size_bytes}
            entry |= {key: "" for key in ("base64_img_data", "fileref") if key in raw}  # the pixels of the source
            made.append([f"{image.name}{image.size_bytes}", entry])
        return made

    def in_split(self, raws: Sequence[Any], split: str) -> list[Any]:
        return list(raws)  # no row states a split

    def content(self, raws: Iterable[Any]) -> Iterator[bytes]:
        if not self._is_project:
            yield from written_file(raws)
            return
        yield b"{"
        for key, value in self._file.head((PROJECT, _LIST)):
            yield json_bytes(key) + b": " + json_bytes(value) + b",\n"
        keys: list[str] = []
        yield json_bytes(PROJECT) + b": "
        yield from written_file(_noted(raws, keys))
        yield b",\n" + json_bytes(_LIST) + b": " + json_bytes(keys) + b"}\n"


def written_file(images: Iterable[Any]) -> Iterator[bytes]:
    """A mapping of these images: (key, entry) of each."""
    separator = b"{\n"
    for key, image in images:
        yield separator + json_bytes(key) + b": " + json_bytes(image)
        separator = b",\n"
    yield b"{}" if separator == b"{\n" else b"\n}"


def file_tags(attributes: object) -> list[str]:
    """What a file says of an image as a whole: the attributes that have a value."""
    if isinstance(attributes, str):
        try:
            attributes = json.loads(attributes)
        except (ValueError, RecursionError):
            return []
    if not isinstance(attributes, Mapping):
        return []
    return [f"{name}: {text}" for name, value in attributes.items() if (text := text_of(value))]


def _regions(image: Mapping[str, Any]) -> list[Any]:
    """The regions of an image: a list, or a mapping of numbers in VIA 1."""
    regions = image["regions"]
    if isinstance(regions, dict):
        return list(regions.values())
    if not isinstance(regions, list):
        raise ValueError(f"image {image['filename']}: regions is {type(regions).__name__}; expected a list")  # noqa: TRY004
    return regions


def _noted(images: Iterable[Any], keys: list[str]) -> Iterator[Any]:
    for key, image in images:
        keys.append(key)
        yield key, image
