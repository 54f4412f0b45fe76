"""Runs into folders that can be interrupted and resumed, and the command line over them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import Engine
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.image_files import jpeg, png
from tests.support.jobs import Darker

ROOT = Path(__file__).resolve().parents[2]


RECIPE = Recipe(seed=5, engine="gan", variations=2, strength=0.7)


def set_of(count: int, folder: Path) -> Path:
    """Pictures in two class folders."""
    for i in range(count):
        path = folder / f"class {i % 2}" / (f"{i:02}.jpg" if i % 3 else f"{i:02}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg((64, 48), seed=i) if i % 3 else png((48, 64), seed=i))
    return folder


def job(given: Path, recipe: Recipe = RECIPE, engines: Sequence[Engine] | None = None) -> Job:
    settings = Settings()
    return Job(gather([given], limits(settings)), recipe, settings, engines or [Darker()])


def done(given: Path, out: Path, recipe: Recipe = RECIPE, **more: Any) -> dict[str, Any]:
    """Do the whole job into `out`; returns the report."""
    this = job(given, recipe, **more)
    for _ in run_to_disk(this, out, [given]):
        pass
    return this.report.as_dict()


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "augmentai", *map(str, words)]
    return subprocess.run(
        line, capture_output=True, text=True, timeout=120, cwd=ROOT, env=os.environ | {"COLUMNS": "300"}
    )
