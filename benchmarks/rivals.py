"""The jobs that `benchmarks/run.py` compares AugmentAI with, each a process of its own, without importing AugmentAI.

    python benchmarks/rivals.py METHOD SOURCE OUT --cores 2 --variations 4

    floor            decode each image once and encode it again for each variation, in as many threads as cores
    albumentations   flip, colour jitter, fog, noise and blur, in as many processes as cores
    kornia           flip, colour jitter, blur and noise on tensors, image by image, with as many threads as cores

All read a folder of JPEG or PNG files and write the same format: JPEG of quality 95, PNG of compression level 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Change = Callable[[Image.Image], Image.Image]


def save(image: Image.Image, path: Path) -> None:
    image.save(path, **({"quality": 95} if path.suffix == ".jpg" else {"compress_level": 1}))


def vary(make: Callable[[], Change], out: Path, variations: int, path: Path) -> None:
    change = make()
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    for number in range(1, variations + 1):
        save(change(image), out / f"{path.stem}__v{number}{path.suffix}")


@cache
def nothing() -> Change:
    return lambda image: image


@cache
def by_albumentations() -> Change:
    import albumentations as A
    import cv2

    cv2.setNumThreads(1)  # the processes take the cores
    steps = A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.ColorJitter(p=1.0),
            A.RandomFog(p=0.3),
            A.GaussNoise(p=0.5),
            A.GaussianBlur(p=0.5),
        ]
    )
    return lambda image: Image.fromarray(steps(image=np.asarray(image))["image"])


@cache
def by_kornia() -> Change:
    import kornia.augmentation as K
    import torch

    steps = K.AugmentationSequential(
        K.RandomHorizontalFlip(p=0.5),
        K.ColorJiggle(0.4, 0.4, 0.4, 0.1, p=1.0),
        K.RandomGaussianBlur((5, 5), (0.3, 1.5), p=0.5),
        K.RandomGaussianNoise(0.0, 0.03, p=0.5),
        data_keys=["input"],
    )

    def change(image: Image.Image) -> Image.Image:
        with torch.inference_mode():
            x: Any = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
            made = (steps(x)[0].clamp(0, 1) * 255).byte().permute(1, 2, 0).contiguous().numpy()
        return Image.fromarray(made)

    return change


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("method", choices=("floor", "albumentations", "kornia"))
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--variations", type=int, default=4)
    args = parser.parse_args()
    args.out.mkdir(parents=True)
    make = {"floor": nothing, "albumentations": by_albumentations, "kornia": by_kornia}[args.method]
    work = partial(vary, make, args.out, args.variations)
    files = sorted(args.source.iterdir())
    if args.method == "kornia":
        import torch

        torch.set_num_threads(args.cores)
        for file in files:
            work(file)
        return
    kind: Callable[[int], Executor] = ProcessPoolExecutor if args.method == "albumentations" else ThreadPoolExecutor
    with kind(args.cores) as pool:
        list(pool.map(work, files))


if __name__ == "__main__":
    main()
