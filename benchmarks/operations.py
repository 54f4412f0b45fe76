"""Speed of operations: `python benchmarks/operations.py [--json FILE] [--rounds 15]`, on an otherwise idle machine.

A photograph of 640 x 480 pixels with ten labelled outlines goes through each operation with its defaults, and through
chains of five, on one core; three others of that size, decoded already, lend their objects and grounds. The floor is
decoding that photograph and encoding it as JPEG once, which every variation needs anyway; floor and operations take
turns, so that the ratio carries over to other and to busy machines.

Median milliseconds of processor time, and how many times the floor that is.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from augmentai.annotations import Labels, Shape, box_around  # noqa: E402
from augmentai.images import Photo  # noqa: E402
from augmentai.operations import BUILT_IN, Donor, DonorPool, apply_operations, build_operations  # noqa: E402
from augmentai.settings import EXAMPLES  # noqa: E402
from augmentai.system.memory import use_one_arena  # noqa: E402
from augmentai.types import Source  # noqa: E402

SIZE_WH = (640, 480)
CHAINS = {
    "light and noise": ("exposure", "white_balance", "vignette", "noise", "jpeg"),
    "moves and noise": ("crop", "rotate", "exposure", "noise", "jpeg"),
    "blur and noise": ("vignette", "exposure", "defocus_blur", "noise", "jpeg"),
    "weather": ("flip", "shadow", "fog", "rain", "erase"),
    "objects": ("copy_paste", "crop", "rotate", "exposure", "jpeg"),
    "far away": ("crop", "perspective", "downscale", "motion_blur", "jpeg"),
}


LENDERS = ("chelsea.png", "coffee.png", "flower.jpg")


def photo(name: str = "china.jpg") -> Image.Image:
    with Image.open(EXAMPLES / name) as opened:
        return opened.convert("RGB").resize(SIZE_WH, Image.Resampling.LANCZOS)


def ten_outlines() -> Labels:
    shapes = []
    for number in range(10):
        left, top = 20.0 + 55 * number, 20.0 + 35 * number
        ring = ((left, top), (left + 70, top + 10), (left + 60, top + 80), (left + 10, top + 70))
        shapes.append(Shape("object", box_around(ring), (ring,)))
    return Labels(tuple(shapes))


def floor(image: Image.Image) -> Callable[[int], Any]:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92)

    def decode_and_encode(_: int) -> None:
        with Image.open(io.BytesIO(buffer.getvalue())) as opened:
            opened.load()
            opened.convert("RGB").save(io.BytesIO(), "JPEG", quality=92)

    return decode_and_encode


def through(names: tuple[str, ...], image: Image.Image, labels: Labels) -> Callable[[int], Any]:
    operations = build_operations([{name: {"probability": 1.0}} for name in names])

    def load(source: Source) -> Donor:
        return Donor(source.path, source.sha256, None, Photo(photo(source.path), "PNG", "RGB"), labels)

    own = Source.from_bytes("own", b"own")
    donors = DonorPool([own, *(Source.from_bytes(name, name.encode()) for name in LENDERS)], load).beside(own)
    return lambda seed: apply_operations(image, labels, operations, seed, donors=donors)


def measured(work: Callable[[int], Any], base: Callable[[int], Any], rounds: int) -> tuple[float, float]:
    """Median milliseconds of one and of the other, after a first call of each."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for found, call in zip(times, (work, base), strict=True):
            started = time.process_time()
            call(number + 1)
            found.append((time.process_time() - started) * 1000)
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def measure(rounds: int) -> dict[str, Any]:
    import cv2
    import torch

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    torch.set_num_threads(1)
    use_one_arena()  # as a run does
    cv2.setNumThreads(1)
    image, labels = photo(), ten_outlines()
    alone = {name: (name,) for name in BUILT_IN}
    rows = []
    for name, names in {**alone, **CHAINS}.items():
        milliseconds, base = measured(through(names, image, labels), floor(image), rounds)
        rows.append(
            {
                "operations": name if name in alone else f"{name}: {', '.join(names)}",
                "milliseconds": round(milliseconds, 1),
                "times_the_floor": round(milliseconds / base, 2),
            }
        )
        print("| " + " | ".join(str(value) for value in rows[-1].values()) + " |", flush=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT)
    return {
        "command": "python benchmarks/operations.py",
        "size": "x".join(map(str, SIZE_WH)),
        "rounds": rounds,
        "rows": rows,
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    print("| operations | ms | x floor |\n| --- | --- | --- |")
    result = measure(args.rounds)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
