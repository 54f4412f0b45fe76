"""Speed of the local GAN: `python benchmarks/speed.py [--json FILE]`, on an otherwise idle machine.

Four variations of one JPEG, from its bytes to four encoded files, at several sizes, on one core and on two, warm and in
the first job of a process; compared, on the same file in the same run, with:

    floor          decoding it once and encoding four images, and nothing else
    colour         the usual alternative: kornia's colour jitter, blur and noise, four times
    stylisation    AdaIN (Huang & Belongie 2017) at full size: VGG-19 to relu4_1, new statistics, a mirrored decoder;
                   random weights, since only the speed is measured

The ratios carry over to other machines, the times do not. Each figure comes from its own process, so that its peak
memory is its own as well; the number of cores is set by CPU affinity where the system supports it.
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
_SLOW = "stylisation"  # timed once: seconds per image


def photo(size_wh: tuple[int, int]) -> bytes:
    with Image.open(EXAMPLES / "dandelions_clemens_engelhardt.jpg") as opened:
        buffer = io.BytesIO()
        opened.convert("RGB").resize(size_wh, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def encode_jpeg(image: Image.Image) -> bytes:
    return encode(image, "JPEG", "benchmark", "compositeWithTrainedAlgorithmicMedia", None)


def gan(data: bytes) -> None:
    recipe = Recipe(variations=VARIATIONS, seed=1, engine="gan", strength=STRENGTH)
    outcomes = list(augment(Source.from_bytes("a.jpg", data), recipe, Settings()))
    assert all(outcome.ok for outcome in outcomes), outcomes[0].reason


def floor(data: bytes) -> None:
    decoded = decode(data, "a.jpg", 50_000_000)
    for _ in range(VARIATIONS):
        encode_jpeg(decoded.rgb)


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
        features = encoder(x)
        mean, deviation = features.mean((2, 3), keepdim=True), features.std((2, 3), keepdim=True)
        out = decoder((features - mean) / (deviation + 1e-5) * deviation.flip(1) + mean.flip(1))
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
            encode_jpeg(Image.fromarray(made))


METHODS: dict[str, Callable[[], Callable[[bytes], None]]] = {
    "floor": lambda: floor,
    "gan": lambda: gan,
    "colour": colour,
    "stylisation": stylisation,
}


def one(name: str, size_wh: tuple[int, int], cores: int, repeats: int) -> dict[str, float]:
    """Time one method in this process: seconds of the first job including all imports, and of a warm one."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    os.environ["OMP_NUM_THREADS"] = str(cores)
    data = photo(size_wh)
    times = []
    started = time.perf_counter()
    method = METHODS[name]()
    for _ in range(2 if name == _SLOW else 1 + repeats):
        method(data)
        times.append(time.perf_counter() - started)
        started = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"first": times[0], "warm": statistics.median(times[1:]), "peak_memory_mb": peak}


def measure(repeats: int, methods: list[str]) -> dict[str, Any]:
    rows = []
    for cores in (1, 2):
        for size_wh in SIZES_WH:
            found = {}
            for name in methods:
                arguments = ["--one", name, *map(str, (*size_wh, cores, repeats))]
                done = subprocess.run(
                    [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True
                )
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
    parser.add_argument("--roads", dest="methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument(
        "--one", nargs=5, metavar=("METHOD", "WIDTH", "HEIGHT", "CORES", "REPEATS"), help=argparse.SUPPRESS
    )
    args = parser.parse_args()
    if args.one:
        width, height, cores, repeats = map(int, args.one[1:])
        print(json.dumps(one(args.one[0], (width, height), cores, repeats)))
        return
    if {"floor", "gan"} - set(args.methods):
        parser.error("--roads must include floor and gan: the ratios refer to them")
    names = "cores", "size", "road", "warm s", "variations/s", "x floor", "x GAN", "first s", "peak MB"
    print("| " + " | ".join(names) + " |\n|" + " --- |" * len(names))
    result = measure(args.repeats, args.methods)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
