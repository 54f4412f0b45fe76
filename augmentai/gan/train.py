"""Train the local GAN: `python -m augmentai.gan.train --data PHOTOS --out runs/gan --minutes 60`.

PHOTOS is a folder or a ZIP of ordinary photographs (16 or more; a few hundred and up are worth while). Runs on CUDA
where it is there, else on the CPU. Stopped and started again with the same --out it goes on where it was. It leaves in
--out:

    gan.safetensors   the weights; the app uses them with AUGMENTAI_GAN_WEIGHTS=runs/gan/gan.safetensors
    log.jsonl         the losses, and how often each discriminator tells real from made ("alive" well above 0.5)
    sheet.jpg         sample sheet: sources down the side, donors along the top, swaps between
    checkpoint.pt     everything needed to go on
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from augmentai.gan import losses
from augmentai.gan import weights_file as store
from augmentai.gan.data import Photos
from augmentai.gan.light import random_light
from augmentai.gan.network import CELL_PX, Discriminator, Generator, PatchDiscriminator, apply_change
from augmentai.gan.sample_sheet import swaps
from augmentai.gan.style_bank import style_bank

_LEAST_SIZE = 64  # of crops, pixels: the co-occurrence patches would be enlarged from under 16
_KEEP_SECONDS = 420.0  # between two checkpoints, sheets and exports; the bank of styles takes a while on a CPU


@dataclass(frozen=True)
class Plan:
    """Everything that decides a training run but the photographs."""

    size: int = 128  # side of a crop, pixels
    batch: int = 12
    rate_generator: float = 2e-4
    rate_discriminator: float = 4e-4
    average: float = 0.998  # of the exponential moving average of the weights
    seed: int = 1
    adversarial: float = 0.5
    patches: float = 1.0
    telling_apart: float = 1.0
    palette: float = 8.0
    content: float = 1.0
    detail: float = 4.0
    range: float = 40.0
    roughness: float = 8.0
    relight: float = 3.0


class Trainer:
    """Networks, optimisers and one `step`."""

    def __init__(self, photos: Photos, plan: Plan, device: str) -> None:
        torch.manual_seed(plan.seed)
        self.photos, self.plan, self.device, self.step_count = photos, plan, device, 0
        self.rng = torch.Generator().manual_seed(plan.seed)
        self._crops: Iterator[Tensor] | None = None  # begun at the first step: a resumed run goes on
        self.generator = Generator().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.whole = Discriminator().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.patch = PatchDiscriminator().to(device)
        judges = [*self.whole.parameters(), *self.patch.parameters()]
        self.generator_step = torch.optim.Adam(self.generator.parameters(), plan.rate_generator, (0.0, 0.99))
        self.judge_step = torch.optim.Adam(judges, plan.rate_discriminator, (0.0, 0.99))

    def _autocast(self) -> Any:
        return torch.autocast(self.device, torch.bfloat16)

    def step(self) -> dict[str, Tensor]:
        """One update of both discriminators and of the generator; returns what to log."""
        if self._crops is None:
            self._crops = self.photos.batches(self.plan.batch, self.plan.size, self.plan.seed, self.step_count)
        crops = next(self._crops).to(self.device).contiguous(memory_format=torch.channels_last)
        x, relit = random_light(crops, self.rng), random_light(crops, self.rng, chance=1.0)
        donors = x.roll(1, 0)
        with self._autocast():
            content, style = self.generator.encode(x)
            new_style = style.roll(1, 0)
            change = self.generator.change(content, style, new_style)
            relit_style = self.generator.encode(relit)[1]
            relighting = self.generator.change(content, style, relit_style)
        made = apply_change(x, change)
        seen = made.clamp(0, 1)
        relight = F.l1_loss(apply_change(x, relighting), relit)
        log = self._judge(x, seen.detach(), donors)
        log |= self._improve(x, made, seen, donors, content, new_style, change, relight)
        self._follow()
        self.step_count += 1
        return log

    def _judge(self, real: Tensor, made: Tensor, donors: Tensor) -> dict[str, Tensor]:
        references = self._cut(donors, 4)
        with self._autocast():
            real_verdict, made_verdict = self.whole(real), self.whole(made)
            same, other = self.patch(self._cut(donors, 4), references), self.patch(self._cut(made, 4), references)
        loss = F.relu(1 - real_verdict).mean() + F.relu(1 + made_verdict).mean()
        loss = loss + F.relu(1 - same).mean() + F.relu(1 + other).mean()
        _update(self.judge_step, loss, [self.whole, self.patch])
        return {
            "whole_alive": _telling(real_verdict.mean((1, 2, 3)), made_verdict.mean((1, 2, 3))),
            "patch_alive": _telling(same.flatten(), other.flatten()),
        }

    def _improve(
        self,
        x: Tensor,
        made: Tensor,
        seen: Tensor,
        donors: Tensor,
        content: Tensor,
        new_style: Tensor,
        change: Tensor,
        relight: Tensor,
    ) -> dict[str, Tensor]:
        plan = self.plan
        with self._autocast():
            content_again, style_again = self.generator.encode(seen)
            fooled = -self.whole(seen).mean()
            fits = -self.patch(self._cut(seen, 4), self._cut(donors, 4)).mean()
        parts = {
            "adversarial": fooled,
            "patches": fits,
            "telling_apart": losses.tell_apart(style_again, new_style),
            "palette": losses.palette_distance(seen, donors, self.rng),
            "content": F.l1_loss(content_again, content.detach()),
            "detail": losses.lost_detail(x, made),
            "range": losses.out_of_range(made),
            "roughness": losses.roughness(change),
            "relight": relight,  # the same crop in two simulated lights: the one place where the answer is known
        }
        total = sum((getattr(plan, name) * part for name, part in parts.items()), x.new_zeros(()))
        _update(self.generator_step, total, [self.generator])
        moved = (seen - x).abs().mean()
        return {name: part.detach() for name, part in parts.items()} | {"moved": moved.detach()}

    def _cut(self, pictures: Tensor, count: int, side: int = 32) -> Tensor:
        """`count` random patches of each picture, 1/8 to 1/3 of its side across: (B, count, 3, side, side)."""
        b = len(pictures) * count
        half = 1 / 8 + torch.rand(b, 1, 1, generator=self.rng) * (1 / 3 - 1 / 8)
        centre = (torch.rand(b, 1, 2, generator=self.rng) * 2 - 1) * (1 - half)
        line = torch.linspace(-1, 1, side)
        window = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).view(1, -1, 2)
        grid = (window * half + centre).view(b, side, side, 2).to(pictures)
        spread = pictures.repeat_interleave(count, 0)
        return F.grid_sample(spread, grid, align_corners=False, padding_mode="border").unflatten(0, (-1, count))

    def _follow(self) -> None:
        keep = min(self.plan.average, (1 + self.step_count) / (10 + self.step_count))
        with torch.no_grad():
            for slow, fast in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)

    def state(self) -> dict[str, Any]:
        """All that `restore` needs to go on."""
        names = ("generator", "average", "whole", "patch", "generator_step", "judge_step")
        kept = {name: getattr(self, name).state_dict() for name in names}
        return kept | {"steps": self.step_count, "rng": self.rng.get_state(), "plan": asdict(self.plan)}

    def restore(self, state: dict[str, Any]) -> None:
        for name in ("generator", "average", "whole", "patch", "generator_step", "judge_step"):
            getattr(self, name).load_state_dict(state[name])
        self.step_count = state["steps"]
        self.rng.set_state(state["rng"])


def _update(optimiser: torch.optim.Optimizer, loss: Tensor, networks: list[nn.Module]) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    for network in networks:
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimiser.step()


def _telling(real: Tensor, made: Tensor) -> Tensor:
    """Chance that a real one scores above a made one: 0.5 is a dead discriminator, 1 one that cannot be fooled."""
    return (real[:, None] > made[None, :]).float().mean()


def sample_sheet(generator: Generator, photos: Photos, device: str, path: Path, count: int = 8) -> None:
    """Photographs from all over the set as sources and as donors; see `augmentai.gan.sample_sheet`."""
    places = np.linspace(0, len(photos) - 1, count * 2 + 2).astype(int)[1:-1]
    pictures = [Image.fromarray(photos.pictures[int(place)].permute(1, 2, 0).numpy()) for place in places]
    swaps(generator, pictures[count:], pictures[:count], device).save(path, quality=90)


def export(trainer: Trainer, path: Path, notes: dict[str, str]) -> None:
    """Write the averaged generator and a fresh style bank as the app's weights file."""
    generator = copy.deepcopy(trainer.average).float().eval()
    bank = style_bank(generator, trainer.photos, trainer.device)
    store.save(path, generator.cpu(), bank.cpu(), notes)


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m augmentai.gan.train", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders or ZIPs of photographs")
    parser.add_argument("--out", type=Path, default=Path("runs/gan"), help="where everything is written")
    parser.add_argument("--minutes", type=float, default=60, help="how long to train, this time")
    parser.add_argument("--steps", type=int, default=1_000_000, help="stop at this many steps in all")
    parser.add_argument("--batch", type=int, default=Plan.batch)
    parser.add_argument("--size", type=int, default=Plan.size, help="of the crops, px; 64 takes a third of the time")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--limit", type=int, default=20_000, help="use at most this many photographs")
    parser.add_argument(
        "--weight", action="append", default=[], metavar="GLOB=N", help="draw matching names N times as often"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    args = parser.parse_args(words)
    if args.size < _LEAST_SIZE or args.size % CELL_PX:
        parser.error(f"--size is {args.size}; expected a multiple of {CELL_PX} from {_LEAST_SIZE}")
    return args


def main(words: list[str] | None = None) -> None:
    args = _arguments(words)
    if args.threads:
        torch.set_num_threads(args.threads)
    weights = {glob: float(n) for glob, n in (entry.rsplit("=", 1) for entry in args.weight)}
    try:
        photos = Photos(args.data, limit=args.limit, weights=weights)
    except (ValueError, OSError) as error:
        raise SystemExit(f"augmentai.gan.train: {error}") from error
    args.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(photos, Plan(args.size, min(args.batch, len(photos)), seed=args.seed), args.device)
    checkpoint = args.out / "checkpoint.pt"
    if checkpoint.exists():
        trainer.restore(torch.load(checkpoint, weights_only=True))
    print(f"{len(photos)} photographs, {args.device}, from step {trainer.step_count}")
    torch.set_flush_denormal(True)  # vanishing gradients are nought: subnormal numbers are slow on a CPU
    try:
        _run(trainer, args, checkpoint)
    finally:
        torch.set_flush_denormal(False)


def _stop_on_signals() -> Event:
    """Set by the first Ctrl-C or end request, so that what was learnt is kept; the second ends at once."""
    stopped = Event()

    def ask(number: int, _: object) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return stopped


def _run(trainer: Trainer, args: argparse.Namespace, checkpoint: Path) -> None:
    begun = saved = time.monotonic()
    sums: dict[str, Tensor] = {}  # left where they are made: to read one out would make a GPU wait
    counted = 0

    def keep() -> None:
        temporary = checkpoint.with_suffix(".new")
        torch.save(trainer.state(), temporary)
        temporary.replace(checkpoint)
        sample_sheet(trainer.average, trainer.photos, trainer.device, args.out / "sheet.jpg")
        notes = {
            "steps": str(trainer.step_count),
            "data": ", ".join(p.name for p in args.data),
            "plan": json.dumps(asdict(trainer.plan)),
        }
        export(trainer, args.out / "gan.safetensors", notes)

    with (args.out / "log.jsonl").open("a") as log:
        stopped = _stop_on_signals()
        while trainer.step_count < args.steps and time.monotonic() - begun < args.minutes * 60 and not stopped.is_set():
            for name, value in trainer.step().items():
                sums[name] = sums[name] + value if name in sums else value
            counted += 1
            if trainer.step_count % 50 == 0:
                means = {name: round(float(total) / counted, 4) for name, total in sums.items()}
                if not all(math.isfinite(value) for value in means.values()):
                    raise SystemExit(
                        f"training diverged at step {trainer.step_count}: {means}; the last checkpoint is kept"
                    )
                line = {"step": trainer.step_count, "minutes": round((time.monotonic() - begun) / 60, 2), **means}
                print(json.dumps(line), file=log, flush=True)
                print(json.dumps(line), flush=True)
                sums, counted = {}, 0
            if time.monotonic() - saved > _KEEP_SECONDS:
                keep()
                saved = time.monotonic()
        keep()


if __name__ == "__main__":
    main()
