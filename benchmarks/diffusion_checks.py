"""Checks of the diffusion engine's guarantees on a GPU. Each prints its findings as one line of JSON.

    python benchmarks/diffusion_checks.py --model FOLDER            # a folder that benchmarks/diffusion.py wrote
    python benchmarks/diffusion_checks.py --tiny --device cpu       # a smoke test

job: 200 photos of mixed sizes, one variation each. seed: the same seeds in batches of 1 and 16. memory: a memory cap
that halves the batch, and one that is too small for a single image. kill: a run killed in the middle, what it leaves
behind, and whether resuming it gives the same result as an uninterrupted run. part: a background painted anew, what is
kept to the bit, and the same in batches of 1 and 8. families: models of today in their real shapes with random weights,
whose time and peak memory are measured and compared with what is said of them beforehand; it needs no --model, and
about 40 GB of GPU memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from augmentai.annotations import Labels, Shape  # noqa: E402
from augmentai.dataset.readers.gather import gather  # noqa: E402
from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused  # noqa: E402
from augmentai.engines.diffusion import DiffusionEngine, load  # noqa: E402
from augmentai.engines.diffusion.known_models import WORKING_GB, known  # noqa: E402
from augmentai.engines.repaint import find_region  # noqa: E402
from augmentai.pipeline.job import Job, limits  # noqa: E402
from augmentai.recipe import Recipe  # noqa: E402
from augmentai.settings import Settings  # noqa: E402
from benchmarks.diffusion import engine_for, make_photos, tasks_for  # noqa: E402
from benchmarks.diffusion_shapes import SHAPES, TINY  # noqa: E402
from tests.support import tiny_pipeline  # noqa: E402

SIZES_WH = [(640, 480), (480, 640), (512, 512), (1024, 683), (683, 1024), (1280, 720), (333, 517), (1600, 1200)]


def write_photos(folder: Path, count: int) -> Path:
    """JPEG and PNG files of mixed sizes in four class folders."""
    for number, image in enumerate(make_photos(count, 256)):
        path = folder / f"class-{number % 4}" / f"{number:03}.{'png' if number % 5 == 0 else 'jpg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.resize(SIZES_WH[number % len(SIZES_WH)]).save(path)
    return folder


def check_job(model: Path, device: str, count: int) -> dict[str, Any]:
    settings = Settings(diffusion_model=str(model), diffusion_device=device)
    engine = DiffusionEngine(settings)
    with tempfile.TemporaryDirectory() as scratch:
        photos = write_photos(Path(scratch), count)
        started = time.perf_counter()
        first = 0.0
        recipe = Recipe(engine="diffusion", seed=3, filters=False)  # random weights show nothing of what they paint
        job = Job(gather([photos], limits(settings)), recipe, settings, [engine])
        good, problems, batches = 0, [], Counter[int]()
        for outcome in job.run():
            first = first or time.perf_counter() - started
            if outcome.variation is None:
                problems.append(f"{outcome.source.path}: {outcome.reason}")
                continue
            with Image.open(photos / outcome.source.path) as source:
                if source.size != outcome.variation.image.size:
                    problems.append(f"{outcome.source.path}: size differs")
            good += 1
            batches[outcome.variation.details["batch"]] += 1
        seconds = time.perf_counter() - started
    return {
        "photographs": count,
        "made": good,
        "wrong": problems[:5],
        "seconds": round(seconds, 1),
        "seconds_to_the_first": round(first, 1),
        "per_second_after_the_first": round((good - 1) / max(seconds - first, 1e-9), 1),
        "pictures_by_batch": dict(sorted(batches.items())),
        "peak_memory_gb": peak(device),
    }


def to_pixels(engine: DiffusionEngine, images: list[Image.Image]) -> list[Any]:
    tasks = tasks_for(images)
    made = {r.task.source.path: r for r in engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8))}
    results = [made[task.source.path] for task in tasks]
    assert all(isinstance(result, Made) for result in results), results
    return [np.asarray(result.image, np.int16) for result in results if isinstance(result, Made)]


def check_seed(model: Path, device: str, count: int) -> dict[str, Any]:
    images = make_photos(min(count, 32), 512)
    one, again, many = (to_pixels(engine_for(model, device, batch), images) for batch in (1, 1, 16))
    differences = np.abs(np.stack(one) - np.stack(many))
    return {
        "pictures": len(images),
        "largest_difference": int(differences.max()),
        "mean_difference": round(float(differences.mean()), 4),
        "share_of_values_that_differ": round(float((differences > 0).mean()), 4),
        "share_that_differ_by_more_than_2": round(float((differences > 2).mean()), 6),
        "largest_difference_at_the_same_batch": int(np.abs(np.stack(one) - np.stack(again)).max()),
    }


def check_memory(model: Path, device: str, count: int) -> dict[str, Any]:
    """Cap the memory of this process, and lift the cap afterwards."""
    if device == "cpu":
        return {"skipped": "no memory cap without CUDA"}
    images = make_photos(min(count, 48), 512)
    found: dict[str, Any] = {}
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        engine = engine_for(model, device, 32)
        loaded = engine._loaded()
        weights_bytes = torch.cuda.memory_allocated()
        for spare_gb in (4.0, 0.05):
            torch.cuda.empty_cache()
            torch.cuda.set_per_process_memory_fraction(min(1.0, (weights_bytes + spare_gb * 1e9) / total))
            try:
                found[f"{spare_gb} GB besides the weights"] = (
                    f"{len(to_pixels(engine, images))} made, batch {loaded.batch}"
                )
            except EngineUnavailableError as error:
                found[f"{spare_gb} GB besides the weights"] = f"{error.reason} ({len(error.unfinished)} tasks returned)"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    return found


def check_kill(model: Path, device: str, count: int) -> dict[str, Any]:
    """Kill one run and interrupt another: only complete files may be left, and a record of the run."""
    found: dict[str, Any] = {}
    environment = {**os.environ, "AUGMENTAI_DIFFUSION_MODEL": str(model), "AUGMENTAI_DIFFUSION_DEVICE": device}
    with tempfile.TemporaryDirectory() as scratch:
        photos = write_photos(Path(scratch) / "photos", count)
        base = [sys.executable, "-m", "augmentai", str(photos), "-e", "diffusion", "--seed", "3", "--no-filters"]
        for name, number in (("killed", signal.SIGKILL), ("interrupted", signal.SIGINT)):
            out = Path(scratch) / name
            run = subprocess.Popen(
                [*base, "-o", str(out)],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            while run.poll() is None and len(images_in(out)) < count // 5:
                time.sleep(0.05)
            run.send_signal(number)
            output, _ = run.communicate(timeout=60)
            found[name] = {"exit": run.returncode, "said": output.strip().splitlines()[-4:], **remaining_files(out)}
        uninterrupted = Path(scratch) / "whole"
        for folder in (uninterrupted, out := Path(scratch) / "killed"):
            early = {path.name: path.read_bytes() for path in images_in(folder)}
            subprocess.run([*base, "-o", str(folder)], cwd=ROOT, env=environment, capture_output=True, check=True)
        found["killed and resumed"] = {
            "pictures": len(images_in(out)),
            "early_ones_changed": sum(early.get(path.name, data) != data for path, data in contents(out)),
            **compare(out, uninterrupted),
        }
    return found


def contents(folder: Path) -> list[tuple[Path, bytes]]:
    return [(path, path.read_bytes()) for path in images_in(folder)]


def compare(folder: Path, expected: Path) -> dict[str, Any]:
    """Compare the images of two runs, in levels of 255."""
    largest, total, missing = 0, 0.0, 0
    for path in images_in(expected):
        other = folder / path.relative_to(expected)
        if not other.is_file():
            missing += 1
            continue
        with Image.open(path) as one, Image.open(other) as two:
            distance = np.abs(np.asarray(one.convert("RGB"), np.int16) - np.asarray(two.convert("RGB"), np.int16))
        largest, total = max(largest, int(distance.max())), total + float(distance.mean())
    compared = max(1, len(images_in(expected)) - missing)
    return {"missing": missing, "largest_difference": largest, "mean_difference": round(total / compared, 4)}


def images_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in {".jpg", ".png"}] if folder.is_dir() else []


def remaining_files(folder: Path) -> dict[str, Any]:
    corrupt = []
    for path in images_in(folder):
        try:
            with Image.open(path) as image:
                image.load()
        except OSError as error:
            corrupt.append(f"{path.name}: {error}")
    others = [path.name for path in folder.rglob("*") if path.is_file() and path.suffix not in {".jpg", ".png"}]
    return {"pictures": len(images_in(folder)), "broken": corrupt, "other_files": sorted(others)[:10]}


def check_part(model: Path, device: str, count: int) -> dict[str, Any]:
    """A box in the middle keeps its own pixels; around it all is painted."""
    images = make_photos(min(count, 16), 512)
    labels = Labels((Shape("thing", (128.0, 96.0, 320.0, 384.0)),))
    tasks = [replace(task, region=find_region(task.photo.rgb, labels, "background")) for task in tasks_for(images)]
    by_batch = []
    for batch in (1, 8):
        engine = engine_for(model, device, batch)
        made = {r.task.source.path: r for r in engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8))}
        results = [made[task.source.path] for task in tasks]
        assert all(isinstance(result, Made) for result in results), results
        laid = [t.region.lay_back(t.photo.rgb, r.image) for t, r in zip(tasks, results, strict=True) if t.region]  # type: ignore[union-attr]
        by_batch.append(np.stack([np.asarray(image, np.int16) for image in laid]))
    source = np.stack([np.asarray(image, np.int16) for image in images])
    kept = np.s_[:, 96:384, 128:320]
    outside = np.ones(source.shape[:3], bool)
    outside[:, 86:394, 118:330] = False
    return {
        "pictures": len(images),
        "kept_to_the_bit": bool(
            (by_batch[0][kept] == source[kept]).all() and (by_batch[1][kept] == source[kept]).all()
        ),
        "share_painted_around_it": round(float((by_batch[0] != source).any(-1)[outside].mean()), 4),
        "largest_difference_by_batch": int(np.abs(by_batch[0] - by_batch[1]).max()),
    }


def check_families(model: Path | None, device: str, count: int) -> dict[str, Any]:
    """Each is run by its model card's defaults; tiny ones where there is no model to say otherwise and no GPU."""
    shapes = TINY if device == "cpu" else SHAPES
    found: dict[str, Any] = {}
    original = load._pipeline
    for name, build in shapes.items():
        gc.collect()
        if device != "cpu":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        pipe = build(device)
        load._pipeline = lambda *about, pipe=pipe: pipe  # type: ignore[assignment,misc]
        try:
            engine = DiffusionEngine(Settings(diffusion_model=name, diffusion_device=device))
            loaded = engine._loaded()
            images = make_photos(min(count, 4), 64 if device == "cpu" else 1024)
            started = time.perf_counter()
            results = list(engine.make(iter(tasks_for(images)), JobView((), Recipe(), 10**8)))
            seconds = time.perf_counter() - started
        finally:
            load._pipeline = original
        about = known(name)
        assert about is not None
        reasons = [result.reason for result in results if isinstance(result, Refused)]
        found[name] = {
            "family": loaded.family.name,
            "as_known": loaded.family.name == about.family,
            "made": sum(isinstance(result, Made) for result in results),
            "refused": reasons[:2],  # an editor of random weights moves what it edits
            "seconds_per_picture": round(seconds / len(results), 2),
            "placement": loaded.placement,
            "dtype": str(loaded.dtype),
            "peak_memory_gb": peak(device),
            "said_beforehand_gb": round(about.total_gb + WORKING_GB, 1),
        }
        del engine, loaded, pipe
    return found


def peak(device: str) -> float | None:
    return None if device == "cpu" else round(torch.cuda.max_memory_allocated() / 1e9, 2)


CHECKS: dict[str, Callable[[Any, str, int], dict[str, Any]]] = {
    "job": check_job,
    "seed": check_seed,
    "memory": check_memory,
    "part": check_part,
    "families": check_families,
    "kill": check_kill,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="diffusers folder")
    parser.add_argument("--tiny", action="store_true", help="use a tiny pipeline")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--photographs", type=int, default=200)
    parser.add_argument("--checks", nargs="+", default=[*CHECKS], choices=[*CHECKS])
    args = parser.parse_args()
    if not args.tiny and args.model is None and args.checks != ["families"]:
        parser.error("pass --model or --tiny")
    with tempfile.TemporaryDirectory() as scratch:
        model = tiny_pipeline.write(Path(scratch) / "sd-turbo-tiny") if args.tiny else args.model
        for name in args.checks:
            found: dict[str, Any]
            try:
                found = CHECKS[name](model, args.device, args.photographs)
            except Exception as error:  # the other checks still run
                found = {"fault": f"{type(error).__name__}: {error}"}
            print(json.dumps({"check": name, "model": model.name if model else "", **found}), flush=True)


if __name__ == "__main__":
    main()
