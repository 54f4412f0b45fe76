"""Many results at once: exclude all that are shown, undo, draw at random, one file in all its pixels."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from augmentai.settings import Settings
from tests.support.app_server import serving
from tests.support.page_steps import photos
from tests.support.tab import Tab


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Settings(), tmp_path_factory.mktemp("curation")) as address:
        yield address


@pytest.fixture(scope="module")
def labelled(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tab, dict[str, Any]]:
    """A tab with three variations of each of three images with boxes, and what it shows."""
    folder = tmp_path_factory.mktemp("set")
    with zipfile.ZipFile(folder / "boxes.zip", "w") as archive:
        archive.writestr("data.yaml", "train: images\nnames: [cat, <b>dog]\n")
        for number, photo in enumerate(photos(folder, "a.png", "b.png", "c.png")):
            archive.write(photo, f"images/{photo.name}")
            boxes = "0 0.3 0.4 0.2 0.4\n1 0.7 0.5 0.3 0.3\n" if number else "0 0.5 0.5 0.4 0.4\n"
            archive.writestr(f"labels/{photo.stem}.txt", boxes)
    tab = Tab(url)
    _, shown = tab.made([folder / "boxes.zip"], variations=3, filters=False, seed=5)
    return tab, shown


def items(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return list(shown["gallery"]["props"]["items"])


def excluded(shown: dict[str, Any]) -> list[str]:
    return [item["file"] for item in items(shown) if item["excluded"]]


def file_of(tab: Tab, path: str) -> bytes:
    answer = httpx.get(f"{tab.url}gradio_api/file={path}")
    assert answer.status_code == 200
    return answer.content


ALL = ["", "", "all", "name"]


def test_all_of_a_photo_or_a_class_are_excluded_and_that_is_undone(labelled: tuple[Tab, dict[str, Any]]) -> None:
    tab, _ = labelled
    of_b = ["images/b.png", "", "all", "name", 1]
    assert len(excluded(tab.call("exclude_all", of_b))) == 3
    shown = tab.call("exclude_all", ["", "<b>dog", "all", "name", 1])
    assert len(excluded(shown)) == 6
    assert "3 images, 6 excluded" in str(shown["pack"])
    assert len(items(tab.call("show", ["", "", "excluded", "name"]))) == 6
    assert len(items(tab.call("show", ["", "", "included", "name"]))) == 3
    tab.call("include_all", ["", "", "excluded", "name", 1])
    assert items(tab.call("show", ["", "", "excluded", "name"])) == []
    for left in (6, 3, 0):
        assert len(excluded(tab.call("undo", [*ALL, 1], {}))) == left
    tab.call("exclude", ALL, {"files": ["images/a__v1.png", "images/c__v2.png"], "included": [], "revision": 10**15})
    shown = tab.call("exclude", ALL, {"files": [], "included": ["images/a__v1.png"], "revision": 10**15 + 1})
    assert "8 images, 1 excluded" in str(shown["pack"])
    tab.call("undo", [*ALL, 1], {})
    tab.call("undo", [*ALL, 1], {})
    assert excluded(tab.call("show", ALL)) == []


def test_labels_are_drawn_over_source_and_variation(labelled: tuple[Tab, dict[str, Any]]) -> None:
    tab, shown = labelled
    assert "draw-labels" in shown
    assert "&lt;b&gt;dog" in shown["classes"]
    for item in items(tab.call("show", ALL)):
        many = "images/a" not in item["file"]
        assert item["objects"] == ("1 <b>dog, 1 cat" if many else "1 cat")
        for drawing in (item["drawing"], item["sourceDrawing"]):
            svg = file_of(tab, drawing).decode()
            assert svg.count("<polygon") == 1 + many
            assert ("&lt;b&gt;dog" in svg) == many
            assert "<b>" not in svg


def test_one_image_is_saved_and_seen_in_all_its_pixels(labelled: tuple[Tab, dict[str, Any]]) -> None:
    tab, shown = labelled
    full = tab.call("full", [], {"file": "images/b__v2.png"})["gallery"]["props"]["pixels"]
    with zipfile.ZipFile(io.BytesIO(file_of(tab, shown["zip"]["value"]["path"]))) as archive:
        assert archive.read("images/b__v2.png") == file_of(tab, full["save"])
    assert full["save"].endswith("/b__v2.png")
    for path in (full["preview"], full["sourcePreview"]):
        with Image.open(io.BytesIO(file_of(tab, path))) as image:
            assert image.size == (60, 44)


def test_others_are_drawn_at_random_each_time(labelled: tuple[Tab, dict[str, Any]]) -> None:
    tab, _ = labelled
    shown = tab.call("draw", ALL)
    assert len(items(shown)) == 9, "there are no more"
    assert json.dumps(shown["shown"]).count("random")


def test_a_class_has_one_colour_in_legend_and_drawings(url: str, tmp_path: Path) -> None:
    """Pascal VOC lists no classes, so that nothing but the images says which there are."""
    with zipfile.ZipFile(tmp_path / "boxes.zip", "w") as archive:
        for photo, name in zip(photos(tmp_path, "a.png", "b.png"), ("zebra", "ant"), strict=True):
            archive.write(photo, photo.name)
            box = "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>30</xmax><ymax>30</ymax></bndbox>"
            archive.writestr(f"{photo.stem}.xml", f"<annotation><object><name>{name}</name>{box}</object></annotation>")
    tab = Tab(url)
    _, shown = tab.made([tmp_path / "boxes.zip"], variations=2, filters=False, seed=5)
    for item in items(shown):
        (colour,) = set(re.findall(r'stroke="(#\w+)"', file_of(tab, item["drawing"]).decode()))
        name = "zebra" if item["file"].startswith("a") else "ant"
        assert f'background:{colour}" aria-hidden="true"></i>{name} ' in shown["classes"]
