"""How fast the local GAN is, beside the floor: `python benchmarks/speed.py [--json FILE]`.

For pictures of several sizes: seconds a variation from the decoded source to the finished file, warm; the floor is
decoding and encoding the same file and nothing else; the ratio between the two is what holds on other machines.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from augmentai import Recipe, Source, augment  # noqa: E402
from augmentai.images import decode, encode  # noqa: E402
from augmentai.settings import EXAMPLES, Settings  # noqa: E402

SIZES_WH = ((256, 256), (512, 512), (1024, 1024), (1280, 853))
VARIATIONS = 4


def photo(size_wh: tuple[int, int]) -> bytes:
    with Image.open(EXAMPLES / "dandelions_clemens_engelhardt.jpg") as opened:
        buffer = io.BytesIO()
        opened.convert("RGB").resize(size_wh, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def floor_seconds(data: bytes) -> float:
    """Decode once and encode each variation, as the GAN's job does, with nothing between."""
    begun = time.perf_counter()
    decoded = decode(data, "a.jpg", 50_000_000)
    for _ in range(VARIATIONS):
        encode(decoded.rgb, "JPEG", "floor", "compositeWithTrainedAlgorithmicMedia", None)
    return time.perf_counter() - begun


def job_seconds(data: bytes) -> float:
    source = Source.from_bytes("a.jpg", data)
    begun = time.perf_counter()
    outcomes = list(augment(source, Recipe(variations=VARIATIONS, seed=1, engine="gan"), Settings()))
    assert all(outcome.ok for outcome in outcomes)
    return time.perf_counter() - begun


def measure(repeats: int) -> dict[str, Any]:
    begun = time.perf_counter()
    job_seconds(photo(SIZES_WH[0]))
    cold = time.perf_counter() - begun
    rows = []
    for size_wh in SIZES_WH:
        data = photo(size_wh)
        pairs = [(job_seconds(data), floor_seconds(data)) for _ in range(repeats + 1)][1:]
        job, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
        rows.append(
            {
                "size": f"{size_wh[0]}x{size_wh[1]}",
                "seconds": round(job, 4),
                "floor_seconds": round(floor, 4),
                "ratio": round(job / floor, 2),
                "variations_per_second": round(VARIATIONS / job, 1),
            }
        )
    import torch

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT)
    return {
        "variations": VARIATIONS,
        "cold_first_job_seconds": round(cold, 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "rows": rows,
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    result = measure(given.repeats)
    print(
        f"{VARIATIONS} variations of one JPEG, decode to encode, warm; "
        f"torch {result['torch']}, {result['threads']} threads"
    )
    print("| size | seconds | decode + encode alone | ratio | variations a second |")
    print("| --- | --- | --- | --- | --- |")
    for row in result["rows"]:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    print(f"first job of the process: {result['cold_first_job_seconds']} s; peak memory {result['peak_memory_mb']} MB")
    if given.json:
        given.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
