"""CONTRIBUTING.md, followed: its package is built, installed beside AugmentAI, used, and removed again."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from augmentai.settings import EXAMPLES, ROOT
from tests.support.wheel import Environment, build_wheel, environment_with

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
FILES = dict(re.findall(r"^```\w+\n# ([\w./]+)\n(.*?)^```$", TEXT, re.M | re.S))
EMPTY = dict.fromkeys(re.findall(r"an empty\s+`([\w./]+)`", TEXT), "")
COMMANDS = dict.fromkeys(re.findall(r"^augmentai .+$", TEXT, re.M))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """AugmentAI as installed by pip, without extras, and the package of CONTRIBUTING.md."""
    folder = tmp_path_factory.mktemp("contributing")
    wheel = build_wheel(folder / "augmentai")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        required = Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist") or []
    for name, text in (FILES | EMPTY).items():
        (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "project" / name).write_text(text)
    environment = environment_with(folder / "venv", required)
    environment.install(wheel)
    environment.install(build_wheel(folder / "theirs", folder / "project"))
    return environment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with photos/, and coco.zip as the commands of CONTRIBUTING.md name them."""
    (tmp_path / "photos").mkdir()
    shutil.copy(EXAMPLES / "chelsea.png", tmp_path / "photos" / "cat.png")
    size = dict(zip(("width", "height"), Image.open(EXAMPLES / "chelsea.png").size, strict=True))
    listing = {
        "images": [{"id": 1, "file_name": "cat.png", **size}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [100, 50, 200, 150], "area": 30000}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    with zipfile.ZipFile(tmp_path / "coco.zip", "w") as archive:
        archive.write(EXAMPLES / "chelsea.png", "cat.png")
        archive.writestr("annotations.json", json.dumps(listing))
    return tmp_path


def run(home: Environment, folder: Path, command: str) -> None:
    """A command as it stands in CONTRIBUTING.md."""
    assert command in COMMANDS, "the command of this test is no longer in CONTRIBUTING.md"
    words = re.findall(r'"[^"]+"|\S+', command)
    done = home.run(*(word.strip('"') for word in words), folder=folder)
    assert done.returncode == 0, done.stderr


def difference(one: Path, other: Path) -> float:
    """Mean difference of two images in levels of 255."""
    with Image.open(one) as first, Image.open(other) as second:
        return sum(ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean) / 3


def test_each_example_is_about_ten_lines() -> None:
    modules = ("engine", "operation", "borrowing", "format")
    assert set(FILES) == {"pyproject.toml", *(f"my_augmentai/{name}.py" for name in modules)}
    for name, text in FILES.items():
        lines = [line for line in text.splitlines() if line.strip()]
        assert len(lines) <= 13, f"{name} has {len(lines)} lines"


def test_the_map_names_every_room_and_no_other() -> None:
    drawn = set(re.findall(r"^  (\w+)/ ", TEXT, re.M))
    there = {path.parent.name for path in (ROOT / "augmentai").glob("*/__init__.py")}
    assert drawn == there
    modules = set(re.findall(r"^  (\w+\.py) ", TEXT, re.M))
    assert all((ROOT / "augmentai" / module).is_file() for module in modules)


def test_the_engine_paints(home: Environment, folder: Path) -> None:
    run(home, folder, "augmentai photos/ -o negatives --engine negative --strength 0.8")
    (line,) = [json.loads(line) for line in (folder / "negatives" / "manifest.jsonl").read_text().splitlines()]
    assert (line["engine"], line["model"], line["strength"]) == ("negative", "my-augmentai 1.0", 0.8)
    assert difference(folder / "negatives" / "cat__v1.png", folder / "photos" / "cat.png") > 20


def test_the_operation_is_applied_and_recorded(home: Environment, folder: Path) -> None:
    run(home, folder, 'augmentai photos/ -o softer --operation "soften(radius=2..4)"')
    (line,) = [json.loads(line) for line in (folder / "softer" / "manifest.jsonl").read_text().splitlines()]
    radius = re.search(r'"radius_px": ([\d.]+)', json.dumps(line["details"]))
    assert radius
    assert 2 <= float(radius[1]) <= 4
    again = home.run("augmentai", "replay", "softer", folder=folder)
    assert again.returncode == 0, again.stderr


def test_the_operation_that_borrows_names_its_donor(home: Environment, folder: Path) -> None:
    shutil.copy(EXAMPLES / "coffee.png", folder / "photos" / "coffee.png")
    run(home, folder, "augmentai photos/ -o blended --operation blend")
    lines = [json.loads(line) for line in (folder / "blended" / "manifest.jsonl").read_text().splitlines()]
    lent = {line["source"]: line["details"]["operations"][0]["drawn"]["donors"][0]["path"] for line in lines}
    assert lent == {"cat.png": "coffee.png", "coffee.png": "cat.png"}
    again = home.run("augmentai", "replay", "blended", folder=folder)
    assert again.returncode == 0, again.stderr


def test_the_format_is_written_and_read(home: Environment, folder: Path) -> None:
    run(home, folder, "augmentai coco.zip -o corners_set --to corners")
    written = {path.name: path.read_text() for path in (folder / "corners_set").rglob("*.corners")}
    assert set(written) == {"cat.corners", "cat__v1.corners"}
    assert set(written.values()) == {"cat 100.0 50.0 300.0 200.0\n"}
    done = home.run("augmentai", "corners_set", "-o", "larger", folder=folder)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder / "larger").rglob("*.corners")} >= {"cat.corners", "cat__v1.corners"}


def test_what_was_removed_is_named(home: Environment, folder: Path) -> None:
    """Last in this file: the package is gone afterwards."""
    run(home, folder, "augmentai photos/ -o negatives --engine negative --strength 0.8")
    home.uninstall("my-augmentai")
    done = home.run("augmentai", "photos/", "-o", "more", "--recipe", "negatives/recipe.yaml", folder=folder)
    said = " ".join(done.stderr.split())
    assert done.returncode == 2
    assert (
        "engine is 'negative'; expected one of auto, stability, diffusion, gan, none, huggingface, comfy. If it comes"
        in said
    )
    assert "Traceback" not in said
