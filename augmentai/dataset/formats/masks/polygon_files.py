"""Cityscapes' outlines next to its masks: gtFine_polygons.json, from which the masks were drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.drawn_shapes import is_same_place, outlined, traced
from augmentai.dataset.formats.format_writer import json_bytes
from augmentai.dataset.formats.label_values import category, load_json, point, rounded
from augmentai.dataset.formats.masks.mask_file import MaskFile

_NAME = "cityscapes"  # the key of what this format keeps in `extra`
_ENDING = "_polygons.json"


@dataclass(frozen=True, slots=True)
class PolygonFile:
    """The outlines of one image. name: how the file is named after its image."""

    name: MaskFile

    @property
    def entry(self) -> Entry:
        """The file."""
        return self.name.entry

    def shapes(self) -> tuple[Shape, ...]:
        """The objects, in the order of the file.

        Raises:
            LabelError: the file cannot be read; the message names the object.
        """
        found = []
        for number, raw in enumerate(self._content()["objects"]):
            try:
                found.append(_shape(raw, number))
            except ValueError as error:
                raise LabelError(f"{self.entry.path}, object {number + 1}: {error}") from error
        return tuple(found)

    def file_for(self, file: str, labels: Labels, size_wh: tuple[int, int]) -> tuple[str, bytes]:
        """The outlines of a variation as a file: (its path, its content).

        Args:
            file: the path of the variation.
            labels: its labels; the objects of this file are among its shapes.
            size_wh: its width and height in pixels.
        """
        before = self.shapes()
        shapes = labels.shapes
        if len(shapes) == len(before) and all(map(is_same_place, shapes, before)):
            return self.name.path_for(file), self.entry.read()
        content = self._content()
        objects = [
            {**self._said(content, shape), "polygon": [[rounded(x), rounded(y)] for x, y in ring]}
            for shape in shapes
            for ring in (*shape.polygons, *shape.lines)
        ]
        made = {**content, "imgWidth": size_wh[0], "imgHeight": size_wh[1], "objects": objects}
        return self.name.path_for(file), json_bytes(made)

    def _said(self, content: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
        """What the file says of an object; of a pasted one, its class."""
        number = shape.extra.get(_NAME)
        return {"label": shape.category} if number is None else dict(content["objects"][number])

    def _content(self) -> dict[str, Any]:
        content = load_json(self.entry)
        if not isinstance(content, dict) or not isinstance(content.get("objects"), list):
            raise LabelError(f"{self.entry.path} has no objects; expected Cityscapes' imgWidth, imgHeight and objects")
        return content


def polygon_file(tree: Tree, masks: Sequence[MaskFile]) -> PolygonFile | None:
    """The outlines that one of an image's masks was drawn from: a_gtFine_polygons.json beside a_gtFine_labelIds.png."""
    for mask in masks:
        suffix = f"{mask.suffix.rpartition('_')[0]}{_ENDING}"
        path = joined(parent(mask.entry.path), f"{mask.prefix}{mask.core or mask.image_stem}{suffix}")
        entry = tree.sidecar(path, mask.entry.origin)
        if entry is not None:
            suffix = suffix.removesuffix(".json")
            return PolygonFile(MaskFile(entry, mask.prefix, suffix, mask.core, mask.image_stem))
    return None


def _shape(raw: object, number: int) -> Shape:
    if not isinstance(raw, dict) or not isinstance(raw.get("polygon"), list):
        raise ValueError("expected a mapping with label and polygon")  # noqa: TRY004 (a fault in the file)
    name = category(raw.get("label"))
    ring = [point(one, f"point {i} of {name}") for i, one in enumerate(raw["polygon"], 1)]
    extra = {_NAME: number}
    return outlined(name, ring, extra) if len(ring) > 2 else traced(name, ring, extra)
