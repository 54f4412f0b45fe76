"""A run shared out among workers: `python benchmarks/cluster.py [--count 20000] [--shard-size 100] [--workers 1 2]`.

Class folders of generated 64 x 64 JPEGs are planned, made in shards by the local GAN (or flipped: --engine none) with
each number of workers, and merged; the merged folder is compared with that of a single run, byte by byte, but for the
order of the manifest and its seconds. With --kills, workers are killed at random moments on the way. The peak is that
of the largest process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.scale import write_photos  # noqa: E402

AUGMENTAI = [sys.executable, "-m", "augmentai"]
RECIPES = {
    "gan": ["--engine", "gan", "--seed", "1"],
    "none": ["--engine", "none", "--operation", "flip(probability=1)", "--no-filters", "--seed", "1"],
}


def measured(*words: object, kills: int = 0) -> dict[str, Any]:
    """Run a command to its end. kills: how many of its workers are killed, one after another, at random moments."""
    started = time.perf_counter()
    process = subprocess.Popen([*AUGMENTAI, *map(str, words)], cwd=ROOT, stdout=subprocess.DEVNULL)
    killed = 0
    rng = random.Random(7)
    while killed < kills and not _has_ended(process.pid):
        time.sleep(rng.uniform(1, 20))
        workers = _workers(process.pid)
        if workers:
            rng.choice(workers).kill()
            killed += 1
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in {0, 1}, f"{words} ended with {process.returncode}"  # 1: filters reject a few crops
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024, 1),
        "killed": killed,
    }


def _has_ended(process: int) -> bool:
    """Whether a process has ended; it stays to be waited for, with what it used."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _workers(driver: int) -> list[psutil.Process]:
    try:
        return [one for one in psutil.Process(driver).children() if "augmentai.cluster.worker" in one.cmdline()]
    except psutil.Error:
        return []


def written(folder: Path) -> dict[str, Any]:
    """Every file of a run, and the lines of its manifest without their seconds, sorted."""
    files: dict[str, Any] = {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    lines = [json.loads(line) for line in files.pop("manifest.jsonl").splitlines()]
    files["manifest.jsonl"] = sorted(json.dumps({**line, "seconds": None}, sort_keys=True) for line in lines)
    return files


def made_again(plan: Path) -> bool:
    """Whether any variation is in two shards."""
    import pyarrow.parquet as pq

    seen: set[tuple[str, int]] = set()
    for path in (plan / "shards").glob("*.parquet"):
        rows = pq.read_table(path, columns=["source", "index"]).to_pylist()
        keys = {(row["source"], row["index"]) for row in rows}
        if len(keys) < len(rows) or seen & keys:
            return True
        seen |= keys
    return False


def measure(count: int, shard_size: int, workers: list[int], kills: int, recipe: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="augmentai-cluster-") as name:
        home = Path(name)
        write_photos(home / "set", count)
        rows: dict[str, Any] = {"single": measured(home / "set", "-o", home / "single", *recipe)}
        alone = written(home / "single")
        for number in workers:
            plan, merged = home / f"plan{number}", home / f"merged{number}"
            size = "--shard-size", shard_size
            rows[f"plan, {number}"] = measured("plan", home / "set", "-o", plan, *size, *recipe)
            rows[f"run-shards, {number}"] = measured("run-shards", plan, "--workers", number, kills=kills)
            if kills:
                rows[f"run-shards again, {number}"] = measured("run-shards", plan, "--workers", number)
            rows[f"merge, {number}"] = measured("merge", plan, "-o", merged)
            rows[f"merge, {number}"]["equal"] = written(merged) == alone
            rows[f"merge, {number}"]["made_twice"] = made_again(plan)
    shards = -(-count // shard_size)
    return {"images": count, "shards": shards, "rows": rows, "python": platform.python_version()}


def measure_plan(count: int) -> dict[str, Any]:
    """Plan so many photos in 1,000 class folders. They are one photo, each with other bytes behind its end."""
    with tempfile.TemporaryDirectory(prefix="augmentai-cluster-") as name:
        home = Path(name)
        write_photos(home / "one", 1)
        photo = next((home / "one").rglob("*.jpg")).read_bytes()
        for number in range(count):
            folder = home / "set" / f"class {number % 1000:03}"
            if number < 1000:
                folder.mkdir(parents=True)
            (folder / f"{number:07}.jpg").write_bytes(photo + number.to_bytes(4, "big"))
        measured_plan = measured("plan", home / "set", "-o", home / "plan", *RECIPES["gan"])
        measured_plan["plan_mb"] = round(sum(path.stat().st_size for path in (home / "plan").glob("*.*")) / 1e6, 1)
        return measured_plan


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--shard-size", type=int, default=100)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--engine", choices=sorted(RECIPES), default="gan", help="none: images are flipped")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plan-only", action="store_true", help="plan --count photos, and make nothing")
    args = parser.parse_args()
    if args.plan_only:
        print(json.dumps({"images": args.count, **measure_plan(args.count)}))
        return
    result = measure(args.count, args.shard_size, args.workers, args.kills, RECIPES[args.engine])
    print("| step, workers | seconds | processor seconds | peak MB | killed |")
    print("| --- | --- | --- | --- | --- |")
    for step, row in result["rows"].items():
        print(f"| {step} | {row['seconds']} | {row['processor_seconds']} | {row['peak_mb']} | {row['killed']} |")
    merged = [row for step, row in result["rows"].items() if step.startswith("merge")]
    print(f"equal to the single run: {all(row['equal'] for row in merged)}")
    print(f"made twice: {any(row['made_twice'] for row in merged)}")
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
