"""Runs into folders, by a small true engine, and what they leave there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from augmentai.dataset.manifest import MANIFEST
from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import Engine
from augmentai.engines.gan import GanEngine
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.image_files import jpeg, png
from tests.support.jobs import Darker

RECIPE = Recipe(seed=5, engine="gan", variations=2, strength=0.7)


class QuickGan(Darker):
    """Records the model of the local engine, so that the command line resumes its runs and has nothing left to make."""

    def model_version(self) -> str:
        return GanEngine(Settings()).model_version()

    def follows(self, recipe: Recipe) -> str:
        return GanEngine(Settings()).follows(recipe)


def photos_in_classes(count: int, folder: Path) -> Path:
    """So many photos in two class folders."""
    for i in range(count):
        path = folder / f"class {i % 2}" / (f"{i:02}.jpg" if i % 3 else f"{i:02}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg((64, 48), seed=i) if i % 3 else png((48, 64), seed=i))
    return folder


def job_over(photos: Path, recipe: Recipe = RECIPE, engines: Sequence[Engine] | None = None) -> Job:
    """A job over a folder."""
    settings = Settings()
    return Job(gather([photos], limits(settings)), recipe, settings, engines or [QuickGan()])


def run_to_end(photos: Path, out: Path, recipe: Recipe = RECIPE, **more: Any) -> dict[str, Any]:
    """Run a whole job into `out`; returns the report."""
    this = job_over(photos, recipe, **more)
    for _ in run_to_disk(this, out, [photos]):
        pass
    return this.report.as_dict()


def run_interrupted(photos: Path, out: Path, after: int) -> None:
    """A run that is interrupted after so many outcomes."""
    outcomes = run_to_disk(job_over(photos), out, [photos])
    for _ in range(after):
        next(outcomes)
    outcomes.close()


def contents_of(folder: Path) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Every file but the manifest, and the manifest's lines without their times, sorted."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    lines = [json.loads(line) for line in files.pop(MANIFEST).splitlines()]
    for line in lines:
        line.pop("seconds")
    return files, sorted(lines, key=json.dumps)


def lines_in(out: Path) -> int:
    """The number of lines in the manifest so far."""
    try:
        return (out / MANIFEST).read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def photos_in_awkward_classes(folder: Path) -> Path:
    """Photos in three classes whose names have to be escaped somewhere, and a file that is not an image."""
    for i, (label, count) in enumerate({"cats & dogs": 3, "ねこ": 2, "<b>": 9}.items()):
        (folder / label).mkdir(parents=True)
        for j in range(count):
            (folder / label / f"{j}.jpg").write_bytes(jpeg(seed=10 * i + j))
    (folder / "ねこ" / "bad.jpg").write_bytes(b"bad")
    return folder
