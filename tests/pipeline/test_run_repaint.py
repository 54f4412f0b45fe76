"""Runs that repaint a part of each image into a folder: money, resuming, and what is labelled, to the bit."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.manifest import MANIFEST, PAID_ANSWERS
from augmentai.dataset.run_record import read_record
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import PRICE, settings_for
from tests.support.image_files import png
from tests.support.paid_runs import all_counts, in_manifest, kill, on_card, run, start

RECIPE = Recipe(seed=5, engine="stability", repaint="background", filters=False, geometry="none")
COUNT = 6
BOX = (12, 8, 36, 24)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A YOLO set of small PNGs, each with one box."""
    folder = tmp_path / "photos"
    for kind in ("images", "labels"):
        (folder / kind / "train").mkdir(parents=True)
    for i in range(COUNT):
        (folder / "images" / "train" / f"{i}.png").write_bytes(png((48, 32), seed=i))
        (folder / "labels" / "train" / f"{i}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (folder / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/train\nnames: [cat]\n")
    return folder


@pytest.fixture
def settings(emulator: Emulator, tmp_path: Path) -> Settings:
    return settings_for(emulator, credits_per_day=1000, state=tmp_path / "state")


def differing(photos: Path, out: Path) -> list[tuple[float, float]]:
    """Of each variation the share of pixels that changed, within the box and elsewhere."""
    shares = []
    for line in (out / MANIFEST).read_text().splitlines():
        entry = json.loads(line)
        if entry["status"] == "ok":
            with Image.open(photos / entry["source"]) as before, Image.open(out / entry["file"]) as after:
                changed = (np.asarray(before.convert("RGB")) != np.asarray(after.convert("RGB"))).any(-1)
            inside = np.zeros_like(changed)
            inside[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
            shares.append((float(changed[inside].mean()), float(changed[~inside].mean())))
    return shares


@pytest.mark.parametrize("part", ["background", "objects"])
def test_a_kill_with_one_request_in_flight_loses_that_one_at_most(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator, part: str
) -> None:
    recipe = replace(RECIPE, repaint=part)
    emulator.control(latency=0.02)
    out, more = tmp_path / "out", ("--no-filters", "--geometry", "none", "--repaint", part)
    kill(start(photos, out, emulator, *more, connections=1), lambda: emulator.stats()["charged"] >= 2 * PRICE)
    time.sleep(0.3)
    report = run(photos, out, settings, recipe)
    assert report["variations"] == COUNT
    assert emulator.stats()["charged"] <= (COUNT + 1) * PRICE
    assert {report["credits"], in_manifest(out), on_card(out)} == {COUNT * PRICE}
    assert not (out / PAID_ANSWERS).exists()
    assert read_record((out / "recipe.yaml").read_text(), "recipe.yaml").recipe.repaint == part
    whole = tmp_path / "whole"
    run(photos, whole, settings, recipe)
    for path in whole.rglob("*__v1.png"):
        assert path.read_bytes() == (out / path.relative_to(whole)).read_bytes()
        label = Path(str(path).replace("/images/", "/labels/")).with_suffix(".txt")
        assert label.read_text() == "0 0.5 0.5 0.5 0.5\n"
    shares = differing(photos, out)
    assert len(shares) == COUNT
    for inside, outside in shares:
        assert (inside, outside > 0.8) == (0, True) if part == "background" else (inside > 0.5, outside) == (True, 0)


@pytest.mark.parametrize("fault", ["filtered", "truncated", "no-finish-reason", "not-image"])
def test_what_was_charged_in_vain_is_not_bought_again(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator, fault: str
) -> None:
    emulator.fault(fault, times=2)
    out = tmp_path / "out"
    report = run(photos, out, settings, RECIPE)
    assert report["variations"] == COUNT - 2
    report = run(photos, out, settings, RECIPE)
    assert report["variations"] == COUNT - 2
    assert all_counts(out, report, settings) == {emulator.stats()["charged"]} == {COUNT * PRICE}


def test_the_limit_of_a_job_holds_over_restarts(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    limited = settings.model_copy(update={"credits_per_job": 17.5, "credits_on_cap": "stop"})
    for _ in range(2):
        report = run(photos, tmp_path / "out", limited, RECIPE)
        assert (report["variations"], report["credits"], report["estimated_credits"]) == (3, 15, COUNT * PRICE)
    assert emulator.stats()["charged"] == 15


def test_another_repaint_is_another_run(photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator) -> None:
    out = tmp_path / "out"
    run(photos, out, settings, RECIPE)
    with pytest.raises(OutputError, match="repaint was 'background', now 'objects'"):
        run(photos, out, settings, replace(RECIPE, repaint="objects"))
    assert emulator.stats()["charged"] == COUNT * PRICE
