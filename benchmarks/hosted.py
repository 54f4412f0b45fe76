"""How well does the hosted engine fill its wires? A whole job against the emulator: photographs in, encoded files out.

    python benchmarks/hosted.py                     # about four minutes
    python benchmarks/hosted.py --variations 64     # one row, 20 seconds

The ideal is what the service alone takes: variations x latency / requests in flight, in whole rounds. Each row has a
process of its own, and so a peak memory of its own. The emulator paints each size once, lest it be timed as well.
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


def one_row(base: str, variations: int, wires: int, latency: float, endpoint: str) -> dict[str, Any]:
    """Run one job here, in this process. Times in seconds, memory in MB (10^6 bytes)."""
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
        stability_concurrency=wires,
        stability_endpoint=endpoint,
    )
    gathered = gather([ROOT / "examples"], limits(settings))
    photos = gathered.sources[:8]
    # Eight variations of each photograph; the same few under many names, as a large set would have many.
    sources = tuple(
        Source(f"{i}/{photo.path}", photo.label, photo.sha256, photo.size_bytes, photo.read)
        for i in range(math.ceil(variations / 64))
        for photo in photos
    )
    gathered = type(gathered)(sources, (), ())
    job = Job(gathered, Recipe(engine="stability", variations=8, seed=1), settings, [StabilityEngine(settings)])
    use_one_arena()  # as a job that is kept does
    begun, first, made = time.monotonic(), 0.0, 0
    for outcome in job.run():
        first = first or time.monotonic() - begun
        made += outcome.ok
    seconds = time.monotonic() - begun
    ideal = math.ceil(len(sources) * 8 / wires) * latency
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return {
        "variations": made,
        "in_flight": wires,
        "latency_s": latency,
        "ideal_s": ideal,
        "seconds": round(seconds, 2),
        "times_ideal": round(seconds / ideal, 3),
        "first_s": round(first, 2),
        "peak_mb": round(peak, 1),
        "failed": job.report.failed,
        "credits": job.report.credits,
    }


def in_a_process(given: argparse.Namespace, variations: int) -> dict[str, Any]:
    process, emulator = start("--latency", str(given.latency), "--credits", "1e9", "--plain")
    try:
        command = [sys.executable, __file__, "--one", emulator.url, "--variations", str(variations)]
        command += ["--in-flight", str(given.in_flight), "--latency", str(given.latency), "--endpoint", given.endpoint]
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
    parser.add_argument("--variations", type=int, nargs="+", default=[64, 640], help="one row each; in steps of 64")
    parser.add_argument("--in-flight", type=int, default=8)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds the service takes for a picture")
    parser.add_argument("--endpoint", default="sd3", choices=("sd3", "ultra", "structure"))
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one_row(given.one, given.variations[0], given.in_flight, given.latency, given.endpoint)))
        return
    rows = []
    print(" ".join(f"{column:>12}" for column in COLUMNS))
    for variations in given.variations:
        rows.append(in_a_process(given, variations))
        print(" ".join(f"{rows[-1][column]:>12}" for column in COLUMNS), flush=True)
    if given.json:
        given.json.write_text(json.dumps(about() | {"endpoint": given.endpoint, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
