"""How well the hosted engine uses its connections: a whole job against the emulator, from photos to encoded files.

    python benchmarks/hosted.py                     # about four minutes
    python benchmarks/hosted.py --variations 64     # one row, 20 seconds

The ideal is the time of the service alone: variations x latency / requests in flight, in whole rounds. Each row runs in
its own process, so that its peak memory is its own. The emulator renders each size once, so that it is not timed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.emulator_fixture import start  # noqa: E402

COLUMNS = ("variations", "in_flight", "latency_s", "ideal_s", "seconds", "times_ideal", "first_s", "peak_mb")


def one_row(base: str, variations: int, connections: int, latency: float, endpoint: str) -> dict[str, Any]:
    """Run one job in this process. Times in seconds, memory in MB (10^6 bytes)."""
    from augmentai.dataset.readers.gather import gather
    from augmentai.engines.stability import StabilityEngine
    from augmentai.pipeline.job import Job, limits
    from augmentai.recipe import Recipe
    from augmentai.settings import Settings
    from augmentai.system.memory import use_one_arena
    from augmentai.types import Source

    settings = Settings(
        stability_api_key="sk-benchmark",
        stability_api_base=base,
        stability_concurrency=connections,
        stability_endpoint=endpoint,
    )
    gathered = gather([ROOT / "examples"], limits(settings))
    photos = gathered.sources[:8]
    # Eight variations of each photo; the same few under many names stand for a large set.
    sources = tuple(
        Source(f"{i}/{photo.path}", photo.label, photo.sha256, photo.size_bytes, photo.read)
        for i in range(math.ceil(variations / 64))
        for photo in photos
    )
    gathered = type(gathered)(sources, (), ())
    job = Job(gathered, Recipe(engine="stability", variations=8, seed=1), settings, [StabilityEngine(settings)])
    use_one_arena()  # as a run to disk does
    started, first, made = time.monotonic(), 0.0, 0
    for outcome in job.run():
        first = first or time.monotonic() - started
        made += outcome.ok
    seconds = time.monotonic() - started
    ideal = math.ceil(len(sources) * 8 / connections) * latency
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return {
        "variations": made,
        "in_flight": connections,
        "latency_s": latency,
        "ideal_s": ideal,
        "seconds": round(seconds, 2),
        "times_ideal": round(seconds / ideal, 3),
        "first_s": round(first, 2),
        "peak_mb": round(peak, 1),
        "failed": job.report.failed,
        "credits": job.report.credits,
    }


def in_own_process(args: argparse.Namespace, variations: int) -> dict[str, Any]:
    process, emulator = start("--latency", str(args.latency), "--credits", "1e9", "--plain")
    try:
        command = [sys.executable, __file__, "--one", emulator.url, "--variations", str(variations)]
        command += ["--in-flight", str(args.in_flight), "--latency", str(args.latency), "--endpoint", args.endpoint]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        row: dict[str, Any] = json.loads(done.stdout)
        stats = emulator.stats()
        return row | {"in_flight_most": stats["in_flight_most"], "connections": stats["connections"] - 1}
    finally:
        process.terminate()
        process.wait(10)


def about() -> dict[str, Any]:
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "commit": commit.stdout.strip() or None,
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "versions": {name: version(name) for name in ("pillow", "numpy", "requests", "urllib3")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variations", type=int, nargs="+", default=[64, 640], help="one row each; multiples of 64")
    parser.add_argument("--in-flight", type=int, default=8)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds that the service takes per image")
    parser.add_argument("--endpoint", default="sd3", choices=("sd3", "ultra", "structure"))
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one_row(args.one, args.variations[0], args.in_flight, args.latency, args.endpoint)))
        return
    rows = []
    print(" ".join(f"{column:>12}" for column in COLUMNS))
    for variations in args.variations:
        rows.append(in_own_process(args, variations))
        print(" ".join(f"{rows[-1][column]:>12}" for column in COLUMNS), flush=True)
    if args.json:
        args.json.write_text(json.dumps(about() | {"endpoint": args.endpoint, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
