"""The contact sheet: small previews of sources and their variations."""

from __future__ import annotations

import base64
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from augmentai.dataset.contact_sheet import PAIRS
from augmentai.dataset.manifest import CARD, SHEET
from augmentai.recipe import Recipe
from tests.support.image_files import png
from tests.support.runs import photos_in_awkward_classes, run_to_end

RECIPE = Recipe(seed=5, engine="gan", variations=2)


def run(photos: Path, out: Path) -> Path:
    run_to_end(photos, out, RECIPE)
    return out


def previews(svg: bytes) -> list[Image.Image]:
    """The images of a contact sheet: sources and variations in turn."""
    root = ET.fromstring(svg)
    uris = [node.attrib["href"] for node in root.iter() if node.tag.endswith("image")]
    return [Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,")))) for uri in uris]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return photos_in_awkward_classes(tmp_path / "photos")


def test_contact_sheet(photos: Path, tmp_path: Path) -> None:
    out = run(photos, tmp_path / "out")
    svg = (out / SHEET).read_bytes()
    images = previews(svg)
    assert len(images) == 2 * PAIRS
    assert all(image.size == (48, 32) for image in images)  # as the sources: nothing is enlarged in the file
    assert all(a.tobytes() != b.tobytes() for a, b in zip(images[::2], images[1::2], strict=True))
    text = "".join(ET.fromstring(svg).itertext())
    assert "ねこ" in text
    assert "cats & dogs" in text
    assert f"]({SHEET})" in (out / CARD).read_text()


def test_previews_are_small(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(png((1600, 900)))
    (tmp_path / "photos" / "tall.png").write_bytes(png((60, 2000), seed=2))
    sizes = [p.size for p in previews((run(tmp_path / "photos", tmp_path / "out") / SHEET).read_bytes())]
    assert max(max(size) for size in sizes) <= 352
    assert len(sizes) == 8
