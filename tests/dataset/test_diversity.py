"""How much the variations of a run differ, by real runs over crops of photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import augmentai
from augmentai.settings import EXAMPLES
from tests.support.command_line import augmentai as command

_PHOTOS = ("chelsea.png", "china.jpg", "coffee.png", "flower.jpg")
Run = Callable[..., dict[str, Any]]


def write_set(folder: Path, classes: int = 2, images: int = 8) -> Path:
    """Crops of four photographs, divided among so many class folders; none for 0 classes."""
    for number in range(images):
        photo = Image.open(EXAMPLES / _PHOTOS[number % 4]).convert("RGB").resize((240, 160))
        left = 40 * (number // 4)
        path = folder / (f"class{number % classes}" if classes else "") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.crop((left, 0, left + 96, 96)).save(path)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def made(folder: Path, name: str = "out", **recipe: Any) -> dict[str, Any]:
        options = {"engine": "none", "variations": 2, "seed": 3, "originals": "none", **recipe}
        return augmentai.run(folder, tmp_path / name, **options).report

    return made


def test_it_is_a_share_of_what_two_images_of_a_class_differ(run: Run, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    little, much = (
        run(folder, operations, geometry="none", operations=[operations])["diversity"]
        for operations in ("exposure", "robust")
    )
    assert 0 < little["from_source"] < much["from_source"]
    assert 0 < little["between_siblings"] < much["between_siblings"]
    assert little["between_sources"] == much["between_sources"] > little["from_source"]
    assert (little["variations"], little["sources"]) == (16, 8)
    share = f"{100 * little['from_source'] / little['between_sources']:.0f} %"
    words = f"variations differ from their source by {share} of what two images of a class differ"
    assert little["sentence"].startswith(words)
    assert words[1:] in (tmp_path / "exposure" / "dataset_card.md").read_text()


@pytest.mark.parametrize(
    ("classes", "images", "variations", "measured"),
    [
        pytest.param(2, 7, 1, False, id="few images"),
        pytest.param(8, 8, 1, False, id="no two images of a class"),
        pytest.param(0, 8, 1, True, id="no classes"),
    ],
)
def test_where_it_is_measured(
    classes: int, images: int, variations: int, measured: bool, run: Run, tmp_path: Path
) -> None:
    found = run(write_set(tmp_path / "set", classes, images), variations=variations, geometry="light")["diversity"]
    assert (found is not None) is measured
    if found is not None:
        assert found["between_siblings"] is None
        assert "two images of the set differ (8 variations of 8 images compared)" in found["sentence"]


def test_a_run_that_was_resumed_says_the_same(run: Run, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    whole = run(folder, geometry="light")["diversity"]
    manifest = tmp_path / "out" / "manifest.jsonl"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(lines[:5]))
    resumed = run(folder, geometry="light")
    assert (resumed["held"], resumed["diversity"]) == (5, whole)


def test_the_command_says_it(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    done = command("run", folder, "-o", tmp_path / "out.zip", "--engine", "none", "-g", "light", "--seed", "3")
    assert "variations differ from their source by" in " ".join(done.stderr.split())
