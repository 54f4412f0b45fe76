"""Any labelled set written as COCO panoptic: SPLIT/..., a PNG of segments for each image, and panoptic_SPLIT.json."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from augmentai.annotations import Labels, Shape, mask_to_box
from augmentai.dataset.formats.base import OutputFile, StreamedFiles
from augmentai.dataset.formats.coco.writer import head_with_images, tail_with_categories
from augmentai.dataset.formats.format_writer import SPLITS, ListingWriter, class_number, json_bytes
from augmentai.dataset.formats.masks.mask_file import encode_mask
from augmentai.dataset.formats.masks.raster import pixels_of
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


class PanopticWriter(ListingWriter):
    """Writes SPLIT/..., annotations/panoptic_SPLIT/... and annotations/panoptic_SPLIT.json."""

    needs_outlines = True

    def image_path(self, source: Source) -> str:
        return f"{source.split or 'images'}/{self.bare_path(source)}"

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        ids = self._ids(self._outlined(source, labels), size_wh)
        colours = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8)
        return [(f"{_folder(source.split)}/{_png_name(source, file)}", encode_mask(Image.fromarray(colours)))]

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        shapes = self._outlined(source, labels)
        ids = self._ids(shapes, size_wh)
        segments = []
        for number, shape in enumerate(shapes, 1):
            pixels = ids == number
            box = mask_to_box(pixels)
            if box is not None:
                x0, y0, x1, y1 = map(int, box)
                area = int(np.count_nonzero(pixels))
                crowd = int(bool(shape.extra.get("coco", {}).get("iscrowd")))
                where = {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": area, "iscrowd": crowd}
                segments.append({"id": number, "category": shape.category, **where})
        return {"size_wh": list(size_wh), "segments": segments}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for split in (*SPLITS, None):
            if any(row.source.split == split for row in rows):
                yield f"{_folder(split)}.json", self._json(rows, split)

    def _outlined(self, source: Source, labels: Labels | None) -> list[Shape]:
        """The objects that have pixels of their own."""
        shapes = self.objects_without_keypoints(source, labels)
        outlined = [shape for shape in shapes if shape.has_outline]
        if len(outlined) < len(shapes):
            self.lose("objects without an outline were left out: not all of a box is the object")
        self.lose_attributes(outlined, kept={"iscrowd"})
        return outlined

    def _ids(self, shapes: Sequence[Shape], size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
        """The number of the object of each pixel, from 1; (height, width) of uint32. Small ones lie over large ones."""
        ids = np.zeros((size_wh[1], size_wh[0]), np.uint32)
        areas = [pixels_of(shape, size_wh) for shape in shapes]
        for index in sorted(range(len(shapes)), key=lambda one: -int(areas[one].sum())):
            if (ids[areas[index]] > 0).any():
                self.lose("where objects overlap, the smaller one was kept: a pixel is of one segment")
            ids[areas[index]] = index + 1
        return ids

    def _json(self, rows: ImageRows, split: str | None) -> Iterator[bytes]:
        numbers = {name: number for number, name in enumerate(self.class_names, 1)}
        yield from head_with_images(rows, split)
        for number, (row, record) in enumerate(self.records(rows, split), 1):
            segments = [
                {
                    "category_id": class_number(one["category"], numbers),
                    **{key: value for key, value in one.items() if key != "category"},
                }
                for one in record["segments"]
            ]
            name = _png_name(row.source, row.file)
            listed = {"image_id": number, "file_name": name, "segments_info": segments}
            yield (b",\n" if number > 1 else b"") + json_bytes(listed)
        yield tail_with_categories(
            {"id": number, "name": name, "supercategory": "", "isthing": 1} for name, number in numbers.items()
        )


def _folder(split: str | None) -> str:
    return f"annotations/panoptic{'_' + split if split else ''}"


def _png_name(source: Source, file: str) -> str:
    """The name of an image's PNG in its folder."""
    return str(PurePosixPath(file.removeprefix(f"{source.split or 'images'}/")).with_suffix(".png"))
