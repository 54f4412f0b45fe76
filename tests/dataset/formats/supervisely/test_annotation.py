"""Supervisely's figures: each kind is read, moves with the pixels, and is written as that kind again."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.annotations import LabelError
from augmentai.dataset.formats.supervisely.annotation import labels_from_supervisely
from augmentai.images.orientation import Frame
from tests.support.image_files import encoded
from tests.support.labelled_sets import augmented, contents, gathered, write
from tests.support.tool_sets import supervisely_file, supervisely_meta, supervisely_object

SIZE_WH = (200, 160)
FRAME = Frame(SIZE_WH, SIZE_WH, 1)
OUTER, HOLE = [[20, 20], [120, 20], [120, 110], [20, 110]], [[50, 40], [90, 40], [90, 80], [50, 80]]


def bitmap(mask: np.ndarray[Any, Any], mode: str, origin: list[int]) -> dict[str, Any]:
    """As the programs of its makers write it: a PNG of 1 or 4 channels, or with a palette."""
    image = Image.fromarray(mask.astype(np.uint8) * (1 if mode == "P" else 255), "P" if mode == "P" else "L")
    options: dict[str, Any] = {}
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 255, 255])
        options = {"transparency": 0}
    elif mode == "RGBA":
        alpha = image
        image = Image.new("RGB", image.size, (255, 255, 255))
        image.putalpha(alpha)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return {"data": base64.b64encode(zlib.compress(buffer.getvalue())).decode(), "origin": origin}


def ring() -> np.ndarray[Any, Any]:
    """A square with a hole, painted red, as an area of an image: (height, width) of bool."""
    image = Image.new("1", SIZE_WH)
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, 119, 109), fill=1)
    draw.rectangle((50, 40, 89, 79), fill=0)
    return np.asarray(image)


RING = ring()


def scene() -> bytes:
    pixels = np.full((SIZE_WH[1], SIZE_WH[0], 3), 120, np.uint8)
    pixels[RING] = (250, 10, 10)
    return encoded(Image.fromarray(pixels))


FIGURES: list[tuple[str, dict[str, Any]]] = [
    ("polygon", {"points": {"exterior": OUTER, "interior": [HOLE]}}),
    ("bitmap", {"bitmap": bitmap(RING[20:110, 20:120], "P", [20, 20])}),
    ("bitmap", {"bitmap": bitmap(RING[20:110, 20:120], "L", [20, 20])}),
    ("bitmap", {"bitmap": bitmap(RING[20:110, 20:120], "RGBA", [20, 20])}),
    ("alpha_mask", {"bitmap": bitmap(RING[20:110, 20:120], "RGBA", [20, 20])}),
]


def drawn(figure: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The area of a figure, read with nothing of the program."""
    image = Image.new("1", SIZE_WH)
    if "bitmap" in figure:
        png = zlib.decompress(base64.b64decode(figure["bitmap"]["data"]))
        part = Image.open(io.BytesIO(png))
        if part.mode != "L":
            part = part.convert("RGBA").getchannel("A")
        image.paste(part.point(lambda value: 255 if value else 0).convert("1"), tuple(figure["bitmap"]["origin"]))
        return np.asarray(image)
    draw = ImageDraw.Draw(image)
    draw.polygon([tuple(point) for point in figure["points"]["exterior"]], fill=1)
    for hole in figure["points"]["interior"]:
        draw.polygon([tuple(point) for point in hole], fill=0)
    return np.asarray(image)


@pytest.mark.parametrize("geometry", ["none", "strong"])
@pytest.mark.parametrize(("kind", "figure"), FIGURES, ids=["polygon", "palette", "gray", "alpha", "alpha mask"])
def test_an_area_with_a_hole_stays_on_its_pixels(
    kind: str, figure: dict[str, Any], geometry: str, tmp_path: Path
) -> None:
    entry = {"id": 5, "classTitle": "ring", "geometryType": kind, "tags": [{"name": "old", "value": "yes"}], **figure}
    files = {"p/ds/img/a.png": scene(), "p/meta.json": supervisely_meta("ring")}
    files["p/ds/ann/a.png.json"] = supervisely_file([entry], SIZE_WH, "night")
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=2, geometry=geometry)
    made = contents(tmp_path / "out")
    assert made["p/meta.json"] == files["p/meta.json"]
    for tag in ("__v1", "__v2"):
        content = json.loads(made[f"p/ds/ann/a{tag}.png.json"])
        assert content["tags"] == [{"name": "night", "value": None}]
        if geometry == "none":
            assert content["objects"] == [entry]
        areas = [drawn(one) for one in content["objects"]]
        assert {(one["geometryType"], one["tags"][0]["name"]) for one in content["objects"]} == {(kind, "old")}
        pixels = np.asarray(Image.open(io.BytesIO(made[f"p/ds/img/a{tag}.png"])), int)
        red = (pixels[..., 0] > 150) & (pixels[..., 1] < 60)
        area = np.any(areas, axis=0)
        assert (area & red).sum() / (area | red).sum() > 0.93


def test_lines_points_and_graphs_move(tmp_path: Path) -> None:
    """A mirror would exchange what the nodes of a graph mean, so only what has none is mirrored."""
    objects = [
        {"classTitle": "crack", "geometryType": "line", "points": {"exterior": [[60, 60], [80, 90]], "interior": []}},
        {"classTitle": "tip", "geometryType": "point", "points": {"exterior": [[70, 70]], "interior": []}},
        {
            "classTitle": "hand",
            "geometryType": "graph",
            "nodes": {"a1": {"loc": [60, 60], "disabled": True}, "b2": {"loc": [90, 90]}},
        },
        {"classTitle": "car", "geometryType": "cuboid", "points": {"exterior": [[60, 60], [90, 60], [90, 90]]}},
    ]
    files = {"ds/img/a.png": scene(), "meta.json": supervisely_meta("crack", "tip", "hand", "car")}
    files["ds/ann/a.png.json"] = supervisely_file(objects, SIZE_WH)
    given = write(tmp_path / "in", files)
    job = augmented([given], tmp_path / "out", variations=1, geometry="light", seed=3)
    found = json.loads(contents(tmp_path / "out")["ds/ann/a__v1.png.json"])["objects"]
    assert [one["geometryType"] for one in found] == ["line", "point", "graph"]
    line, dot, graph = found
    assert graph["nodes"]["a1"]["loc"] == pytest.approx(line["points"]["exterior"][0], abs=1e-2)
    assert graph["nodes"]["a1"]["disabled"] is True
    assert graph["nodes"]["a1"]["loc"] != [60, 60]
    assert dot["points"]["exterior"][0] != [70, 70]
    assert any("objects of the kind cuboid are removed" in str(value) for value in vars(job.report).values())


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("a text", "object 1: found 'a text'; expected a mapping"),
        ({"geometryType": "point"}, "object 1: its classTitle is None; expected the name of a class"),
        ({"classTitle": "a", "geometryType": "polygon", "points": {"exterior": [[1, 2]]}}, "its outline has 1 point"),
        ({"classTitle": "a", "geometryType": "line", "points": {"exterior": [[1, "x"]]}}, "point 1 of a is 'x'"),
        ({"classTitle": "a", "geometryType": "bitmap", "bitmap": {"data": "?", "origin": [1, 1]}}, "is not a PNG"),
        ({"classTitle": "a", "geometryType": "bitmap", "bitmap": {"data": "", "origin": None}}, "the origin of its"),
        ({"classTitle": "a", "geometryType": "graph", "nodes": []}, "nodes of a is []; expected a mapping"),
        ({"classTitle": "a", "geometryType": "volume"}, "is volume; expected rectangle, polygon, bitmap"),
    ],
)
def test_broken_objects(entry: Any, message: str) -> None:
    with pytest.raises(LabelError, match=r"ann/a\.json, object 1") as caught:
        labels_from_supervisely({"objects": [entry], "size": {}}, "ann/a.json", FRAME)
    assert message in str(caught.value)


def test_labels_drawn_on_the_stored_pixels_are_turned(tmp_path: Path) -> None:
    """EXIF says that the image is upright when it is turned; the file's size says what it was drawn on."""
    exif = Image.Exif()
    exif[0x0112] = 6
    entry = {
        "classTitle": "a",
        "geometryType": "rectangle",
        "points": {"exterior": [[0, 0], [200, 10]], "interior": []},
    }
    files = {"ds/img/a.jpg": encoded(Image.new("RGB", SIZE_WH), "JPEG", exif=exif)}
    files |= {"ds/ann/a.jpg.json": supervisely_file([entry], SIZE_WH), "meta.json": supervisely_meta("a")}
    found = gathered(write(tmp_path / "in", files)).sources[0].labels
    assert found is not None
    assert found.load().shapes[0].box == (150, 0, 160, 200)


def test_a_tag_called_as_a_field() -> None:
    """As a set has it that was written from LabelMe's descriptions."""
    one = supervisely_object(("cup", 4, 4, 20, 20)) | {"tags": [{"name": "description", "value": "seen from afar"}]}
    content = {"size": {"width": 48, "height": 32}, "tags": [], "objects": [one | {"description": "near"}]}
    (shape,) = labels_from_supervisely(content, "a.json", Frame((48, 32), (48, 32), 1)).shapes
    assert shape.extra["fields"] == {"description": "seen from afar"}
