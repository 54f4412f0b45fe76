"""Labels in the formats of annotation tools stay on painted objects, whatever geometry moves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import list_readers, list_sets, tool_readers, tool_sets
from tests.support.image_files import encoded
from tests.support.labelled_sets import augmented, write
from tests.support.painted_objects import COLOURS, SIZE_WH, bounds, filled, overlap, rectangles, seen, stars
from tests.support.tool_readers import Objects, Ring
from tests.support.tool_sets import Drawn

READERS: dict[str, Callable[[Path], Objects]] = {
    "labelme": tool_readers.labelme,
    "supervisely": tool_readers.supervisely,
    "createml": lambda out: list_readers.createml(out / "labels.json"),
    "csv": lambda out: list_readers.csv_boxes(out / "boxes.csv"),
    "via": lambda out: list_readers.via(out / "via.csv"),
    "cvat": lambda out: list_readers.cvat(out / "annotations.xml", out),
}
DRAWN = tool_sets.DRAWN | list_sets.DRAWN
VARIATIONS = 4


def painted(kind: str) -> tuple[Image.Image, list[Drawn]]:
    """Boxes, rectangles as outlines, or stars as outlines."""
    image, shapes = stars() if kind == "stars" else rectangles()
    drawn: list[Drawn] = []
    for shape in shapes:
        assert shape.box is not None
        ring = list(shape.polygons[0]) if shape.polygons else tool_readers.corners(*shape.box)
        drawn.append((shape.category, "box" if kind == "boxes" else "polygon", ring))
    return image, drawn


def repainted(picture: Path) -> Image.Image:
    """A variation in the colours of its source: the test's engine darkens each by its number."""
    index = int(picture.stem.partition("__v")[2] or 0)
    return Image.open(picture).convert("RGB").point(lambda value: min(255, round(value * 100 / (90 - index))))


def area(ring: Ring, kind: str, pixels: np.ndarray) -> float:  # type: ignore[type-arg]
    """How far an object's label and its pixels agree: their intersection over their union."""
    if kind != "boxes":
        return overlap(filled([ring]), pixels)
    box = [tuple(map(float, corner)) for corner in tool_readers.corners(*bounds(pixels))]
    return overlap(filled([ring]), filled([box]))


@pytest.mark.parametrize("geometry", ["none", "light", "strong"])
@pytest.mark.parametrize("kind", ["boxes", "outlines", "stars"])
@pytest.mark.parametrize("name", DRAWN)
def test_labels_agree_with_the_pixels(name: str, kind: str, geometry: str, tmp_path: Path) -> None:
    if kind != "boxes" and name in list_sets.BOXES_ONLY:
        return
    image, drawn = painted(kind)
    given = write(tmp_path / "in", DRAWN[name](drawn, encoded(image), SIZE_WH))
    job = augmented([given], tmp_path / "out", geometry=geometry, variations=VARIATIONS)
    assert not job.report.failures
    assert job.gathered.layout.name == name
    found = {stem: objects for stem, objects in READERS[name](tmp_path / "out").items() if "__v" in stem}
    assert len(found) == VARIATIONS
    compared = 0
    for stem, objects in found.items():
        picture = next((tmp_path / "out").rglob(f"{stem}.png"))
        repaint = repainted(picture)
        bitmaps = seen(repaint, 0.2 if kind == "boxes" else 0.5)
        for category, _, ring in objects:
            pixels = bitmaps[int(category)]
            assert area(ring, kind, pixels) > (0.95 if kind != "stars" else 0.9), (stem, category)
            compared += 1
    assert compared >= 3 * VARIATIONS
    assert len(COLOURS) * VARIATIONS == compared or geometry != "none"
