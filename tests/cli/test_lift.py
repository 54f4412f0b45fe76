"""`augmentai lift`, as a process of its own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from tests.support.command_line import augmentai


def light_and_dark(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    for label, low in (("dark", 0), ("light", 150)):
        (folder / label).mkdir(parents=True)
        for number in range(3):
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(low, low + 90, (40, 40, 3), dtype=np.uint8)).save(buffer, "PNG")
            (folder / label / f"{number}.png").write_bytes(buffer.getvalue())
    return folder


def test_json_and_plot_of_two_recipes_of_one_name(tmp_path: Path) -> None:
    place = light_and_dark(tmp_path / "lights")
    for folder, strength in (("a", 0), ("b", 1)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(f"strength: {strength}\nvariations: 1\nfilters: false\n")
    files = [word for folder in "ab" for word in ("--recipe", str(tmp_path / folder / "mine.yaml"))]
    done = augmentai("lift", place, *files, "-e", "gan", "-g", "none", "--json", "--plot", tmp_path / "plot.svg")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["recipe"] for one in found["recipes"]] == ["mine", "mine 2"]
    assert {one["verdict"] for one in found["recipes"]} == {"cannot tell"}
    assert found["recipes"][0]["notes"] == ["this recipe changes nothing"]
    assert (found["set"], found["split"], found["pictures"]) == ("lights", "folds", 6)
    words = [text.text for text in ElementTree.parse(tmp_path / "plot.svg").findall(".//{*}text")]
    assert "mine 2" in words


def test_the_table(tmp_path: Path) -> None:
    done = augmentai("lift", light_and_dark(tmp_path / "lights"), "-e", "gan", "-n", "1", "--no-filters", "--seed", "4")
    assert done.returncode == 0, done.stderr
    assert "lights: 2 classes, 6 test images (each image in turn, by models that never saw it)" in done.stdout
    assert "seed 4" in done.stdout
    assert "these flags" in done.stdout
    assert "cannot tell" in done.stdout


def test_what_cannot_be_measured_ends_with_status_two(tmp_path: Path) -> None:
    place = light_and_dark(tmp_path / "lights")
    no_class = augmentai("lift", place / "dark")
    assert (no_class.returncode, no_class.stdout) == (2, "")
    assert "no image has a class; put the images of each class into a folder of its own" in no_class.stderr
    assert augmentai("lift", place, "--recipe", tmp_path / "missing.yaml").returncode == 2
    hosted = augmentai("lift", place, "-e", "stability")
    assert hosted.returncode == 2
    assert "--paid" in hosted.stderr
    picture = augmentai("lift", place, "--plot", tmp_path / "plot.png")
    assert picture.returncode == 2
    assert "plot.png: the plot is an SVG image; name a file that ends with .svg" in picture.stderr
    for file in place.rglob("*.png"):
        file.write_bytes(b"no image")
    broken = augmentai("lift", place)
    assert broken.returncode == 2
    assert broken.stderr.count("dark/0.png") == 1
