"""Sets of images with captions: prompts made of them, and captions of the result that say what was drawn."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from augmentai.dataset.manifest import MANIFEST
from augmentai.pipeline.prompt_preview import preview_prompts
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import settings_for
from tests.support.image_files import jpeg
from tests.support.paid_runs import job_over, run

CAPTIONS = {"0.jpg": "a dog runs on the lawn", "1.jpg": "Two boats lie in a harbour."}
RECIPE = Recipe(seed=5, engine="stability", prompt="{caption}, in {weather}", filters=False)


@pytest.fixture
def settings(emulator: Emulator, tmp_path: Path) -> Settings:
    return settings_for(emulator, state=tmp_path / "state")


def caption_set(folder: Path, kind: str) -> Path:
    folder.mkdir()
    for i, (name, caption) in enumerate(CAPTIONS.items()):
        (folder / name).write_bytes(jpeg((48, 32), seed=i))
        if kind == "text files":
            (folder / name).with_suffix(".txt").write_text(f"{caption}\n")
    rows = [{"file_name": name, "text": caption, "source": "mine"} for name, caption in CAPTIONS.items()]
    if kind == "jsonl":
        (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif kind == "csv":
        with (folder / "metadata.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def captions_of(folder: Path, kind: str) -> dict[str, str]:
    """The captions of every image, as another program reads them."""
    if kind == "text files":
        return {path.with_suffix(".jpg").name: path.read_text() for path in folder.glob("*.txt")}
    if kind == "jsonl":
        rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    else:
        with (folder / "metadata.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} == {"mine"}
    return {row["file_name"]: row["text"] for row in rows}


@pytest.mark.parametrize("kind", ["text files", "jsonl", "csv"])
def test_captions_make_the_prompt_and_say_what_was_drawn(
    kind: str, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    photos, out = caption_set(tmp_path / "photos", kind), tmp_path / "out"
    job = job_over(photos, settings, RECIPE)
    shown = {path: prompt for path, _, prompt in preview_prompts(job.plan, job.engines)}
    run(photos, out, settings, RECIPE)
    entries = [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()]
    weather = {entry["source"]: entry["details"]["drawn"]["weather"] for entry in entries}
    expected = {name: f"{caption}, in {weather[name]}" for name, caption in CAPTIONS.items()}
    assert {entry["source"]: entry["prompt"] for entry in entries} == expected == shown
    assert {form["prompt"] for form in emulator.forms()} == {*expected.values()}
    end = "\n" if kind == "text files" else ""
    assert captions_of(out, kind) == {
        "0.jpg": f"a dog runs on the lawn{end}",
        "1.jpg": f"Two boats lie in a harbour.{end}",
        "0__v1.jpg": f"a dog runs on the lawn, {weather['0.jpg']}{end}",
        "1__v1.jpg": f"Two boats lie in a harbour, {weather['1.jpg']}.{end}",
    }


def test_where_nothing_is_drawn_captions_stay_as_they_are(
    tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    photos, out = caption_set(tmp_path / "photos", "text files"), tmp_path / "out"
    run(photos, out, settings, replace(RECIPE, prompt="{caption}"))
    assert (out / "0__v1.txt").read_bytes() == (photos / "0.txt").read_bytes()


@pytest.mark.parametrize("kind", ["text files", "jsonl"])
def test_a_set_of_captions_says_nothing_of_places_so_that_its_subjects_are_kept(
    kind: str, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    photos = caption_set(tmp_path / "photos", kind)
    photo = Image.new("RGB", (160, 160), (90, 120, 150))
    ImageDraw.Draw(photo).ellipse((50, 50, 110, 110), fill=(220, 60, 20))
    photo.save(photos / "0.jpg", quality=95)
    Image.new("RGB", (160, 160), (90, 120, 150)).save(photos / "1.jpg")
    report = run(photos, tmp_path / "out", settings, replace(RECIPE, repaint="background"))
    assert report["variations"] == 1
    assert "1.jpg" in str(report["fallbacks"] or report["failures"])
    entries = [json.loads(line) for line in (tmp_path / "out" / MANIFEST).read_text().splitlines()]
    assert next(one for one in entries if one["source"] == "0.jpg")["details"]["repaint"]["by"] == "subject"
