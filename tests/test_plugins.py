"""Engines of another package, in real processes: everywhere while it is installed, and words where it is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from gradio_client import Client
from PIL import Image

from augmentai import engines
from augmentai.engines import available
from augmentai.engines.base import JobView, Made, Task
from augmentai.engines.run_ledger import RunLedger
from augmentai.images import Photo
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES, Settings
from augmentai.types import Source
from augmentai.web.access.visitors import Visitors
from augmentai.web.estimates import TimeEstimator
from tests.support.api_client import augment, manifest_of
from tests.support.app_process import Running, app_process
from tests.support.command_line import run_command
from tests.support.image_files import jpeg, png
from tests.support.plugin_package import installed, write_engines

PACKAGE = "strangers-engines 1.0"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_engines(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "a.png").write_bytes(png(seed=1))
    (folder / "b.jpg").write_bytes(jpeg(seed=2))
    return folder


def augmentai(*words: Any, package: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, with the package where it can be imported from, or without it."""
    return run_command(*words, environment=os.environ | environment, package=package, columns=300)


def lines_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def finished(package: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the stranger's engine: two variations of each of two photos."""
    out = tmp_path_factory.mktemp("runs") / "out"
    done = augmentai(photos, "-o", out, "-e", "inverter", "-n", 2, "--seed", 7, package=package)
    assert done.returncode == 0, done.stderr
    assert "(4 by inverter" in done.stderr
    return out


class TestOnTheCommandLine:
    def test_manifest_and_recipe_name_it(self, finished: Path) -> None:
        lines = lines_of(finished)
        assert {(line["engine"], line["model"]) for line in lines} == {("inverter", PACKAGE)}
        assert len({line["details"]["share"] for line in lines}) == 4
        assert {line["strength"] for line in lines} == {0.5}
        recipe = yaml.safe_load((finished / "recipe.yaml").read_text())
        assert recipe["recipe"]["engine"] == "inverter"
        assert recipe["models"] == {"inverter": PACKAGE}

    def test_help_lists_it(self, package: Path) -> None:
        assert "inverter" in augmentai("--help-all", package=package).stdout

    def test_a_broken_off_run_is_resumed(self, package: Path, photos: Path, finished: Path, tmp_path: Path) -> None:
        out = shutil.copytree(finished, tmp_path / "out")
        lines = lines_of(out)
        lost = out / lines[-1]["file"]
        pixels = lost.read_bytes()
        lost.unlink()
        (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines[:-1]))
        done = augmentai(photos, "-o", out, "-e", "inverter", "-n", 2, "--seed", 7, package=package)
        assert done.returncode == 0, done.stderr
        assert lost.read_bytes() == pixels
        assert len(lines_of(out)) == 4

    def test_a_run_is_replayed(self, package: Path, photos: Path, finished: Path, tmp_path: Path) -> None:
        done = augmentai("replay", finished, photos, "-o", tmp_path / "again", package=package)
        assert done.returncode == 0, done.stderr
        assert "4 of 4 files are identical" in done.stderr

    def test_a_dry_run_says_what_it_costs(self, package: Path, photos: Path) -> None:
        done = augmentai(photos, "--dry-run", "-e", "painter", package=package, AUGMENTAI_CREDITS_PER_JOB="3")
        assert done.returncode == 0, done.stderr
        assert "painter: ready" in done.stdout
        assert (
            "cost: up to 5 credits (2 images at 2.5); the limit of 3 credits allows 1 of them; "
            "the account has about 1,234 credits"
        ) in done.stdout

    def test_it_spends_no_more_than_it_may(self, package: Path, photos: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        caps = {"AUGMENTAI_CREDITS_PER_DAY": "3", "AUGMENTAI_STATE": str(tmp_path / "state")}
        done = augmentai(photos, "-o", out, "-e", "painter", package=package, **caps)
        assert done.returncode == 1, done.stderr
        assert "the limit of 3 credits a day is reached (2.5 spent, the next image costs 2.5)" in done.stderr
        made = [line for line in lines_of(out) if line["status"] == "ok"]
        assert [line["details"]["credits"] for line in made] == [2.5]

    def test_a_prompt_that_it_does_not_read_is_reported(self, package: Path, photos: Path) -> None:
        done = augmentai(photos, "--dry-run", "-e", "inverter", "-p", "a dog", package=package)
        assert "inverter: ready; Inverter does not read the prompt\n" in done.stdout

    def test_auto_leaves_it_alone(self, package: Path, photos: Path) -> None:
        done = augmentai(photos, "--dry-run", package=package)
        assert done.returncode == 0, done.stderr
        assert "gan: ready" in done.stdout
        assert "inverter" not in done.stdout
        assert "cost" not in done.stdout


class TestUninstalled:
    @pytest.fixture
    def said(self, request: pytest.FixtureRequest, photos: Path, finished: Path, tmp_path: Path) -> str:
        copy = shutil.copytree(finished, tmp_path / "out")
        words = {
            "run": (photos, "-o", tmp_path / "new", "-e", "inverter"),
            "resume": (photos, "-o", copy, "-e", "inverter", "-n", 2, "--seed", 7),
            "resume, engine not named": (photos, "-o", copy, "-n", 2),
            "saved settings": (photos, "-o", tmp_path / "new", "--recipe", copy / "recipe.yaml"),
            "replay": ("replay", copy, photos, "-o", tmp_path / "again"),
        }[request.param]
        done = augmentai(*words)
        assert done.returncode == 2, done.stderr
        assert not (tmp_path / "new").exists()
        assert not (tmp_path / "again").exists()
        return done.stderr

    @pytest.mark.parametrize(
        "said", ["run", "resume", "resume, engine not named", "saved settings", "replay"], indirect=True
    )
    def test_the_missing_engine_is_named_with_what_to_do(self, said: str) -> None:
        assert (
            "engine is 'inverter'; expected one of auto, stability, diffusion, gan, none, huggingface, comfy." in said
        )
        assert "If it comes from another package, install that package" in said
        assert "Traceback" not in said


def test_one_that_stumbles_ends_in_words(package: Path, photos: Path, tmp_path: Path) -> None:
    done = augmentai(photos, "-o", tmp_path / "out", "-e", "stumbler", package=package)
    assert done.returncode == 2
    assert "a fault inside the engine (ZeroDivisionError: nothing to divide by); please report it" in done.stderr
    assert "stumbling" in done.stderr
    assert done.stdout == f"{tmp_path / 'out'}\n"  # what an engine prints does not get between the results
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unbuildable", f"of the package {PACKAGE} cannot be set up (OSError: no licence)"),
        ("renamed", f"of the package {PACKAGE} calls itself 'another'; the two names have to be the same"),
        ("no_engine", f"of the package {PACKAGE} is not a subclass of augmentai.engines.base.Engine"),
        ("missing", f"of the package {PACKAGE} cannot be loaded (AttributeError: "),
    ],
)
def test_one_that_cannot_work_is_listed_with_the_reason(package: Path, name: str, reason: str) -> None:
    with installed(package):
        (engine,) = (engine for engine in available(Settings()) if engine.name == name)
    readiness = engine.readiness()
    assert not readiness.ready
    assert readiness.reason.startswith(f"the engine {name!r} {reason}")
    assert (engine.title, engine.auto_rank) == (name, None)


def test_one_that_cannot_work_fails_alone(package: Path, photos: Path, tmp_path: Path) -> None:
    done = augmentai(photos, "-o", tmp_path / "out", "-e", "unbuildable", package=package)
    assert done.returncode == 2
    assert "cannot be set up (OSError: no licence)" in done.stderr
    assert "Traceback" not in done.stderr


def test_those_of_auto_come_first(package: Path) -> None:
    with installed(package):
        found = [engine.name for engine in available(Settings())]
    assert found[:3] == ["stability", "diffusion", "gan"]
    assert set(found[3:]) == {
        "none",
        "huggingface",
        "comfy",
        "inverter",
        "painter",
        "stumbler",
        "unbuildable",
        "renamed",
        "no_engine",
        "missing",
    }


def test_a_visitors_key_and_limits_reach_it(package: Path) -> None:
    with installed(package):
        known = [engine for engine in available(Settings(credits_per_day=1)) if engine.name == "painter"]
        assert engines.key_engine(known) is known[0]
        (own,) = engines.with_key(known, "mine")
        (limited,) = engines.with_limits(known, 6)
        assert engines.with_limits([own], 0) == [own]
        estimates = [engines.estimate([engine], Recipe(engine="painter"), 4) for engine in (known[0], own, limited)]
    assert [estimate.affordable for estimate in estimates if estimate] == [0, 4, 0]
    assert (own.key, own.limits.per_day, limited.key, limited.limits.from_now) == ("mine", None, "owner", 6)


@pytest.mark.parametrize("key", ["", "mine"])
def test_what_it_made_is_not_paid_for_again(key: str, package: Path, tmp_path: Path) -> None:
    """It stores no answers of its own, and the first process ends before its images are in a result."""
    photo = Photo(Image.open(EXAMPLES / "chelsea.png").convert("RGB").resize((24, 16)), "PNG", "RGB")
    recipe = Recipe()
    tasks = [Task(Source.from_bytes(f"{i}.png", bytes([i])), photo, 1, i, recipe) for i in range(1, 5)]

    def made(these: list[Task], most: int) -> tuple[list[Made], float]:
        job = JobView((), recipe, 10**6, ledger=RunLedger(tmp_path / "ledger", tmp_path / "answers"))
        with closing(engine.make(iter(these), job)) as answers:
            return [one for one in islice(answers, most) if isinstance(one, Made)], job.ledger.charged

    with installed(package):
        known = [engine for engine in available(Settings(credits_per_job=10)) if engine.name == "painter"]
        (engine,) = engines.with_key(known, key) if key else known
        first, charged = made([tasks[0], tasks[2]], 2)
        again, charged_in_all = made(tasks, 4)
    assert (charged, charged_in_all) == (5, 10)
    assert sorted((one.task.index, one.task.seed) for one in again) == [(1, 1), (1, 2), (1, 3), (1, 4)]
    by_seed = {one.task.seed: one for one in again}
    for one in first:
        found = by_seed[one.task.seed]
        assert found.image.tobytes() == one.image.tobytes()
        assert (found.model, found.details) == (one.model, {**one.details, "credits": 0})


def test_the_page_says_what_it_costs(package: Path) -> None:
    with installed(package):
        from augmentai.web.handlers.preview import PreviewHandlers
        from augmentai.web.parsing.pool import ParsingPool

        settings = Settings(credits_per_job=3)
        known = available(settings)
        handlers = PreviewHandlers(settings, known, Visitors(settings), TimeEstimator(known), ParsingPool(60, 1000))
        said = handlers.forecast({"images": 2, "pixels": 3000}, "", {"engine": "painter"})
    assert "<b>2 variations</b> of 2 images by Painter" in said
    assert "up to 5 credits (2 images at 2.5); the limit of 3 credits allows 1 of them" in said


@pytest.fixture(scope="module")
def app(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The app in a process of its own, with the package where it can be imported from."""
    with app_process(tmp_path_factory.mktemp("app"), PYTHONPATH=str(package)) as running:
        yield running


def test_page_and_api_have_it(app: Running, photos: Path) -> None:
    client = Client(app.url, verbose=False)
    (choices,) = (
        component["props"]["choices"]
        for component in client.config["components"]
        if component.get("props", {}).get("elem_id") == "engine"
    )
    assert ["Inverter (free, any computer)", "inverter"] in [list(choice) for choice in choices]
    assert ["Painter (hosted, paid)", "painter"] in [list(choice) for choice in choices]
    gallery, path, report = augment(client, [photos / "a.png", photos / "b.jpg"], engine="inverter", seed=7)
    assert len(gallery) == 2
    assert report["engines"] == {"inverter": 2}
    assert {(line["engine"], line["model"]) for line in manifest_of(path)} == {("inverter", PACKAGE)}


def test_command_line_page_and_python_give_the_same_pixels(
    app: Running, package: Path, photos: Path, finished: Path
) -> None:
    client = Client(app.url, verbose=False)
    gallery, _, _ = augment(client, [photos / "a.png"], engine="inverter", seed=7, geometry="none")
    with Image.open(gallery[0]["image"]) as by_page, Image.open(finished / "a__v1.png") as by_command:
        assert by_page.tobytes() == by_command.tobytes()
