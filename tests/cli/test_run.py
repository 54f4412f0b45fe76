"""`augmentai run`, in its bare form mostly, as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from augmentai.dataset.manifest import OWN_FILES
from augmentai.settings import EXAMPLES, ROOT
from tests.support.command_line import augmentai, manifest_lines
from tests.support.image_files import jpeg
from tests.support.plugin_package import write_package
from tests.support.unlike_images import unlike


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "my photos"
    for name, label in (("chelsea.png", "cats"), ("flower.jpg", "flowers"), ("coffee.png", "things/cups")):
        (folder / label).mkdir(parents=True)
        with Image.open(EXAMPLES / name) as photo:
            photo.resize((96, 64)).save(folder / label / name)
    return folder


def test_folder_in_folder_out(dataset: Path, tmp_path: Path) -> None:
    done = augmentai(dataset, "-o", tmp_path / "out", "--variations", "2", "--seed", "3")
    assert done.returncode == 0, done.stderr
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert made == {
        *OWN_FILES,
        *(f"cats/chelsea{end}.png" for end in ("", "__v1", "__v2")),
        *(f"flowers/flower{end}.jpg" for end in ("", "__v1", "__v2")),
        *(f"things/cups/coffee{end}.png" for end in ("", "__v1", "__v2")),
    }
    assert {line["label"] for line in manifest_lines(tmp_path / "out")} == {"cats", "flowers", "cups"}
    assert re.search(r"^6 variations from 3 files \(6 by gan, [\d.]+ s, seed 3\)$", done.stderr, re.M)
    assert "Failed" not in done.stderr
    assert done.stdout.strip() == str(tmp_path / "out")


def test_zip_out_holds_the_same_as_a_folder(dataset: Path, tmp_path: Path) -> None:
    assert augmentai(dataset, "-o", tmp_path / "out", "--seed", "3", "--format", "png").returncode == 0
    assert augmentai(dataset, "-o", tmp_path / "out.zip", "--seed", "3", "--format", "png").returncode == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        for name in set(archive.namelist()) - OWN_FILES:
            assert archive.read(name) == (tmp_path / "out" / name).read_bytes()
        assert len(set(archive.namelist()) - OWN_FILES) == 6


def test_exit_status_is_one_if_some_failed(dataset: Path, tmp_path: Path) -> None:
    (dataset / "cats" / "broken [bold].jpg").write_text("not an image")
    done = augmentai(dataset, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "broken [bold].jpg" in done.stderr
    assert [line["status"] for line in manifest_lines(tmp_path / "out")].count("failed") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-file.jpg", "-o", "out"], "no such file or folder"),
        (["photos", "-o", "out", "--strength", "2"], "'--strength': strength is 2.0; expected a number from 0 to 1"),
        (["photos", "-o", "out", "--engine", "dall-e"], "'--engine': engine is 'dall-e'; expected one of auto, "),
        (["photos", "-o", "out", "--threshold", "glare=1"], "'--threshold': there is no threshold glare"),
        (["photos"], "'--out': missing; give a new or empty folder"),
        (["-o", "out"], "Missing argument 'INPUT...'"),
        (["empty", "-o", "out"], "there is no image to work on"),
        (["photos", "-o", "out", "--engine", "stability"], "STABILITY_API_KEY is not set"),
    ],
)
def test_exit_status_is_two_if_nothing_was_done_or_usage_is_wrong(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "empty").mkdir()
    Image.new("RGB", (32, 32), "teal").save(tmp_path / "photos" / "a.png")
    done = augmentai(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


def test_nothing_is_overwritten(dataset: Path, tmp_path: Path) -> None:
    assert augmentai(dataset, "-o", tmp_path / "out").returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    again = augmentai(dataset, "-o", tmp_path / "out", "--strength", "0.9")
    assert again.returncode == 2
    assert "contains a run with different settings (strength was 'auto', now 0.9)" in again.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")} == before


def test_a_run_that_made_nothing_may_be_corrected(dataset: Path, tmp_path: Path) -> None:
    assert augmentai(dataset, "-o", tmp_path / "out", "--engine", "stability").returncode == 2
    assert (tmp_path / "out" / "manifest.jsonl").exists()
    done = augmentai(dataset, "-o", tmp_path / "out", "--engine", "gan")
    assert done.returncode == 0, done.stderr
    assert {line["status"] for line in manifest_lines(tmp_path / "out")} == {"ok"}


def test_interrupt_keeps_what_is_done(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "augmentai", str(EXAMPLES), "-o", str(out), "-n", "16", "-f", "png"]
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": root})
    try:
        limit = time.monotonic() + 60
        while time.monotonic() < limit and process.poll() is None and len(list(out.glob("*.png"))) < 3:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "stopped" in said
    lines = manifest_lines(out)
    assert {line["file"] for line in lines} == {path.name for path in out.glob("*.png")}
    assert 3 <= len(lines) < 128


LOADING = """
import time
from augmentai.engines.base import Engine


class Loading(Engine):
    name = "loading"

    def make(self, tasks, job):
        for task in tasks:
            print("loading a large model", flush=True)
            time.sleep(600)
            yield
"""


@pytest.mark.parametrize(("name", "number"), [("out", signal.SIGTERM), ("out.zip", signal.SIGINT)])
def test_a_stop_does_not_wait_for_a_model_that_is_being_loaded(name: str, number: int, tmp_path: Path) -> None:
    package = write_package(
        tmp_path / "package", "loading_engine", LOADING, {"augmentai.engines": {"loading": "loading_engine:Loading"}}
    )
    (tmp_path / "a.jpg").write_bytes(jpeg())
    out = tmp_path / name
    command = [sys.executable, "-m", "augmentai", str(tmp_path / "a.jpg"), "-o", str(out), "-e", "loading"]
    paths = os.pathsep.join(map(str, (ROOT, package)))
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths})
    try:
        assert process.stderr is not None
        while "loading a large model" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 2
    assert "stopped" in said
    assert "Traceback" not in said
    assert out.exists() == (name == "out")  # the folder has the recipe, so that the same command resumes
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_geometry_is_applied_and_recorded(dataset: Path, tmp_path: Path) -> None:
    asked = ["--geometry", "strong", "--no-flip", "--seed", "3"]
    done = augmentai(dataset, "-o", tmp_path / "out", *asked)
    assert done.returncode == 0, done.stderr
    recorded = [line["details"]["geometry"] for line in manifest_lines(tmp_path / "out")]  # type: ignore[index]
    assert [geometry["name"] for geometry in recorded] == ["strong"] * 3
    assert not any(geometry["mirrored"] for geometry in recorded)
    refused = augmentai(dataset, "-o", tmp_path / "other", "--geometry", "flip", "--no-flip")
    assert refused.returncode == 2
    assert "which leaves nothing to do" in refused.stderr


def test_automatic_geometry_is_reported_and_replayed(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = augmentai(dataset, "-o", out, "-n", "4", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "- half of the variations are flipped horizontally" in done.stderr
    mirrored = [line for line in manifest_lines(out) if line["details"].get("geometry")]  # type: ignore[attr-defined]
    assert 0 < len(mirrored) < 12
    assert "\ngeometry: flip of those with a class\n" in (out / "recipe.yaml").read_text()
    assert "| `geometry` | `auto: flip of those with a class` |" in (out / "dataset_card.md").read_text()
    again = augmentai("replay", out, "-o", tmp_path / "again")
    assert "12 of 12 files are identical" in again.stdout + again.stderr
    foretold = augmentai(dataset, "-o", tmp_path / "none", "--dry-run", "--no-flip")
    assert "flipped horizontally" not in foretold.stderr


def test_waiting_threads_sleep_from_the_first_on() -> None:
    """Set before torch is loaded, as it has no effect afterwards: spinning threads made small images ten times as
    slow on busy processors."""
    code = """import os, sys
from augmentai.engines import available
from augmentai.settings import Settings
available(Settings())
print(os.environ["OMP_WAIT_POLICY"], "torch" in sys.modules)"""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert shown.stdout.split() == ["PASSIVE", "False"]


def test_labels_that_are_not_understood_are_named_before_anything_is_made(dataset: Path, tmp_path: Path) -> None:
    (dataset / "boxes.csv").write_text("image;left;right\nchelsea.png;1;2\n")
    planned = augmentai(dataset, "--dry-run")
    done = augmentai(dataset, "-o", tmp_path / "out")
    for said in (planned.stderr, done.stderr):
        assert said.startswith("Notes (")
        assert said.splitlines()[1].startswith("- 1 label file is not understood (.csv files")
        assert said.count("boxes.csv") == 1
    assert done.stderr.index("not carried to the result") < done.stderr.index("3 variations from 3 files")


def test_a_name_that_is_not_utf8_works_to_the_end(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9/na\xefve")
    os.makedirs(folder)
    Image.new("RGB", (48, 32), "red").save(f"{folder}/{os.fsdecode(b'1.jpg')}")
    first, again = (augmentai(Path(folder).parent, "-o", tmp_path / "out", "--seed", "3") for _ in range(2))
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert "nothing left to do" in again.stderr
    replayed = augmentai("replay", tmp_path / "out")
    assert replayed.returncode == 0, replayed.stderr
    assert "1 of 1 files are identical" in replayed.stderr


def test_a_set_without_a_split_gets_one_that_a_replay_repeats(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for number in range(10):
        (photos / "cats").mkdir(parents=True, exist_ok=True)
        (photos / "cats" / f"{number}.jpg").write_bytes(unlike(number))
    asked = (photos, "-o", tmp_path / "out", "--make-split", "6/2/2")
    planned = augmentai(*asked, "--seed", "4", "--dry-run")
    assert "split by class into 6 training, 2 validation, 2 test images (seed 4)" in planned.stderr
    assert planned.stdout.splitlines()[:2] == [
        "6 variations of 6 images",
        "4 validation or test images will not be augmented",
    ]
    assert augmentai(*asked, "--seed", "4").returncode == 0
    made = {path.relative_to(tmp_path / "out").parts[0] for path in (tmp_path / "out").rglob("*__v1.jpg")}
    assert made == {"train"}
    replayed = augmentai("replay", tmp_path / "out")
    assert replayed.returncode == 0, replayed.stderr
    again = augmentai(
        tmp_path / "out" / "train", tmp_path / "out" / "val", "-o", tmp_path / "x", "--make-split", "80/20"
    )
    assert again.returncode == 2
    assert "make_split is 80/20, and the set has a split already" in again.stderr
    wrong = augmentai(*asked[:3], "--make-split", "80")
    assert "make_split is '80'; expected shares for training, validation and test" in wrong.stderr
