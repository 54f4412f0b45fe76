"""Any labelled set written as a Supervisely project: meta.json, and img/ and ann/ of each split."""

from __future__ import annotations

import colorsys
import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels, Shape
from augmentai.dataset.formats.base import OutputFile, StreamedFiles
from augmentai.dataset.formats.drawn_shapes import foreign_attributes
from augmentai.dataset.formats.format_writer import ListingWriter, json_bytes
from augmentai.dataset.formats.supervisely.annotation import new_objects
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_HUE_STEP = 0.618033988749895  # the golden ratio: no two classes have nearly the same colour


class SuperviselyWriter(ListingWriter):
    """Writes SPLIT/img and SPLIT/ann, and meta.json."""

    holds_lines = True
    holds_tags = True

    def image_path(self, source: Source) -> str:
        return f"{source.split or 'images'}/img/{self.bare_path(source).replace('/', '_')}"

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        shapes = self.objects_without_keypoints(source, labels)
        content = {
            "description": "",
            "tags": [{"name": name, "value": None} for name in labels.extra.get("tags", ())],
            "size": {"height": size_wh[1], "width": size_wh[0]},
            "objects": [entry for number, shape in enumerate(shapes) for entry in _entries(shape, f"{file}/{number}")],
        }
        folder, name = PurePosixPath(file).parent.parent, PurePosixPath(file).name
        return [(str(folder / "ann" / f"{name}.json"), json_bytes(content, indent=2))]

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        shapes = self.objects(source, labels)
        values = sorted({name for shape in shapes for name in foreign_attributes(shape)})
        return {"image_tags": list(labels.extra.get("tags", ())) if labels is not None else [], "object_tags": values}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        of_images: dict[str, None] = {}
        of_objects: dict[str, None] = {}
        for split in ("train", "val", "test", None):
            for _, record in self.records(rows, split):
                of_images |= dict.fromkeys(record["image_tags"])
                of_objects |= dict.fromkeys(record["object_tags"])
        names = sorted({*of_images, *of_objects})
        meta = {
            "classes": [
                {"title": name, "shape": "any", "color": _color(number)} for number, name in enumerate(self.class_names)
            ],
            "tags": [
                {"name": name, "value_type": "any_string" if name in of_objects else "none", "color": _color(number)}
                for number, name in enumerate(names)
            ],
            "projectType": "images",
        }
        yield "meta.json", [json_bytes(meta, indent=2)]


def _entries(shape: Shape, where: str) -> list[dict[str, Any]]:
    """The entries of one object, with its attributes as tags; its pieces share an instance."""
    tags = [{"name": name, "value": str(value)} for name, value in foreign_attributes(shape).items()]
    entries = [{**entry, "tags": tags} for entry in new_objects(shape)]
    if len(entries) > 1:
        instance = hashlib.sha256(where.encode("utf-8", "backslashreplace")).hexdigest()[:32]
        entries = [{**entry, "instance": instance} for entry in entries]
    return entries


def _color(number: int) -> str:
    red, green, blue = colorsys.hsv_to_rgb(number * _HUE_STEP % 1, 0.8, 0.9)
    return f"#{round(red * 255):02X}{round(green * 255):02X}{round(blue * 255):02X}"
