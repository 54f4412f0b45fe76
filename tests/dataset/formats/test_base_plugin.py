"""Formats of another package: read, written, converted to, resumed and replayed wherever the built-in ones are."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from gradio_client import Client

from augmentai.dataset.formats import BUILT_IN
from augmentai.dataset.formats.detect import format_named, label_suffixes, usable_formats
from augmentai.dataset.manifest import OWN_FILES
from augmentai.recipe import Recipe, RecipeError
from augmentai.registry import RegistryError
from tests.support import trainers
from tests.support.api_client import augment, manifest_of
from tests.support.app_process import app_process
from tests.support.command_line import run_command
from tests.support.labelled_sets import CATEGORIES, TRAIN, as_zip, augmented, coco, contents, gathered, masks, write
from tests.support.plugin_format import box_table, lbl, write_formats
from tests.support.plugin_package import installed, write_package

ROOT = Path(__file__).resolve().parents[3]
SETS = {"lbl": lbl(), "boxtable": box_table()}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_formats(tmp_path_factory.mktemp("site-packages") / "strangers")


@pytest.fixture
def with_package(package: Path) -> Iterator[None]:
    with installed(package):
        yield


def command(*words: str | Path, packages: Path | None) -> subprocess.CompletedProcess[str]:
    """The command line with or without the package."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STABILITY", "AUGMENTAI"))}
    return run_command(*words, environment=clean, package=packages, columns=400)


def own_files(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if name not in OWN_FILES}


@pytest.mark.usefixtures("with_package")
class TestInPython:
    @pytest.mark.parametrize("name", SETS)
    def test_recognised_by_itself_by_name_and_from_a_zip(self, name: str, tmp_path: Path) -> None:
        given = write(tmp_path / "set", SETS[name])
        for found in (gathered(given), gathered(given, layout=name)):
            assert found.layout.name == name
            assert not found.failures + found.notices
            assert {source.path for source in found.sources} == {f"train/{stem}.jpg" for stem in TRAIN}
            assert {source.split for source in found.holdout} == {"val", "test"}
            one = next(source for source in found.sources if source.path == "train/one.jpg")
            assert one.labels is not None
            assert [(s.category, s.box) for s in one.labels.load().shapes] == [
                ("red car", (4, 6, 24, 20)),
                ("bus", (30, 10, 60, 40)),
            ]
        if name == "lbl":
            zipped = gathered(as_zip(tmp_path / "set.zip", SETS[name]))
            assert zipped.layout.name == name
            assert len(zipped.sources) == len(TRAIN)

    @pytest.mark.parametrize("name", SETS)
    def test_labels_move_with_the_pixels_and_the_set_is_read_again(self, name: str, tmp_path: Path) -> None:
        job = augmented([write(tmp_path / "in", SETS[name])], tmp_path / "out", geometry="flip", variations=4)
        assert not job.report.failures
        again = gathered(tmp_path / "out")
        assert again.layout.name == name
        boxes = {
            source.path: [shape.box for shape in source.labels.load().shapes]
            for source in again.sources
            if source.labels is not None
        }
        made = [found for path, found in boxes.items() if "one__v" in path]
        assert len(made) == 4
        upright, mirrored = [(4, 6, 24, 20), (30, 10, 60, 40)], [(40, 6, 60, 20), (4, 10, 34, 40)]
        assert all(found in (upright, mirrored) for found in made)
        assert mirrored in made
        assert contents(tmp_path / "out")["val/three.jpg"] == SETS[name]["val/three.jpg"]

    @pytest.mark.parametrize("name", SETS)
    def test_any_set_is_converted_to_it_and_it_to_any(self, name: str, tmp_path: Path) -> None:
        augmented([write(tmp_path / "coco", coco())], tmp_path / "there", to=name, variations=1)
        found = gathered(tmp_path / "there")
        assert found.layout.name == name
        expected = {"red car": 1, "bus": 1}
        one = next(source for source in found.sources if source.path.endswith("/one__v1.jpg"))
        assert one.labels is not None
        assert {shape.category: 1 for shape in one.labels.load().shapes} == expected
        augmented([tmp_path / "there"], tmp_path / "back", to="coco", variations=1, originals="copy")
        boxes = trainers.pycocotools(tmp_path / "back/annotations/instances_val.json", tmp_path / "back/val")
        assert [(category, tuple(box)) for category, box in boxes["three"]] == [("bus", (8, 8, 40, 32))]

    def test_what_it_cannot_hold_is_reported(self, tmp_path: Path) -> None:
        job = augmented([write(tmp_path / "in", masks("beside"))], tmp_path / "out", to="lbl", variations=1)
        notices = job.report.as_dict()["notices"]
        assert "polygons and bitmaps were left out: Label lines does not hold them" in notices

    def test_a_broken_label_file_fails_its_image_alone(self, tmp_path: Path) -> None:
        files = lbl() | {"train/one.lbl": b"bus 1 2 3\n"}
        job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
        assert [(row["file"], row["reason"]) for row in job.report.failures] == [
            ("train/one.jpg", "train/one.lbl: line 1: expected a class and four corners")
        ]
        assert job.report.variations == len(TRAIN) - 1

    def test_a_set_of_another_format_is_refused_by_title(self, tmp_path: Path) -> None:
        found = gathered(write(tmp_path / "in", coco()), layout="lbl")
        assert not found.sources
        assert "not a Label lines dataset: expected a .lbl file per image, beside it" in found.failures[0].reason

    def test_choices_and_suffixes_include_it(self) -> None:
        from augmentai.recipe.fields import by_name

        assert ("Label lines", "lbl") in by_name("layout").kind.titled()
        assert ("Box table", "boxtable") in by_name("to").kind.titled()
        assert {".lbl", ".tsv"} <= set(label_suffixes())
        assert Recipe(layout="lbl", to="boxtable").to == "boxtable"


def test_uninstalled_the_message_names_what_is_installed() -> None:
    installed_formats = ", ".join(BUILT_IN)
    with pytest.raises(RecipeError, match=f"layout is 'lbl'; expected one of auto, {installed_formats}"):
        Recipe(layout="lbl")
    with pytest.raises(RecipeError, match="to is 'lbl'; expected one of same, yolo, coco, "):
        Recipe(to="lbl")
    with pytest.raises(RegistryError, match=f"no dataset format 'lbl'; installed: {installed_formats}"):
        format_named("lbl")


BROKEN = {
    "cannot be imported": ("import no_such_module_anywhere", "cannot be loaded (ModuleNotFoundError"),
    "is not a format": ("FORMAT = 7", "is a int; expected a Format of that name"),
    "is called otherwise": (
        "from augmentai.dataset.formats.base import Format\n"
        "FORMAT = Format(name='other', title='Other', hint='', detect=lambda tree, requested: None)",
        "is the format 'other'; expected a Format of that name",
    ),
    "fails to detect": (
        "from augmentai.dataset.formats.base import Format\n"
        "FORMAT = Format(name='faulty', title='Faulty', hint='', priority=9, detect=lambda tree, requested: 1 / 0)",
        "the format Faulty of strangers-fails-to-detect 1.0 failed (ZeroDivisionError: division by zero)",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_faulty_package_is_passed_over_with_a_notice(what: str, tmp_path: Path) -> None:
    source, said = BROKEN[what]
    module = f"strangers_{what.replace(' ', '_')}"
    folder = write_package(tmp_path / "site", module, source, {"augmentai.formats": {"faulty": f"{module}:FORMAT"}})
    with installed(folder):
        found = gathered(write(tmp_path / "in", coco()))
        assert found.layout.name == "coco"
        assert any(said in notice for notice in found.notices)
        refused = gathered(tmp_path / "in", layout="faulty")
        assert not refused.sources
        assert said in refused.failures[0].reason


def test_a_higher_priority_is_asked_first_and_class_folders_last(tmp_path: Path) -> None:
    source = (
        "from augmentai.dataset.formats.base import Format, Layout\n"
        "FORMAT = Format(name='first', title='First', hint='', priority=1, detect=lambda tree, requested: Layout())"
    )
    points = {"augmentai.formats": {"first": "strangers_first:FORMAT"}}
    folder = write_package(tmp_path / "site", "strangers_first", source, points)
    with installed(folder):
        order = [one.name for one in usable_formats()[0]]
        assert (order[0], order[-1]) == ("first", "folders")
        assert gathered(write(tmp_path / "in", coco())).layout.name == "first"
    assert gathered(tmp_path / "in").layout.name == "coco"


class TestCommandLine:
    def test_written_resumed_replayed_and_refused_without_the_package(self, package: Path, tmp_path: Path) -> None:
        given, out = write(tmp_path / "in", lbl()), tmp_path / "out"
        options = ("--layout", "lbl", "--to", "boxtable", "-e", "gan", "-n", "2", "--no-filters", "--seed", "7")
        done = command(given, "-o", out, *options, packages=package)
        assert done.returncode == 0, done.stderr
        whole = own_files(out)
        assert b"train/one__v1.jpg\tred car\t4\t6\t24\t20" in whole["boxes.tsv"]
        recipe = yaml.safe_load((out / "recipe.yaml").read_text("utf-8"))["recipe"]
        assert (recipe["layout"], recipe["to"]) == ("lbl", "boxtable")

        lines = (out / "manifest.jsonl").read_text("utf-8").splitlines(keepends=True)
        (out / "manifest.jsonl").write_text("".join(lines[:3]), "utf-8")  # as if it had been stopped after three
        for name in [name for name in whole if "two ü__v" in name or name == "boxes.tsv"]:
            (out / name).unlink()
        resumed = command(given, "-o", out, *options, packages=package)
        assert resumed.returncode == 0, resumed.stderr
        assert own_files(out) == whole

        replayed = command("replay", out, packages=package)
        assert replayed.returncode == 0, replayed.stderr
        assert own_files(tmp_path / "out-replay") == whole

        for words in ((given, "-o", out, *options), ("replay", out, "-o", tmp_path / "again")):
            refused = command(*words, packages=None)
            assert refused.returncode == 2
            assert "lbl" in refused.stderr
            assert "imagefolder" in refused.stderr
            assert "Traceback" not in refused.stderr

    def test_a_set_recognised_by_itself_needs_the_package_too(self, package: Path, tmp_path: Path) -> None:
        given, out = write(tmp_path / "in", lbl()), tmp_path / "out"
        options = ("-e", "gan", "--no-filters", "--seed", "7")
        assert command(given, "-o", out, *options, packages=package).returncode == 0
        versions = yaml.safe_load((out / "recipe.yaml").read_text("utf-8"))["versions"]
        assert versions["strangers-formats"] == "1.0"
        resumed = command(given, "-o", out, *options, packages=package)
        assert resumed.returncode == 0, resumed.stderr
        missing = "it used strangers-formats 1.0, which is not installed or not used now"
        refused = command(given, "-o", out, *options, packages=None)
        assert refused.returncode == 2
        assert missing in refused.stderr
        replayed = command("replay", out, packages=None)
        assert missing in replayed.stderr
        assert "Traceback" not in refused.stderr + replayed.stderr


def test_the_api_and_the_page_offer_it(package: Path, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    with app_process(tmp_path / "app", PYTHONPATH=str(package), AUGMENTAI_ENGINES="gan") as running:
        client = Client(running.url, verbose=False)
        controls = {one["props"].get("elem_id"): one["props"] for one in client.config["components"]}
        assert ["Label lines", "lbl"] in _pairs(controls["layout"]["choices"])
        assert ["Box table", "boxtable"] in _pairs(controls["to"]["choices"])
        offered = json.dumps(client.config["components"], default=str)
        assert '".lbl"' in offered  # among the suffixes that the drop zone accepts
        assert '".tsv"' in offered
        files = [as_zip(tmp_path / "in.zip", lbl())]
        _, zip_path, report = augment(client, files, variations=1, seed=3, to="boxtable", filters=False)
        assert report["variations"] == len(TRAIN)
        assert {line["status"] for line in manifest_of(zip_path)} == {"ok"}
        found = gathered_with(package, Path(zip_path))
        assert found == {"boxtable": sorted(CATEGORIES)}
        _, zip_path, _ = augment(client, files, variations=1, seed=3, layout="lbl", filters=False)
        assert list(gathered_with(package, Path(zip_path))) == ["lbl"]


def _pairs(choices: Any) -> list[list[str]]:
    return [list(choice) for choice in choices]


def gathered_with(package: Path, path: Path) -> dict[str, list[str]]:
    """{format of the set in a ZIP: the classes of its training images}"""
    with installed(package):
        found = gathered(path)
        labels = [source.labels.load() for source in found.sources if source.labels is not None]
        return {found.layout.name: sorted({shape.category for one in labels for shape in one.shapes})}
