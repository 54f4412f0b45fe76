"""Any labelled set written as LabelMe: SPLIT/... with a JSON file beside each image."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import OutputFile, StreamedFiles
from augmentai.dataset.formats.declared_classes import LABELME_FIRST, class_list
from augmentai.dataset.formats.format_writer import FormatWriter, json_bytes
from augmentai.dataset.formats.labelme.annotation import new_shapes
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_VERSION = "5.5.0"  # of LabelMe, whose fields these are


class LabelMeWriter(FormatWriter):
    """Writes SPLIT/... with a JSON file beside each image, and labels.txt, which names the classes."""

    holds_lines = True
    holds_tags = True

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        shapes = enumerate(self.objects_without_keypoints(source, labels), 1)
        content = {
            "version": _VERSION,
            "flags": dict.fromkeys(labels.extra.get("tags", ()), True),
            "shapes": [entry for number, shape in shapes for entry in _grouped(new_shapes(shape), number)],
            "imagePath": PurePosixPath(file).name,
            "imageData": None,
            "imageHeight": size_wh[1],
            "imageWidth": size_wh[0],
        }
        return [(str(PurePosixPath(file).with_suffix(".json")), json_bytes(content, indent=2))]

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        yield "labels.txt", [class_list((*LABELME_FIRST, *self.class_names))]


def _grouped(pieces: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """The pieces of the object of a number, held together as LabelMe does it."""
    return pieces if len(pieces) < 2 else [{**piece, "group_id": number} for piece in pieces]
