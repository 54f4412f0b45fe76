"""Operations of another package, in real processes: everywhere while it is installed, and words where it is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from gradio_client import Client
from PIL import Image

from augmentai import augment as augment_in_python
from augmentai.dataset.readers.gather import gather
from augmentai.pipeline.job import limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.api_client import augment, manifest_of
from tests.support.app_process import Running, app_process
from tests.support.command_line import augmentai, manifest_lines
from tests.support.labelled_sets import COLOURS, write, yolo
from tests.support.plugin_package import installed

ASKED = ("-O", "shift(share=0.1..0.4)", "-O", "posterize(levels=16)", "-g", "none", "-e", "gan", "--seed", "7")
STEPS: list[Any] = [{"shift": {"share": [0.1, 0.4]}}, {"posterize": {"levels": 16}}]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLO set of coloured rectangles; two of its images are for training and have objects."""
    folder = tmp_path_factory.mktemp("photos") / "set"
    write(folder, yolo())
    return folder


@pytest.fixture(scope="module")
def finished(operations_package: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two variations for each image, with both of the stranger's operations."""
    out = tmp_path_factory.mktemp("runs") / "out"
    done = augmentai(photos, "-o", out, "-n", "2", *ASKED, package=operations_package)
    assert done.returncode == 0, done.stderr
    return out


def pixels(path: Path | str) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


class TestOnTheCommandLine:
    def test_the_manifest_says_what_was_drawn_and_the_recipe_what_was_asked_for(self, finished: Path) -> None:
        lines = manifest_lines(finished)
        assert len(lines) == 6
        for line in lines:
            shift, posterize = line["details"]["operations"]
            assert (shift["name"], posterize["name"]) == ("shift", "posterize")
            assert 6 <= shift["drawn"]["by_px"] <= 26  # of 64
            assert 16 <= posterize["drawn"]["levels"] <= 32
            assert shift["package"] == posterize["package"] == "strangers-operations 1.0"
        assert len({line["details"]["operations"][0]["drawn"]["by_px"] for line in lines}) > 1
        record = yaml.safe_load((finished / "recipe.yaml").read_text())
        assert record["recipe"]["operations"] == STEPS
        assert record["versions"]["strangers-operations"] == "1.0"
        card = (finished / "dataset_card.md").read_text()
        assert "| `operations` | `shift(share=0.1..0.4), posterize(levels=16)` |" in card

    def test_boxes_moved_with_the_pixels(self, finished: Path) -> None:
        compared = 0
        for source in gather([finished], limits(Settings())).sources:
            if "__v" not in source.path:
                continue
            assert source.labels is not None
            image = pixels(finished / source.path).astype(int)
            for shape in source.labels.load().shapes:
                assert shape.box is not None
                x0, y0, x1, y1 = (round(value) for value in shape.box)
                inside, colour = image[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2], COLOURS[shape.category]
                assert (inside.argmax(-1) == np.argmax(colour)).mean() > 0.95, source.path
                compared += 1
        assert compared >= 4

    def test_help_lists_them(self, operations_package: Path) -> None:
        assert "posterize, shift, stamp" in " ".join(augmentai("--help-all", package=operations_package).stdout.split())

    def test_a_broken_off_run_is_resumed(
        self, operations_package: Path, photos: Path, finished: Path, tmp_path: Path
    ) -> None:
        out = shutil.copytree(finished, tmp_path / "out")
        lines = manifest_lines(out)
        lost = out / lines[-1]["file"]
        data = lost.read_bytes()
        lost.unlink()
        (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines[:-1]))
        done = augmentai(photos, "-o", out, "-n", "2", *ASKED, package=operations_package)
        assert done.returncode == 0, done.stderr
        assert lost.read_bytes() == data
        assert manifest_lines(out)[-1]["details"] == lines[-1]["details"]

    def test_other_operations_are_another_run(
        self, operations_package: Path, photos: Path, finished: Path, tmp_path: Path
    ) -> None:
        out = shutil.copytree(finished, tmp_path / "out")
        done = augmentai(photos, "-o", out, "-n", "2", "-O", "shift", *ASKED[4:], package=operations_package)
        assert done.returncode == 2
        assert "operations was shift(share=0.1..0.4), posterize(levels=16), now shift" in done.stderr

    def test_a_run_is_replayed(self, operations_package: Path, photos: Path, finished: Path, tmp_path: Path) -> None:
        done = augmentai("replay", finished, photos, "-o", tmp_path / "again", package=operations_package)
        assert done.returncode == 0, done.stderr
        assert "6 of 6 files are identical" in done.stderr


class TestUninstalled:
    @pytest.mark.parametrize("what", ["run", "resume", "saved settings", "replay"])
    def test_the_missing_operation_is_named_with_what_to_do(
        self, what: str, photos: Path, finished: Path, tmp_path: Path
    ) -> None:
        copy = shutil.copytree(finished, tmp_path / "out")
        words: dict[str, tuple[str | Path, ...]] = {
            "run": (photos, "-o", tmp_path / "new", *ASKED),
            "resume": (photos, "-o", copy, "-n", "2"),
            "saved settings": (photos, "-o", tmp_path / "new", "--recipe", copy / "recipe.yaml"),
            "replay": ("replay", copy, photos, "-o", tmp_path / "again"),
        }
        done = augmentai(*words[what])
        assert done.returncode == 2, done.stderr
        said = " ".join(done.stderr.replace("│", " ").split())
        assert "operations: there is no operation 'shift'; installed: flip, crop, rotate, perspective," in said
        assert "install that package" in said
        assert "Traceback" not in said
        assert not (tmp_path / "new").exists()
        assert not (tmp_path / "again").exists()


def test_python_gives_the_same_pixels(operations_package: Path, photos: Path, finished: Path) -> None:
    """From a list as a recipe file has it, and from objects of the stranger's classes."""
    with installed(operations_package):
        from strangers_operations import Posterize, Shift

        for steps in (STEPS, [Shift(share=(0.1, 0.4)), Posterize(levels=16)]):
            recipe = Recipe(engine="gan", seed=7, variations=2, geometry="none", operations=steps)
            outcomes = [outcome for outcome in augment_in_python(photos, recipe) if outcome.variation is not None]
            assert len(outcomes) == 6
            for outcome in outcomes:
                assert outcome.variation is not None
                assert outcome.variation.data == (finished / outcome.variation.file).read_bytes()


@pytest.fixture(scope="module")
def app(operations_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The app in a process of its own, with the package where it can be imported from."""
    with app_process(tmp_path_factory.mktemp("app"), PYTHONPATH=str(operations_package)) as running:
        yield running


def test_the_page_has_them(app: Running) -> None:
    (control,) = (
        component["props"]
        for component in Client(app.url, verbose=False).config["components"]
        if component.get("props", {}).get("elem_id") == "operations"
    )
    assert ["Other: Shift (to the right)", "shift"] in [list(choice) for choice in control["choices"]]
    assert ["Geometry: Crop (enlarges a part of the image)", "crop"] in [list(choice) for choice in control["choices"]]
    assert control["multiselect"]
    assert control["allow_custom_value"]  # for parameters


@pytest.mark.parametrize(
    "steps", [STEPS, ["shift(share=0.1..0.4)", "posterize(levels=16)"]], ids=["as in a recipe", "as text"]
)
def test_the_api_has_them(app: Running, photos: Path, finished: Path, steps: list[Any]) -> None:
    source = photos / "images" / "train" / "one.jpg"
    client = Client(app.url, verbose=False)
    gallery, path, report = augment(
        client, [source], engine="gan", seed=7, geometry="none", output_format="png", operations=steps
    )
    assert report["failed"] == 0
    (line,) = manifest_of(path)
    (there,) = (line for line in manifest_lines(finished) if line["source"].endswith("one.jpg") and line["index"] == 1)
    assert line["details"]["operations"] == there["details"]["operations"]
    assert pixels(gallery[0]["image"]).shape == (48, 64, 3)


def test_the_api_says_what_is_wrong(app: Running, photos: Path) -> None:
    client = Client(app.url, verbose=False)
    with pytest.raises(Exception, match="operation shift: share is 3"):
        augment(client, [photos / "images" / "train" / "one.jpg"], operations=["shift(share=3)"])
    with pytest.raises(Exception, match="there is no operation 'wobble'; installed: flip, crop"):
        augment(client, [photos / "images" / "train" / "one.jpg"], operations=["wobble"])
