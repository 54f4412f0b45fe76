"""Whole runs of the command line, beside others in the same minute: `python benchmarks/run.py`, on an idle machine.

    python benchmarks/run.py                             # JPEGs of four sizes, on one core and on two; five minutes
    python benchmarks/run.py --formats png
    python benchmarks/run.py --sizes 640 --cores 2 --rounds 5
    python benchmarks/run.py --growth 100 20000          # time and memory for each image as a set grows

Each row is a job from the start of a process to its last file: four variations of each image by the local GAN, compared
with a script of Albumentations 2.0.8, one of kornia, and the floor, which decodes once and encodes four times (see
`benchmarks/rivals.py`). Methods take turns, so that other load meets all of them; ratios carry over to other machines,
times do not. The memory is that of all processes of a method. Albumentations is installed into a virtual environment of
its own, `runs/albumentations`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from augmentai.settings import EXAMPLES  # noqa: E402
from benchmarks.processes import measured  # noqa: E402

VARIATIONS = 4
# Longer side in pixels: (size, images). Sizes of cameras; fewer of the large ones, which take long for everybody.
SETS = {256: ((256, 256), 120), 640: ((640, 480), 120), 1280: ((1280, 853), 12), 4000: ((4000, 3000), 2)}
METHODS = ("augmentai", "albumentations", "kornia", "floor")
RIVAL = "albumentations==2.0.8"
_NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE"}  # an installed package has its bytecode, whatever this shell says


def write_images(folder: Path, side: int, suffix: str) -> None:
    """Crops of the example photographs, each another one."""
    size_wh, count = SETS[side]
    folder.mkdir(parents=True)
    photos = []
    for path in sorted(EXAMPLES.iterdir()):
        if path.suffix in {".jpg", ".png"}:
            with Image.open(path) as opened:
                photos.append(opened.convert("RGB"))
    for number in range(count):
        photo = photos[number % len(photos)]
        share = 0.6 + 0.35 * (number * 37 % 100) / 100
        width, height = round(photo.width * share), round(photo.height * share)
        left, top = (
            (photo.width - width) * (number * 53 % 100) // 100,
            (photo.height - height) * (number * 71 % 100) // 100,
        )
        image = photo.crop((left, top, left + width, top + height)).resize(size_wh, Image.Resampling.LANCZOS)
        image.save(folder / f"{number:04}.{suffix}", **({"quality": 90} if suffix == "jpg" else {"compress_level": 1}))


def command_of(method: str, source: Path, out: Path, cores: int, python: str) -> list[str]:
    if method == "augmentai":
        run = ["-m", "augmentai", source, "-o", out, "-e", "gan", "--originals", "none", "-n", VARIATIONS, "--seed", 7]
        return [sys.executable, *map(str, run)]
    interpreter = python if method == "albumentations" else sys.executable
    script = [ROOT / "benchmarks" / "rivals.py", method, source, out, "--cores", cores, "--variations", VARIATIONS]
    return [interpreter, *map(str, script)]


def timed(command: list[str], out: Path, cores: int) -> dict[str, float]:
    """Run a command on so many cores: seconds, CPU seconds and peak memory."""
    shutil.rmtree(out, ignore_errors=True)
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(cores)}
    environment = {name: value for name, value in (os.environ | own).items() if name not in _NO_BYTECODE}
    one = measured(command, ROOT, environment, cores)
    if one.status not in {0, 1}:  # 1: a filter rejected a few variations
        raise SystemExit(f"{' '.join(command)} ended with {one.status}:\n{one.errors}")
    return {"seconds": one.seconds, "cpu": one.cpu_s, "peak_mb": one.peak_mb}


def albumentations_python() -> str:
    """The interpreter of an environment with Albumentations, which is made if it is missing."""
    folder = ROOT / "runs" / "albumentations"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", RIVAL, "pillow"], check=True)
    return str(python)


def compare(args: argparse.Namespace) -> list[dict[str, Any]]:
    python = args.albumentations or (albumentations_python() if "albumentations" in args.methods else "")
    rows = []
    with tempfile.TemporaryDirectory(prefix="augmentai-run-") as name:
        for side in args.sizes:
            for suffix in args.formats:
                source, out = Path(name) / f"{side}{suffix}", Path(name) / "out"
                write_images(source, side, suffix)
                for cores in args.cores:
                    found: dict[str, list[dict[str, float]]] = {method: [] for method in args.methods}
                    for _ in range(args.rounds):
                        for method in args.methods:
                            found[method].append(timed(command_of(method, source, out, cores, python), out, cores))
                    rows.append(row_of(side, suffix, cores, found))
                    print(line_of(rows[-1], args.methods), flush=True)
    return rows


def row_of(side: int, suffix: str, cores: int, found: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    size_wh, count = SETS[side]
    medians = {
        method: {key: round(statistics.median(run[key] for run in runs), 2) for key in runs[0]}
        for method, runs in found.items()
    }
    own = medians["augmentai"]["seconds"]
    ratios = {method: round(own / one["seconds"], 2) for method, one in medians.items() if method != "augmentai"}
    size = "x".join(map(str, size_wh))
    return {"size": size, "format": suffix, "images": count, "cores": cores, **medians, "times_as_long_as": ratios}


def line_of(row: dict[str, Any], methods: Sequence[str]) -> str:
    cells = [row["size"], row["format"], row["images"], row["cores"]]
    cells += [f"{row[method]['seconds']:.1f}" for method in methods]
    cells += [f"{row[method]['cpu']:.1f}" for method in methods]
    cells += [f"{row[method]['peak_mb']:.0f}" for method in methods]
    cells += [row["times_as_long_as"][method] for method in methods if method != "augmentai"]
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--formats", nargs="+", choices=("jpg", "png"), default=["jpg"])
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--rounds", type=int, default=1, help="of which the medians are shown")
    parser.add_argument("--albumentations", metavar="PYTHON", help="an interpreter that has it")
    parser.add_argument("--growth", type=int, nargs="+", metavar="IMAGES", help="measure this alone")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.growth:
        from benchmarks.scale import measure

        result = measure(args.growth, ["folder"])
        print(json.dumps(result, indent=1))
    else:
        if "augmentai" not in args.methods:
            parser.error("--methods must include augmentai: the ratios refer to it")
        head = ["size", "format", "images", "cores"]
        head += [f"{method} {unit}" for unit in ("s", "CPU s", "MB") for method in args.methods]
        head += [f"/ {method}" for method in args.methods if method != "augmentai"]
        print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head), flush=True)
        load = os.getloadavg()[0]
        result = {"rows": compare(args), "load_before": round(load, 1)}
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    result |= {"commit": commit.stdout.strip(), "python": platform.python_version(), "variations": VARIATIONS}
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
