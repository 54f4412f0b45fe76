"""Small images of the variations of a running job and of their sources, written beside its ZIP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.drawing.label_drawing import ClassColours, drawing
from augmentai.dataset.drawing.outlines import MOST_DRAWN, all_shapes_of
from augmentai.dataset.resized_labels import resized
from augmentai.images.photo import ImageError
from augmentai.images.preview import distance, encode_for_web, shrink, thumbnail
from augmentai.inspection.examine import count_objects
from augmentai.operations import warp_from_manifest
from augmentai.operations.move_labels import move_labels
from augmentai.operations.moves import whole_move
from augmentai.operations.warp import Warp
from augmentai.types import Outcome, Source, Variation
from augmentai.web.jobs.snapshot import ResultRow

PREVIEW_SIDE_PX = 384


@dataclass(frozen=True)
class _SmallSource:
    """The small copy of a source, its labels, and the files of both; nothing if it cannot be read."""

    image: Image.Image | None = None
    path: str = ""
    labels: Labels | None = None  # in the pixels of the copy
    drawing: str = ""
    objects: Counter[str] = field(default_factory=Counter)


class PreviewWriter:
    """Writes the small images of one job, and their labels as drawings, in the order in which its variations finish."""

    def __init__(self, max_pixels: int, class_names: Sequence[str] = ()) -> None:
        """max_pixels: sources with more pixels get no preview. class_names: those of the labels, for their colours."""
        self._max_pixels = max_pixels
        self._colours = ClassColours(class_names)
        self._last_sha256 = ""  # of the source whose preview is kept for its next variation
        self._last = _SmallSource()

    def write(self, outcome: Outcome, variation: Variation, folder: Path) -> ResultRow:
        """Write the previews of one variation into its own folder. Raises OSError."""
        small = shrink(variation.image, PREVIEW_SIDE_PX)
        source = self._source_preview(outcome.source, variation.image.size, folder)
        image, path, source_drawing = source.image, source.path, source.drawing
        geometry = whole_move(variation.details)
        if image is not None and geometry is not None:
            warp = warp_from_manifest(geometry, variation.image.size, image.size)
            image, path = _aligned(image, warp, folder)
            source_drawing = self._aligned_drawing(source, warp, outcome.source.label, folder)
        labels = _small_labels(variation.labels, variation.image.size, small.size)
        shapes = all_shapes_of(labels, outcome.source.label)
        return replace(
            _counted(outcome, variation, source.objects),
            preview=_write(small, folder, "variation"),
            source_preview=path,
            original_preview=source.path,
            changed=distance(image, small) if image is not None else None,
            drawing=self._draw(shapes, small.size, folder, "labels"),
            source_drawing=source_drawing,
            original_drawing=source.drawing,
        )

    def count(self, outcome: Outcome, variation: Variation) -> ResultRow:
        """The row of a variation without small images: its objects are counted all the same."""
        source, before = outcome.source, Counter[str]()
        if variation.details.get("labels_dropped") and source.labels is not None:
            with suppress(ImageError, LabelError, OSError):
                before = _objects(source.label, source.labels.load())
        return _counted(outcome, variation, before)

    def _source_preview(self, source: Source, full_wh: tuple[int, int], folder: Path) -> _SmallSource:
        """The small source and its files, made once for consecutive variations of it."""
        if self._last_sha256 != source.sha256:
            self._last_sha256, self._last = source.sha256, _SmallSource()
            with suppress(ImageError, LabelError, OSError):
                small = thumbnail(source.read(), source.path, self._max_pixels, PREVIEW_SIDE_PX)
                full = None if source.labels is None else source.labels.load()
                labels = _small_labels(full, full_wh, small.size)
                drawing = self._draw(all_shapes_of(labels, source.label), small.size, folder, "source-labels")
                objects = _objects(source.label, full)
                self._last = _SmallSource(small, _write(small, folder, "source"), labels, drawing, objects)
        return self._last

    def _aligned_drawing(self, source: _SmallSource, warp: Warp, label: str | None, folder: Path) -> str:
        if source.labels is None or source.image is None:
            return ""
        moved = move_labels(warp, source.labels, least_visible=0)
        return self._draw(all_shapes_of(moved, label), source.image.size, folder, "source-labels-aligned")

    def _draw(self, shapes: Sequence[Shape], size_wh: tuple[int, int], folder: Path, stem: str) -> str:
        if not shapes:
            return ""
        path, shapes = folder / f"{stem}.svg", shapes[:MOST_DRAWN]
        path.write_text(drawing(shapes, size_wh, self._colours.of(shapes)), encoding="utf-8")
        return str(path)


def _small_labels(labels: Labels | None, full_wh: tuple[int, int], small_wh: tuple[int, int]) -> Labels | None:
    return None if labels is None else resized(labels, full_wh, small_wh)


def _objects(label: str | None, labels: Labels | None) -> Counter[str]:
    """As an inspection counts them: 0 of what a mask shows."""
    return Counter[str]() if labels is None else Counter(dict(count_objects(label, labels)))


def _counted(outcome: Outcome, variation: Variation, before: Counter[str]) -> ResultRow:
    """A row with its objects, and with those that left the frame. before: the objects of its source."""
    objects = _objects(outcome.source.label, variation.labels)
    lost = before - objects if variation.details.get("labels_dropped") else Counter[str]()
    return replace(row_of(outcome, variation), objects=objects, lost=lost)


def row_of(outcome: Outcome, variation: Variation) -> ResultRow:
    """The row of a variation without previews."""
    return ResultRow(
        file=variation.file,
        source=outcome.source.path,
        sha256=outcome.source.sha256,
        labels=_class_names(outcome.source.label, variation.labels),
        index=outcome.index,
        engine=variation.engine,
        model=variation.model,
        seed=outcome.seed,
        strength=variation.strength,
        prompt=variation.prompt,
        style=str(variation.details.get("donor", "")),
        preview="",
        source_preview="",
        changed=None,
        size_wh=variation.image.size,
        geometry=whole_move(variation.details),
        scores=outcome.scores,
    )


def _aligned(source: Image.Image, warp: Warp, folder: Path) -> tuple[Image.Image | None, str]:
    """The small source warped as its variation was, and its file. A failure here must not end the job."""
    try:
        moved = warp.image(source)
    except (RuntimeError, ValueError, MemoryError):
        return None, ""
    return moved, _write(moved, folder, "source-aligned")


def _write(image: Image.Image, folder: Path, stem: str) -> str:
    data, ending = encode_for_web(image)
    path = folder / f"{stem}.{ending}"
    path.write_bytes(data)
    return str(path)


def _class_names(label: str | None, labels: Labels | None) -> tuple[str, ...]:
    if label is not None or labels is None:
        return (label,) if label else ()
    return tuple(sorted({shape.category for shape in labels.shapes}))
