"""What pasted objects are worth to a small network: `python benchmarks/lift_small_network.py SET... [--train 24]`.

SET: a folder with boxes or masks in any layout that AugmentAI reads. A few images train a network of 70,000 weights
from nothing, on the CPU, to say for each fourth pixel which class covers it (a box covers all of itself): with the same
steps and seeds, with flips and crops alone, and with half of each batch from variations. Compared are the intersection
over union, the mean over the classes, on images that are never trained on.

Each seed draws other training images and other weights; the table shows the mean of the differences between both arms
and their standard error, in points.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from augmentai.annotations import Labels  # noqa: E402
from augmentai.dataset.readers.gather import gather  # noqa: E402
from augmentai.engines import available  # noqa: E402
from augmentai.images import decode  # noqa: E402
from augmentai.operations.compositing.labelled_objects import labelled_objects  # noqa: E402
from augmentai.operations.compositing.objects import filled  # noqa: E402
from augmentai.pipeline.job import Job, limits  # noqa: E402
from augmentai.recipe import Recipe  # noqa: E402
from augmentai.settings import Settings  # noqa: E402
from augmentai.types import Source  # noqa: E402

ARMS = {
    "copy_paste": ["copy_paste"],
    "copy_paste(objects=1..3, probability=1)": ["copy_paste(objects=1..3, probability=1)"],
    "mosaic": ["mosaic"],
}
SIDE_PX, STRIDE = 96, 4
BATCH, VARIATIONS = 8, 8

Arrays = tuple[torch.Tensor, torch.Tensor]


class Small(nn.Module):
    """Three sizes of features, the coarser ones brought back to a quarter of the image."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in ((3, 12), (12, 24), (24, 40), (40, 48))
        )
        self.head = nn.Sequential(
            nn.Conv2d(24 + 40 + 48, 40, 3, 1, 1, bias=False), nn.BatchNorm2d(40), nn.ReLU(), nn.Conv2d(40, classes, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, classes, H / 4, W / 4)"""
        features = []
        for block in self.down:
            x = block(x)
            features.append(x)
        size = features[1].shape[-2:]
        wide = [functional.interpolate(one, size, mode="bilinear", align_corners=False) for one in features[1:]]
        return self.head(torch.cat(wide, 1))


def class_map(labels: Labels, size_wh: tuple[int, int], numbers: dict[str, int]) -> Image.Image:
    """The class of each pixel; smaller objects are in front."""
    values = np.zeros(size_wh[::-1], np.uint8)
    objects = sorted(labelled_objects(labels), key=lambda one: (one.box[0] - one.box[2]) * (one.box[3] - one.box[1]))
    for one in objects:
        number = numbers.setdefault(one.category, len(numbers) + 1)
        left, top, right, bottom = one.window
        left, top = max(0, left), max(0, top)
        if one.shape is not None and one.shape.mask is not None:
            values[np.asarray(one.shape.mask, bool)] = number
        elif one.shape is not None and one.shape.polygons:
            values[filled(one.shape.polygons, size_wh)] = number
        elif one.pixels is not None:
            values[top:bottom, left:right][one.pixels] = number
        else:
            values[top:bottom, left:right] = number
    return Image.fromarray(values)


def arrays(images: Sequence[tuple[Image.Image, Labels]], numbers: dict[str, int]) -> Arrays:
    size = (SIDE_PX, SIDE_PX)
    pixels = [np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX), np.uint8) for image, _ in images]
    maps = [class_map(labels, image.size, numbers).resize(size, Image.Resampling.NEAREST) for image, labels in images]
    x = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255 - 0.5
    return x, torch.from_numpy(np.stack([np.asarray(one, np.int64) for one in maps]))


def view(x: torch.Tensor, y: torch.Tensor, rng: Random) -> Arrays:
    """One image flipped and cropped."""
    if rng.random() < 0.5:
        x, y = x.flip(-1), y.flip(-1)
    side = round(SIDE_PX * rng.uniform(0.75, 1))
    left, top = rng.randint(0, SIDE_PX - side), rng.randint(0, SIDE_PX - side)
    x, y = x[..., top : top + side, left : left + side], y[..., top : top + side, left : left + side]
    x = functional.interpolate(x[None], (SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False)[0]
    y = functional.interpolate(y[None, None].float(), (SIDE_PX // STRIDE,) * 2, mode="nearest")[0, 0].long()
    return x, y


def trained(own: Arrays, varied: Arrays | None, classes: int, steps: int, seed: int) -> Small:
    torch.manual_seed(seed)
    model, rng = Small(classes), Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), 4e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    counts = torch.bincount(own[1].flatten(), minlength=classes).float()
    weight = (counts.sum() / counts.clamp(min=1)).sqrt().clamp(max=20)
    for _ in range(steps):
        pools = [own] * BATCH if varied is None else [own, varied] * (BATCH // 2)
        views = []
        for pool in pools:
            number = rng.randrange(len(pool[0]))
            views.append(view(pool[0][number], pool[1][number], rng))
        x, y = (torch.stack(part) for part in zip(*views, strict=True))
        loss = functional.cross_entropy(model(x), y, weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def score(model: Small, test: Arrays, classes: int) -> float:
    """Mean intersection over union of the classes that the test images show, in points."""
    with torch.inference_mode():
        found = torch.cat([model(part).argmax(1) for part in test[0].split(16)])
    true = functional.interpolate(test[1][:, None].float(), found.shape[-2:], mode="nearest")[:, 0].long()
    shares = []
    for number in range(1, classes):
        one, other = found == number, true == number
        if other.any():
            shares.append(float((one & other).sum() / (one | other).sum()))
    return 100 * statistics.mean(shares)


def loaded(sources: Sequence[Source], settings: Settings) -> list[tuple[Image.Image, Labels]]:
    made = []
    for source in sources:
        assert source.labels is not None
        made.append((decode(source.read(), source.path, settings.max_pixels).rgb, source.labels.load()))
    return made


def variations(sources: Sequence[Source], operations: list[str], seed: int, settings: Settings) -> Any:
    """Images and labels that a recipe makes of some sources, which borrow from no others."""
    recipe = Recipe(
        engine="none", geometry="none", variations=VARIATIONS, seed=seed, filters=False, operations=operations
    )
    gathered = gather(list(sources), limits(settings))
    outcomes = Job(gathered, recipe, settings, available(settings)).run()
    return [
        (one.variation.image, one.variation.labels)
        for one in outcomes
        if one.variation is not None and one.variation.labels is not None
    ]


def measure(path: Path, train: int, test: int, steps: int, seeds: int) -> dict[str, Any]:
    settings = Settings()
    labelled = [source for source in gather([path], limits(settings)).sources if source.labels is not None]
    numbers: dict[str, int] = {}
    arrays(loaded(labelled[:: max(1, len(labelled) // 200)], settings), numbers)  # learn the names of the classes
    rows: dict[str, list[float]] = {name: [] for name in ("flips and crops", *ARMS)}
    for seed in range(1, seeds + 1):
        order = Random(seed).sample(labelled, min(len(labelled), train + test))
        own = arrays(loaded(order[:train], settings), numbers)
        held_out = arrays(loaded(order[train:], settings), numbers)
        classes = len(numbers) + 1
        for name in rows:
            varied = None
            if name in ARMS:
                varied = arrays(variations(order[:train], ARMS[name], seed, settings), numbers)
            rows[name].append(round(score(trained(own, varied, classes, steps, seed), held_out, classes), 2))
            print(f"{path.name}, seed {seed}: {name} {rows[name][-1]}", file=sys.stderr, flush=True)
    return {"train": train, "test": test, "steps": steps, "classes": len(numbers), "iou": rows}


def table(results: dict[str, Any]) -> str:
    lines = ["| set | flips and crops alone | " + " | ".join(f"`{name}`" for name in ARMS) + " |"]
    lines.append("| --- " * (2 + len(ARMS)) + "|")
    for name, one in results.items():
        base = one["iou"]["flips and crops"]
        cells = [f"{statistics.mean(base):.1f}"]
        for arm in ARMS:
            differences = [after - before for after, before in zip(one["iou"][arm], base, strict=True)]
            error = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else 0.0
            each = ", ".join(f"{value:+.1f}" for value in differences)
            cells.append(f"{statistics.mean(differences):+.1f} ± {error:.1f} ({each})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, nargs="*")
    parser.add_argument("--train", type=int, default=24)
    parser.add_argument("--test", type=int, default=60)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    known = json.loads(args.json.read_text()) if args.json and args.json.exists() else {}
    for path in args.data:
        known[path.name] = measure(path, args.train, args.test, args.steps, args.seeds)
        if args.json:
            args.json.write_text(json.dumps(known, indent=1) + "\n")
    if args.markdown:
        args.markdown.write_text(table(known) + "\n")
    print(table(known))


if __name__ == "__main__":
    main()
