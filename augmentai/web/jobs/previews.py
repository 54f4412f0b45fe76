"""Small images of the variations of a running job and of their sources, written beside its ZIP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from augmentai.annotations import Labels
from augmentai.images.photo import ImageError
from augmentai.images.preview import distance, encode_for_web, shrink, thumbnail
from augmentai.operations import warp_from_manifest
from augmentai.operations.moves import whole_move
from augmentai.types import Outcome, Source, Variation
from augmentai.web.jobs.snapshot import ResultRow

PREVIEW_SIDE_PX = 384


class PreviewWriter:
    """Writes the small images of one job, in the order in which its variations finish."""

    def __init__(self, max_pixels: int) -> None:
        """max_pixels: sources with more pixels get no preview."""
        self._max_pixels = max_pixels
        self._last_sha256 = ""  # of the source whose preview is kept for its next variation
        self._last: tuple[Image.Image | None, str] = (None, "")

    def write(self, outcome: Outcome, variation: Variation, folder: Path) -> ResultRow:
        """Write the previews of one variation into its own folder. Raises OSError."""
        small = shrink(variation.image, PREVIEW_SIDE_PX)
        source, source_path = self._source_preview(outcome.source, folder)
        geometry = whole_move(variation.details)
        if source is not None and geometry is not None:
            source, source_path = _aligned(source, geometry, variation.image.size, folder)
        return replace(
            row_of(outcome, variation),
            preview=_write(small, folder, "variation"),
            source_preview=source_path,
            changed=distance(source, small) if source is not None else None,
        )

    def _source_preview(self, source: Source, folder: Path) -> tuple[Image.Image | None, str]:
        """The small source and its file, made once for consecutive variations of it."""
        if self._last_sha256 != source.sha256:
            self._last_sha256 = source.sha256
            try:
                small = thumbnail(source.read(), source.path, self._max_pixels, PREVIEW_SIDE_PX)
                self._last = (small, _write(small, folder, "source"))
            except (ImageError, OSError):
                self._last = (None, "")
        return self._last


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
    )


def _aligned(
    source: Image.Image, geometry: Mapping[str, Any], full_wh: tuple[int, int], folder: Path
) -> tuple[Image.Image | None, str]:
    """The small source warped as its variation was, and its file. A failure here must not end the job."""
    try:
        moved = warp_from_manifest(geometry, full_wh, source.size).image(source)
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
