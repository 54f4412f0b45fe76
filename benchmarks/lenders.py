"""Memory and speed of operations that borrow: `python benchmarks/lenders.py [--counts 100 400 1600] [--workers 1]`.

Each row is a run of the command line in its own process, without an engine, over a YOLO set of 640 x 480 photographs
with five boxes each, of which objects are pasted and four are put into one frame. What has only a box is cut out by
GrabCut, so this is the slowest kind of set. The peak is that of all processes of a run together, of which there are
`--workers`; memory counts as flat where that of the largest set is within 10 % of that of the smallest. Processor time
is given, since it does not depend on what else the machine does; `each` is that of a run less that of a run over eight
images, over the variations between them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.processes import Measured, measured  # noqa: E402

SIZE_WH = (640, 480)
FEW = 8
VARIATIONS = 2
FLAT = 1.10
OPERATIONS = ("copy_paste(probability=1)", "mosaic(probability=0.3)", "crop")


def write_set(folder: Path, count: int) -> None:
    """Crops of the examples with boxes, in half of which something is painted that GrabCut can find."""
    photos = []
    for path in sorted((ROOT / "examples").iterdir()):
        if path.suffix in {".jpg", ".png"}:
            with Image.open(path) as opened:
                photos.append(opened.convert("RGB"))
    rng = Random(5)
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    (folder / "data.yaml").write_text("train: images\nnames: [a, b, c]\n")
    for number in range(count):
        photo = photos[number % len(photos)]
        wide = int(min(photo.width, photo.height * 4 / 3) * rng.uniform(0.6, 1))
        high = wide * 3 // 4
        left, top = rng.randint(0, photo.width - wide), rng.randint(0, photo.height - high)
        image = photo.crop((left, top, left + wide, top + high)).resize(SIZE_WH, Image.Resampling.BICUBIC)
        rows = [_object(rng, ImageDraw.Draw(image)) for _ in range(5)]
        image.save(folder / "images" / f"{number:05}.jpg", quality=88)
        (folder / "labels" / f"{number:05}.txt").write_text("".join(rows))


def _object(rng: Random, draw: ImageDraw.ImageDraw) -> str:
    width, height = SIZE_WH
    wide, high = rng.randint(30, 160), rng.randint(30, 160)
    x, y = rng.randint(3, width - 4 - wide), rng.randint(3, height - 4 - high)
    if rng.random() < 0.5:
        draw.ellipse((x, y, x + wide, y + high), fill=tuple(rng.randint(0, 255) for _ in range(3)))
    middle = (x + wide / 2) / width, (y + high / 2) / height
    return f"{rng.randrange(3)} {middle[0]:.6f} {middle[1]:.6f} {wide / width:.6f} {high / height:.6f}\n"


def run(folder: Path, out: Path, workers: int) -> Measured:
    """One run, which has to end well."""
    command = [sys.executable, "-m", "augmentai", str(folder), "-o", str(out), "-e", "none", "--seed", "3"]
    command += ["-n", str(VARIATIONS), *(word for one in OPERATIONS for word in ("-O", one))]
    made = measured(command, ROOT, {**os.environ, "AUGMENTAI_WORKERS": str(workers)})
    assert made.status == 0, f"{' '.join(command)} ended with {made.status}: {made.errors}"
    return made


def rows_of(counts: list[int], workers: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    start = 0.0
    for count in [FEW, *sorted(counts)]:
        with tempfile.TemporaryDirectory() as place:
            write_set(Path(place) / "set", count)
            made = run(Path(place) / "set", Path(place) / "out", workers)
        if count == FEW:
            start = made.cpu_s
            continue
        row = {
            "images": count,
            "processor_seconds": round(made.cpu_s, 1),
            "each_ms": round((made.cpu_s - start) * 1000 / (count - FEW) / VARIATIONS, 1),
            "peak_mb": round(made.peak_mb),
        }
        rows.append(row)
        print("| " + " | ".join(map(str, row.values())) + " |", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 400, 1600])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    print("| images | processor seconds | ms each | peak MB |\n| --- | --- | --- | --- |")
    rows = rows_of(args.counts, args.workers)
    is_flat = rows[-1]["peak_mb"] <= FLAT * rows[0]["peak_mb"]
    print(f"memory is {'flat' if is_flat else 'not flat'}")
    if args.json:
        command = " ".join(f'-O "{one}"' for one in OPERATIONS)
        result = {"run": f"-e none {command} -n {VARIATIONS}", "workers": args.workers, "rows": rows, "flat": is_flat}
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
