"""How fast the local GAN is: `python benchmarks/speed.py [--json FILE]`, on an otherwise idle machine.

Four variations of one JPEG, from its bytes to four finished files, at several sizes, with one core and with two, warm
and in the first job of a process; beside it, on the same file in the same run:

    floor          decoding it once and encoding four pictures, and nothing else
    colour         what a user would take instead: kornia's colour jitter, blur and noise, four times
    stylisation    AdaIN (Huang & Belongie 2017) at full size: VGG-19 to relu4_1, new statistics, a mirrored decoder;
                   weights drawn at random, since only its speed is asked for

What holds on other machines are the ratios. Each figure comes from a process of its own, so that its peak memory is its
own too; a core more or less is a matter of what the process may run on, where the system knows how to say so.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import resource
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

from augmentai import Recipe, Source, augment  # noqa: E402
from augmentai.images import decode, encode  # noqa: E402
from augmentai.settings import EXAMPLES, Settings  # noqa: E402

SIZES_WH = ((256, 256), (512, 512), (1024, 1024), (1280, 853))
VARIATIONS = 4
STRENGTH = 0.4
_VGG = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512)  # to relu4_1
_SLOW = "stylisation"  # is timed once: seconds a picture


def photo(size_wh: tuple[int, int]) -> bytes:
    with Image.open(EXAMPLES / "dandelions_clemens_engelhardt.jpg") as opened:
        buffer = io.BytesIO()
        opened.convert("RGB").resize(size_wh, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def written(picture: Image.Image) -> bytes:
    return encode(picture, "JPEG", "benchmark", "compositeWithTrainedAlgorithmicMedia", None)


def gan(data: bytes) -> None:
    recipe = Recipe(variations=VARIATIONS, seed=1, engine="gan", strength=STRENGTH)
    outcomes = list(augment(Source.from_bytes("a.jpg", data), recipe, Settings()))
    assert all(outcome.ok for outcome in outcomes), outcomes[0].reason


def floor(data: bytes) -> None:
    decoded = decode(data, "a.jpg", 50_000_000)
    for _ in range(VARIATIONS):
        written(decoded.rgb)


def colour() -> Callable[[bytes], None]:
    import kornia.augmentation as K

    jitter = K.AugmentationSequential(
        K.ColorJiggle(0.4, 0.4, 0.4, 0.1, p=1.0),
        K.RandomGaussianBlur((5, 5), (0.3, 1.5), p=0.5),
        K.RandomGaussianNoise(0.0, 0.03, p=0.5),
        data_keys=["input"],
    )
    return lambda data: _through(data, lambda x: jitter(x))


def stylisation() -> Callable[[bytes], None]:
    from torch import nn

    down: list[nn.Module] = []
    up: list[nn.Module] = []
    width = 3
    for layer in _VGG:
        if isinstance(layer, str):
            down.append(nn.MaxPool2d(2, ceil_mode=True))
            up[:0] = [nn.Upsample(scale_factor=2)]
        else:
            down += [nn.Conv2d(width, layer, 3, padding=1, padding_mode="reflect"), nn.ReLU()]
            up[:0] = [nn.Conv2d(layer, width, 3, padding=1, padding_mode="reflect"), nn.ReLU()]
            width = layer
    encoder, decoder = nn.Sequential(*down), nn.Sequential(*up[:-1])

    def styled(x: Any) -> Any:
        seen = encoder(x)
        mean, deviation = seen.mean((2, 3), keepdim=True), seen.std((2, 3), keepdim=True)
        out = decoder((seen - mean) / (deviation + 1e-5) * deviation.flip(1) + mean.flip(1))
        return out[..., : x.shape[2], : x.shape[3]]

    return lambda data: _through(data, styled)


def _through(data: bytes, change: Callable[[Any], Any]) -> None:
    import numpy as np
    import torch

    pixels = np.array(decode(data, "a.jpg", 50_000_000).rgb)
    with torch.inference_mode():
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        for _ in range(VARIATIONS):
            made = (change(x)[0].clamp(0, 1) * 255).byte().permute(1, 2, 0).contiguous().numpy()
            written(Image.fromarray(made))


ROADS: dict[str, Callable[[], Callable[[bytes], None]]] = {
    "floor": lambda: floor,
    "gan": lambda: gan,
    "colour": colour,
    "stylisation": stylisation,
}


def one(name: str, size_wh: tuple[int, int], cores: int, repeats: int) -> dict[str, float]:
    """In a process of its own: seconds of the first job with all that it loads, and of a warm one."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    os.environ["OMP_NUM_THREADS"] = str(cores)
    data = photo(size_wh)
    times = []
    begun = time.perf_counter()
    road = ROADS[name]()
    for _ in range(2 if name == _SLOW else 1 + repeats):
        road(data)
        times.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"first": times[0], "warm": statistics.median(times[1:]), "peak_memory_mb": peak}


def measure(repeats: int, roads: list[str]) -> dict[str, Any]:
    rows = []
    for cores in (1, 2):
        for size_wh in SIZES_WH:
            found = {}
            for name in roads:
                words = ["--one", name, *map(str, (*size_wh, cores, repeats))]
                done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
                found[name] = json.loads(done.stdout)
            for name, times in found.items():
                rows.append(
                    {
                        "cores": cores,
                        "size": f"{size_wh[0]}x{size_wh[1]}",
                        "road": name,
                        "warm_seconds": round(times["warm"], 4),
                        "variations_per_second": round(VARIATIONS / times["warm"], 2),
                        "times_the_floor": round(times["warm"] / found["floor"]["warm"], 1),
                        "times_the_gan": round(times["warm"] / found["gan"]["warm"], 2),
                        "first_seconds": round(times["first"], 2),
                        "peak_memory_mb": round(times["peak_memory_mb"]),
                    }
                )
                print("| " + " | ".join(str(value) for value in rows[-1].values()) + " |", flush=True)
    import torch

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT)
    return {
        "command": "python benchmarks/speed.py",
        "variations": VARIATIONS,
        "strength": STRENGTH,
        "rows": rows,
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--roads", nargs="+", choices=ROADS, default=list(ROADS))
    parser.add_argument("--one", nargs=5, metavar=("ROAD", "WIDTH", "HEIGHT", "CORES", "REPEATS"), help="for itself")
    given = parser.parse_args()
    if given.one:
        width, height, cores, repeats = map(int, given.one[1:])
        print(json.dumps(one(given.one[0], (width, height), cores, repeats)))
        return
    if {"floor", "gan"} - set(given.roads):
        parser.error("--roads must hold floor and gan: the ratios are to them")
    names = "cores", "size", "road", "warm s", "variations/s", "x floor", "x GAN", "first s", "peak MB"
    print("| " + " | ".join(names) + " |\n|" + " --- |" * len(names))
    result = measure(given.repeats, given.roads)
    if given.json:
        given.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
