"""Many visitors at once on one machine: python benchmarks/load.py [--visitors 20] [--variations 4] [--side 1024]

app.py runs in its own process as a public page; every visitor is a gradio_client in a thread with its own address and
photo. Rounds: strength 0, where each image must come back unchanged, so that a mix-up of visitors is detected; and
strength 0.4 with the local GAN, twice. The server's memory is sampled every 50 ms. Server and visitors share the cores
of the machine.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.app_process import app_process  # noqa: E402
from tests.support.crowd import Visit, crowd, photo_of  # noqa: E402


class Memory:
    """Peak memory of a process and its children in MB (10^6 bytes), since the last `peak`."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._peak = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def now(self) -> float:
        family = [self._process, *self._process.children(recursive=True)]
        return sum(member.memory_info().rss for member in family) / 1e6

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self._peak = max(self._peak, self.now())

    def peak(self) -> float:
        peak, self._peak = max(self._peak, self.now()), 0.0
        return round(peak, 1)

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()


def summary(visits: list[Visit], variations: int, peak_mb: float, after_mb: float) -> dict[str, Any]:
    waits = [visit.ended - visit.began for visit in visits]
    served = [visit for visit in visits if not visit.problem]
    return {
        "visitors": len(visits),
        "served": len(served),
        "problems": sorted({visit.problem for visit in visits if visit.problem}),
        "images": sum(visit.made for visit in visits),
        "expected_images": len(visits) * variations,
        "images_of_others": sum(visit.made - visit.ours for visit in visits),
        "seconds": round(max(visit.ended for visit in visits), 2),
        "wait_s": {
            "first": round(min(waits), 2),
            "median": round(statistics.median(waits), 2),
            "last": round(max(waits), 2),
        },
        "server_peak_mb": peak_mb,
        "server_after_mb": round(after_mb, 1),
    }


def measure(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    photos = []
    for number in range(args.visitors):
        own = folder / f"visitor{number}"
        own.mkdir()
        photos.append(photo_of(number, own, args.side))
    with app_process(folder, AUGMENTAI_PUBLIC="true", AUGMENTAI_PROXIES="1") as running:
        memory = Memory(running.process.pid)
        idle = memory.now()
        rounds: dict[str, Any] = {}
        for name, strength in (("kept to the pixel", 0.0), ("local GAN", 0.4), ("local GAN again", 0.4)):
            visits = crowd(running.url, photos, args.variations, strength, addresses=True)
            rounds[name] = summary(visits, args.variations, memory.peak(), memory.now())
        memory.stop()
        alive = requests.get(running.url, timeout=30).ok
        status = running.end()
    return {"idle_mb": round(idle, 1), "rounds": rounds, "alive": alive, "exit_status": status}


def main() -> None:
    parser = argparse.ArgumentParser(description="Many visitors at once.")
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--variations", type=int, default=4)
    parser.add_argument("--side", type=int, default=1024, help="pixels")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "load.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result = measure(args, Path(name))
    for name, row in result["rounds"].items():
        print(
            f"{name}: {row['served']} of {row['visitors']} served, {row['images']} images, "
            f"{row['images_of_others']} of others, {row['seconds']} s, peak {row['server_peak_mb']:.0f} MB"
        )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    report = {
        "what": "visitors at once, server and visitors on the same cores",
        "side_px": args.side,
        "variations": args.variations,
        **result,
        "cores": psutil.cpu_count(),
        "load_before": round(psutil.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("gradio", "gradio_client", "torch", "pillow")},
        "commit": commit.stdout.strip(),
    }
    args.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
