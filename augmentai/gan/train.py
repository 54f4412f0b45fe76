"""Train the local GAN: `python -m augmentai.gan.train --data PHOTOS --out runs/gan --minutes 60`.

PHOTOS is a folder or a ZIP of ordinary photos: 16 or more, though a few hundred are needed for good results. Runs on
CUDA if available, else on the CPU. Run again with the same --out, it resumes. It writes to --out:

    gan.safetensors   the weights; set AUGMENTAI_GAN_WEIGHTS=runs/gan/gan.safetensors to use them in the app
    log.jsonl         the losses, and each discriminator's AUC on real versus generated ("alive": well above 0.5)
    sheet.jpg         sample sheet: sources down the side, donors along the top, swaps in between
    checkpoint.pt     everything needed to resume
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from threading import Event

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from augmentai.gan import weights_file
from augmentai.gan.data import Photos
from augmentai.gan.layout import CELL_PX
from augmentai.gan.network import Generator
from augmentai.gan.sample_sheet import swaps
from augmentai.gan.style_bank import style_bank
from augmentai.gan.trainer import TrainConfig, Trainer
from augmentai.system.ending import on_first_signal

_MIN_SIZE = 64  # side of a crop, in pixels: below it the co-occurrence patches would be upsampled from under 16
_SAVE_SECONDS = 420.0  # between two checkpoints with sheet and export; the style bank takes a while on a CPU


def sample_sheet(generator: Generator, photos: Photos, device: str, path: Path, count: int = 8) -> None:
    """Save a sheet with photos from all over the set as sources and as donors; see `augmentai.gan.sample_sheet`."""
    indices = np.linspace(0, len(photos) - 1, count * 2 + 2).astype(int)[1:-1]
    images = [Image.fromarray(photos.images[int(index)].permute(1, 2, 0).numpy()) for index in indices]
    swaps(generator, images[count:], images[:count], device).save(path, quality=90)


def export(trainer: Trainer, path: Path, metadata: dict[str, str]) -> None:
    """Write the averaged generator and a new style bank as a weights file for the app."""
    generator = copy.deepcopy(trainer.average).float().eval()
    bank = style_bank(generator, trainer.photos, trainer.device)
    weights_file.save(path, generator.cpu(), bank.cpu(), metadata)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m augmentai.gan.train", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders or ZIPs of photos")
    parser.add_argument("--out", type=Path, default=Path("runs/gan"), help="output folder; resumes a run that is in it")
    parser.add_argument("--minutes", type=float, default=60, help="how long to train, this time")
    parser.add_argument("--steps", type=int, default=1_000_000, help="stop at this total number of steps")
    parser.add_argument("--batch", type=int, default=TrainConfig.batch, help="crops per step")
    parser.add_argument(
        "--size", type=int, default=TrainConfig.size, help="side of the crops in px; 64 takes a third of the time"
    )
    parser.add_argument("--seed", type=int, default=TrainConfig.seed)
    parser.add_argument("--limit", type=int, default=20_000, help="use at most this many photos")
    parser.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="GLOB=N",
        help="draw photos with matching names N times as often",
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cuda or cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    args = parser.parse_args(arguments)
    if args.size < _MIN_SIZE or args.size % CELL_PX:
        parser.error(f"--size is {args.size}; expected a multiple of {CELL_PX}, at least {_MIN_SIZE}")
    return args


def main(arguments: list[str] | None = None) -> None:
    """Train until the time or the steps are used up, or until interrupted.

    Args:
        arguments: Of the command line; by default those of the process.

    Raises:
        SystemExit: The arguments or the photos cannot be used, or training diverged.
    """
    args = _parse(arguments)
    if args.threads:
        torch.set_num_threads(args.threads)
    weights = {glob: float(n) for glob, n in (entry.rsplit("=", 1) for entry in args.weight)}
    try:
        photos = Photos(args.data, limit=args.limit, weights=weights)
    except (ValueError, OSError) as error:
        raise SystemExit(f"augmentai.gan.train: {error}") from error
    args.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(photos, TrainConfig(args.size, min(args.batch, len(photos)), seed=args.seed), args.device)
    checkpoint = args.out / "checkpoint.pt"
    if checkpoint.exists():
        trainer.restore(torch.load(checkpoint, weights_only=True))
    print(f"{len(photos)} photos, {args.device}, starting at step {trainer.step_count}")
    torch.set_flush_denormal(True)  # vanishing gradients become zero: subnormal numbers are slow on a CPU
    try:
        _run(trainer, args, checkpoint)
    finally:
        torch.set_flush_denormal(False)


def _stop_on_signals() -> Event:
    """Return an event that the first Ctrl-C or SIGTERM sets, so that progress is saved; the second ends at once."""
    stopped = Event()
    on_first_signal(stopped.set)
    return stopped


def _save_checkpoint(trainer: Trainer, args: argparse.Namespace, checkpoint: Path) -> None:
    """Write the checkpoint (atomically), the sample sheet and the weights file."""
    temporary = checkpoint.with_suffix(".new")
    torch.save(trainer.state(), temporary)
    temporary.replace(checkpoint)
    sample_sheet(trainer.average, trainer.photos, trainer.device, args.out / "sheet.jpg")
    metadata = {
        "steps": str(trainer.step_count),
        "data": ", ".join(p.name for p in args.data),
        "plan": json.dumps(asdict(trainer.config)),
    }
    export(trainer, args.out / "gan.safetensors", metadata)


def _run(trainer: Trainer, args: argparse.Namespace, checkpoint: Path) -> None:
    started = saved = time.monotonic()
    sums: dict[str, Tensor] = {}  # kept on the device: reading a value would make the GPU wait
    count = 0
    with (args.out / "log.jsonl").open("a") as log:
        stopped = _stop_on_signals()
        deadline = started + args.minutes * 60
        while trainer.step_count < args.steps and time.monotonic() < deadline and not stopped.is_set():
            for name, value in trainer.step().items():
                sums[name] = sums[name] + value if name in sums else value
            count += 1
            if trainer.step_count % 50 == 0:
                means = {name: round(float(total) / count, 4) for name, total in sums.items()}
                if not all(math.isfinite(value) for value in means.values()):
                    raise SystemExit(
                        f"training diverged at step {trainer.step_count}: {means}; the last checkpoint is kept"
                    )
                line = {"step": trainer.step_count, "minutes": round((time.monotonic() - started) / 60, 2), **means}
                print(json.dumps(line), file=log, flush=True)
                print(json.dumps(line), flush=True)
                sums, count = {}, 0
            if time.monotonic() - saved > _SAVE_SECONDS:
                _save_checkpoint(trainer, args, checkpoint)
                saved = time.monotonic()
        _save_checkpoint(trainer, args, checkpoint)


if __name__ == "__main__":
    main()
