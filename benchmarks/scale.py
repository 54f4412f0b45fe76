"""Memory and speed over many small files: `python benchmarks/scale.py [--counts 1000 20000] [--kinds zip] [--json F]`.

Each row is a run of the command line in its own process, with the real local GAN, over class folders of generated
64 x 64 JPEGs; "zip" reads them from one ZIP and writes another, originals included. The peak is that of all
its processes together. Memory counts as flat where the peak of the largest count is within 10 % of that of the
smallest.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.processes import measured  # noqa: E402

CLASSES = 38
SIDE_PX = 64
FLAT = 1.10
KINDS = ("folder", "zip")


def write_photos(folder: Path, count: int) -> None:
    """Write small photos that all differ: crops of the examples."""
    photos = []
    for path in sorted((ROOT / "examples").glob("*.jpg")):
        with Image.open(path) as opened:
            photos.append(opened.convert("RGB").resize((320, 320)))
    rng = np.random.default_rng(0)
    for number in range(count):
        left, top = (int(v) for v in rng.integers(0, 320 - SIDE_PX, 2))
        crop = photos[number % len(photos)].crop((left, top, left + SIDE_PX, top + SIDE_PX))
        buffer = io.BytesIO()
        crop.save(buffer, "JPEG", quality=85, comment=str(number).encode())  # the number makes every file different
        path = folder / f"class {number % CLASSES:02}" / f"{number:06}.jpg"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(buffer.getvalue())


def measure_run(source: Path, out: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "augmentai", str(source), "-o", str(out), "--engine", "gan", "--seed", "1"]
    one = measured(command, ROOT, dict(os.environ))
    # 1: a few crops of the dark sky are so flat that the filters reject their variations.
    assert one.status in {0, 1}, f"{' '.join(command)} ended with {one.status}"
    return {
        "seconds": round(one.seconds, 1),
        "peak_mb": round(one.peak_mb, 1),
        "processor_seconds": round(one.cpu_s, 1),
    }


def pack(folder: Path) -> Path:
    """Pack the folder into a ZIP next to it and remove the folder."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.jpg")):
            archive.write(file, file.relative_to(folder))
    shutil.rmtree(folder)
    return path


def measure(counts: list[int], kinds: list[str]) -> dict[str, Any]:
    rows = []
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT)
    with tempfile.TemporaryDirectory(prefix="augmentai-scale-") as name:
        for count in sorted(counts):
            for kind in kinds:
                source, out = Path(name) / f"{count}", Path(name) / f"out{count}"
                write_photos(source, count)
                if kind == "zip":
                    source, out = pack(source), out.with_suffix(".zip")
                row = {"sources": count, "kind": kind, **measure_run(source, out)}
                rows.append({**row, "variations_per_second": round(count / row["seconds"], 1)})
                print(rows[-1], file=sys.stderr)
                if kind == "folder":
                    again = measure_run(source, out)
                    rows.append(
                        {"sources": count, "kind": "folder, nothing left to do", **again, "variations_per_second": None}
                    )
                    print(rows[-1], file=sys.stderr)
    for row in rows:
        row["commit"] = commit.stdout.strip()
    growth = {
        kind: round(peaks[-1] / peaks[0], 3)
        for kind in kinds
        if (peaks := [row["peak_mb"] for row in rows if row["kind"] == kind])
    }
    import torch

    return {
        "picture": f"{SIDE_PX}x{SIDE_PX} JPEG",
        "rows": rows,
        "peak_of_largest_by_smallest": growth,
        "flat": all(ratio <= FLAT for ratio in growth.values()),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processors": len(os.sched_getaffinity(0)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[1_000, 20_000])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = measure(args.counts, args.kinds)
    print("| sources | kind | seconds | peak MB | processor seconds | variations a second | commit |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in result["rows"]:
        print("| " + " | ".join(str(row[key]) for key in row) + " |")
    print(f"peak of the largest by the smallest: {result['peak_of_largest_by_smallest']}; flat: {result['flat']}")
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
