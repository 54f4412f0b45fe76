"""Runs that cost credits, in this process and in one that can be killed, and what their books say afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from augmentai.dataset.manifest import CARD, MANIFEST, PAID_ANSWERS, RUN_LEDGER
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.zip_sidecar import paid_folder_of
from augmentai.engines.ledger import CreditLimits, Ledger
from augmentai.engines.stability import StabilityEngine
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import ROOT, Settings
from tests.support.emulator_fixture import Emulator
from tests.support.hosted_job import KEY
from tests.support.image_files import jpeg
from tests.support.jobs import Darker

RECIPE = Recipe(seed=5, engine="stability", filters=False)


def cat_photos(folder: Path, count: int = 8) -> Path:
    """Small photos in a class folder."""
    (folder / "cats").mkdir(parents=True)
    for i in range(count):
        (folder / "cats" / f"{i}.jpg").write_bytes(jpeg((48, 32), seed=i))
    return folder


def job_over(photos: Path, settings: Settings, recipe: Recipe = RECIPE) -> Job:
    """The hosted engine first, then a local one."""
    engines = [StabilityEngine(settings), Darker()]
    return Job(gather([photos], limits(settings)), recipe, settings, engines)


def run(photos: Path, out: Path, settings: Settings, recipe: Recipe = RECIPE) -> dict[str, Any]:
    """Run to the end; returns the report."""
    job = job_over(photos, settings, recipe)
    for _ in run_to_disk(job, out, [photos]):
        pass
    return job.report.as_dict()


def text_of(out: Path, name: str) -> str:
    """A file of a folder or ZIP."""
    if out.is_dir():
        return (out / name).read_text()
    with zipfile.ZipFile(out) as archive:
        return archive.read(name).decode()


def in_manifest(out: Path) -> float:
    """What the lines of a manifest add up to."""
    return sum(json.loads(line).get("credits", 0) for line in text_of(out, MANIFEST).splitlines())


def on_card(out: Path) -> float:
    """What the card says."""
    found = re.search(r"Credits spent on the hosted engine: ([\d.]+)\.", text_of(out, CARD))
    return float(found.group(1)) if found else 0.0


def all_counts(out: Path, report: dict[str, Any], settings: Settings) -> set[float]:
    """What each of the four says that the run cost."""
    return {report["credits"], in_manifest(out), on_card(out), Ledger(CreditLimits.from_settings(settings)).spent()}


def books_of(out: Path) -> Path:
    """The folder in which a run keeps its ledger."""
    return paid_folder_of(out) if out.suffix == ".zip" else out


def answers_in(out: Path) -> int:
    """How many paid answers wait for their result."""
    return len([path for path in (books_of(out) / PAID_ANSWERS).glob("*") if path.suffix != ".part"])


class RunCounts:
    """What the file of the ledger says, read without the code under test."""

    def __init__(self, charged: float, committed: float) -> None:
        self.charged, self.committed = charged, committed

    @classmethod
    def of(cls, out: Path) -> RunCounts:
        prices: dict[str, float] = {}
        states: dict[str, str] = {}
        for line in (books_of(out) / RUN_LEDGER).read_text().splitlines():
            entry = json.loads(line)
            prices.setdefault(entry["request"], entry.get("credits", 0))
            states[entry["request"]] = entry["state"]
        charged = sum(prices[number] for number, state in states.items() if state == "charged")
        return cls(charged, sum(prices[number] for number, state in states.items() if state != "free"))


def start(
    photos: Path,
    out: Path,
    emulator: Emulator,
    *more: str,
    connections: int = 2,
    seed: int = 5,
    **settings: str,
) -> subprocess.Popen[bytes]:
    """The same run as a command that can be killed. settings: of the engine, as the environment names them."""
    words = [photos, "-o", out, "--engine", "stability", "--seed", str(seed), *more]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STABILITY", "AUGMENTAI"))}
    environment |= {
        "STABILITY_API_KEY": KEY,
        "STABILITY_API_BASE": emulator.url,
        "AUGMENTAI_STABILITY_ENDPOINT": "structure",
        "AUGMENTAI_STABILITY_CONCURRENCY": str(connections),
    } | {f"AUGMENTAI_STABILITY_{name}": value for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "augmentai", *map(str, words)], env=environment, cwd=ROOT, stderr=subprocess.DEVNULL
    )


def kill(process: subprocess.Popen[bytes], when: Callable[[], bool]) -> None:
    """Kill it as soon as something is true."""
    try:
        end = time.monotonic() + 90
        while not when():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)


def lines_in(out: Path) -> int:
    """The lines of the manifest so far."""
    return (out / MANIFEST).read_bytes().count(b"\n") if (out / MANIFEST).is_file() else 0
