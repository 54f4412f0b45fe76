"""Train the local GAN against pretrained features: `python benchmarks/projected_gan.py --data PHOTOS --out FOLDER`.

A trial of `benchmarks/results/lift_trials.md`: instead of a discriminator of its own, small heads judge
random projections of the frozen features of EfficientNet-Lite0 at four strides (A. Sauer et al., "Projected GANs
converge faster", 2021), and a variation's features have to agree with its source's, so that the class is kept. All
other losses are those of `augmentai.gan.train`. Training starts from given weights. The result is a weights file for
AUGMENTAI_GAN_WEIGHTS; `benchmarks/lift_worth.py DATA --group colour` measures it beside light alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from augmentai.backbone.load import WEIGHTS
from augmentai.backbone.network import EfficientNetLite0, load_network
from augmentai.gan import losses, weights_file
from augmentai.gan.data import Photos
from augmentai.gan.light import random_light
from augmentai.gan.network import apply_change
from augmentai.gan.train import export, sample_sheet
from augmentai.gan.trainer import TrainConfig, Trainer
from augmentai.settings import DEFAULT_WEIGHTS

STAGES = (2, 4, 10, 15)  # the last blocks of strides 4, 8, 16 and 32
_CHANNELS = (24, 40, 112, 320)
_WIDTH = 64
_SAVE_SECONDS = 600.0


class ProjectedDiscriminator(nn.Module):
    """Is this a real photo, by frozen features? Maps of four strides -> logits (B, cells of all strides)."""

    def __init__(self) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Conv2d(channels, _WIDTH, 1).requires_grad_(False) for channels in _CHANNELS)
        self.heads = nn.ModuleList(_head() for _ in _CHANNELS)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        found = [
            head(projection(one.float())).flatten(1)
            for one, projection, head in zip(maps, self.projections, self.heads, strict=True)
        ]
        return torch.cat(found, 1)


def _head() -> nn.Module:
    return nn.Sequential(
        spectral_norm(nn.Conv2d(_WIDTH, _WIDTH, 3, 1, 1)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(_WIDTH, 1, 1)),
    )


class ProjectedTrainer(Trainer):
    """`Trainer` with a projected discriminator and the agreement of features.

    Args:
        photos: the training photos.
        config: what determines the run; `adversarial` is the weight of the projected discriminator.
        start: a weights file.
        agreement: weight of one less the cosine of a variation's features to its source's.
    """

    def __init__(self, photos: Photos, config: TrainConfig, start: Path, agreement: float) -> None:
        super().__init__(photos, config, "cpu")
        known = weights_file.load(start).generator.state_dict()
        self.generator.load_state_dict(known)
        self.average.load_state_dict(known)
        self.agreement = agreement
        self.eye: EfficientNetLite0 = load_network(WEIGHTS).requires_grad_(False)
        self.judge = ProjectedDiscriminator()
        heads = [*self.judge.heads.parameters(), *self.patch_discriminator.parameters()]
        self.discriminator_optimizer = torch.optim.Adam(heads, config.rate_discriminator, (0.0, 0.99))

    def step(self) -> dict[str, Tensor]:
        """Update both discriminators and the generator once."""
        if self._crops is None:
            self._crops = self.photos.batches(self.config.batch, self.config.size, self.config.seed, 0, threads=1)
        crops = next(self._crops).contiguous(memory_format=torch.channels_last)
        x, relit = random_light(crops, self.rng), random_light(crops, self.rng, chance=1.0)
        donors = x.roll(1, 0)
        with self._autocast():
            content, style = self.generator.encode(x)
            new_style = style.roll(1, 0)
            change = self.generator.change(content, style, new_style)
            relighting = self.generator.change(content, style, self.generator.encode(relit)[1])
        made = apply_change(x, change)
        clamped = made.clamp(0, 1)
        with self._autocast():
            with torch.no_grad():
                real_maps, real_features = self._look(x)
            made_maps, made_features = self._look(clamped)
        log = self._update_judges(real_maps, [one.detach() for one in made_maps], clamped.detach(), donors)
        with self._autocast():
            content_again, style_again = self.generator.encode(clamped)
            patches = self.patch_discriminator(self._random_patches(clamped, 4), self._random_patches(donors, 4))
        parts = {
            "adversarial": -self.judge(made_maps).mean(),
            "patches": -patches.mean(),
            "telling_apart": losses.contrastive(style_again, new_style),
            "palette": losses.palette_distance(clamped, donors, self.rng),
            "content": F.l1_loss(content_again, content.detach()),
            "detail": losses.lost_detail(x, made),
            "range": losses.out_of_range(made),
            "roughness": losses.roughness(change),
            "relight": F.l1_loss(apply_change(x, relighting), relit),
        }
        disagreement = 1 - F.cosine_similarity(made_features.float(), real_features.float()).mean()
        total = sum((getattr(self.config, name) * part for name, part in parts.items()), self.agreement * disagreement)
        _update(self.generator_optimizer, total, [self.generator])
        self._update_average()
        self.step_count += 1
        moved = (clamped - x).abs().mean().detach()
        return (
            log
            | {name: part.detach() for name, part in parts.items()}
            | {
                "disagreement": disagreement.detach(),
                "moved": moved,
            }
        )

    def _look(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Maps of four strides and the features: (B, 3, S, S) in 0..1 -> [(B, C, S/stride, S/stride)], (B, 1280)."""
        maps = self.eye.maps(x * 255)
        return [maps[number] for number in STAGES], F.relu6(self.eye.head(maps[-1])).mean((2, 3))

    def _update_judges(
        self, real: Sequence[Tensor], made: Sequence[Tensor], images: Tensor, donors: Tensor
    ) -> dict[str, Tensor]:
        references = self._random_patches(donors, 4)
        with self._autocast():
            same = self.patch_discriminator(self._random_patches(donors, 4), references)
            other = self.patch_discriminator(self._random_patches(images, 4), references)
        real_logits, made_logits = self.judge(real), self.judge(made)
        loss = F.relu(1 - real_logits).mean() + F.relu(1 + made_logits).mean()
        loss = loss + F.relu(1 - same).mean() + F.relu(1 + other).mean()
        _update(self.discriminator_optimizer, loss, [self.judge.heads, self.patch_discriminator])
        alive = (real_logits.detach().mean(1)[:, None] > made_logits.detach().mean(1)[None]).float().mean()
        return {"whole_alive": alive}


def _update(optimizer: torch.optim.Optimizer, loss: Tensor, networks: Sequence[nn.Module]) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    for network in networks:
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimizer.step()


def main(arguments: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    config = TrainConfig(args.size, args.batch, rate_generator=args.rate, seed=args.seed)
    photos = Photos([args.data], weights={"elementary*": 6.0, "deb*": 6.0})
    trainer = ProjectedTrainer(photos, config, args.start, args.agreement)
    args.out.mkdir(parents=True, exist_ok=True)
    started = saved = time.monotonic()
    sums: dict[str, float] = {}
    with (args.out / "log.jsonl").open("w") as log:
        while time.monotonic() - started < args.minutes * 60 and trainer.step_count < args.steps:
            for name, value in trainer.step().items():
                sums[name] = sums.get(name, 0.0) + float(value)
            if trainer.step_count % 50 == 0:
                minutes = round((time.monotonic() - started) / 60, 2)
                line = {"step": trainer.step_count, "minutes": minutes}
                print(
                    json.dumps(line | {name: round(total / 50, 4) for name, total in sums.items()}),
                    file=log,
                    flush=True,
                )
                sums = {}
            if time.monotonic() - saved > _SAVE_SECONDS:
                _save(trainer, args.out, args.data)
                saved = time.monotonic()
    _save(trainer, args.out, args.data)


def _save(trainer: ProjectedTrainer, out: Path, data: Path) -> None:
    plan = json.dumps(asdict(trainer.config) | {"agreement": trainer.agreement})
    export(trainer, out / "gan.safetensors", {"steps": str(trainer.step_count), "data": data.name, "plan": plan})
    sample_sheet(trainer.average, trainer.photos, "cpu", out / "sheet.jpg")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder or a ZIP of photos")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, default=DEFAULT_WEIGHTS, help="weights to start from")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=96, help="side of the crops in px, a multiple of 32")
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate of the generator")
    parser.add_argument("--agreement", type=float, default=8.0, help="weight of the agreement of features")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
