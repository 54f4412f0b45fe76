"""Rotated boxes and ellipses of CVAT stay on painted ones, wherever geometry moves them, and stay what they are."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.image_files import encoded
from tests.support.labelled_sets import augmented, write
from tests.support.painted_objects import COLOURS, SCALE, SIZE_WH, filled, overlap, seen

Ring = list[tuple[float, float]]
ELEMENTS = (
    '<box label="0" xtl="40" ytl="60" xbr="110" ybr="100" rotation="30" occluded="0" z_order="0"/>'
    '<ellipse label="1" cx="170" cy="95" rx="42" ry="22" rotation="340" occluded="0" z_order="0"/>'
)


def ring_of(element: ElementTree.Element) -> Ring:
    """The outline that CVAT draws: a box or an ellipse, rotated clockwise around its centre."""
    values = {key: float(value) for key, value in element.attrib.items() if key not in {"label", "source"}}
    turn = math.radians(values.get("rotation", 0))
    if element.tag == "box":
        x, y = (values["xtl"] + values["xbr"]) / 2, (values["ytl"] + values["ybr"]) / 2
        half_width, half_height = (values["xbr"] - values["xtl"]) / 2, (values["ybr"] - values["ytl"]) / 2
        own = [(sx * half_width, sy * half_height) for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    else:
        assert element.tag == "ellipse"
        x, y = values["cx"], values["cy"]
        angles = np.linspace(0, math.tau, 100, endpoint=False)
        own = [(values["rx"] * math.cos(a), values["ry"] * math.sin(a)) for a in angles]
    cos, sin = math.cos(turn), math.sin(turn)
    return [(x + u * cos - v * sin, y + u * sin + v * cos) for u, v in own]


@pytest.mark.parametrize("geometry", ["flip", "light", "strong"])
def test_rotated_boxes_and_ellipses(geometry: str, tmp_path: Path) -> None:
    text = f'<image id="0" name="a.png" width="{SIZE_WH[0]}" height="{SIZE_WH[1]}">{ELEMENTS}</image>'
    image = Image.new("RGB", (SIZE_WH[0] * SCALE, SIZE_WH[1] * SCALE), (120, 120, 120))
    for element, colour in zip(ElementTree.fromstring(text), COLOURS, strict=False):
        corners = [(x * SCALE - 0.5, y * SCALE - 0.5) for x, y in ring_of(element)]
        ImageDraw.Draw(image).polygon(corners, fill=colour)
    picture = encoded(image.resize(SIZE_WH, Image.Resampling.BOX))
    files = {"a.png": picture, "annotations.xml": f"<annotations>{text}</annotations>".encode()}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", geometry=geometry, variations=6)
    _, *made = ElementTree.parse(tmp_path / "out/annotations.xml").getroot()
    assert len(made) == 6
    kinds: set[str] = set()
    for one in made:
        name = one.attrib["name"]
        pixels = Image.open(tmp_path / "out" / name).convert("RGB")
        share = (90 - int(name.removesuffix(".png").rpartition("v")[2])) / 100  # by which the test's engine darkens it
        bitmaps = seen(pixels.point(lambda value, share=share: min(255, round(value / share))))  # type: ignore[misc]
        for element in one:
            if element.tag == "polygon":  # the border has cut it
                continue
            kinds.add(element.tag)
            within = bitmaps[int(element.attrib["label"])]
            assert overlap(filled([ring_of(element)]), within) > (0.95 if geometry != "strong" else 0.9), name
    assert kinds == {"box", "ellipse"}
