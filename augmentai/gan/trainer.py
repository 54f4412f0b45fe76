"""Training the local GAN: the networks, their optimizers and one update. The loop is in `train`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augmentai.gan import losses
from augmentai.gan.data import Photos
from augmentai.gan.light import random_light
from augmentai.gan.network import Discriminator, Generator, PatchDiscriminator, apply_change


@dataclass(frozen=True)
class TrainConfig:
    """Everything that determines a training run, except the photos. The last nine are weights of the losses."""

    size: int = 128  # side of a crop, in pixels
    batch: int = 12
    rate_generator: float = 2e-4
    rate_discriminator: float = 4e-4
    average: float = 0.998  # decay of the exponential moving average of the weights
    seed: int = 1
    adversarial: float = 0.5
    patches: float = 1.0
    telling_apart: float = 1.0  # of the contrastive loss on styles
    palette: float = 8.0
    content: float = 1.0
    detail: float = 4.0
    range: float = 40.0
    roughness: float = 8.0
    relight: float = 3.0


class Trainer:
    """Networks, optimizers and one `step`.

    Args:
        photos: The training photos.
        config: What determines the run.
        device: "cpu" or "cuda".
    """

    def __init__(self, photos: Photos, config: TrainConfig, device: str) -> None:
        torch.manual_seed(config.seed)
        self.photos, self.config, self.device, self.step_count = photos, config, device, 0
        self.rng = torch.Generator().manual_seed(config.seed)
        self._crops: Iterator[Tensor] | None = None  # started at the first step, where a resumed run stopped
        self.generator = Generator().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.image_discriminator = Discriminator().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.patch_discriminator = PatchDiscriminator().to(device)
        discriminators = [*self.image_discriminator.parameters(), *self.patch_discriminator.parameters()]
        self.generator_optimizer = torch.optim.Adam(self.generator.parameters(), config.rate_generator, (0.0, 0.99))
        self.discriminator_optimizer = torch.optim.Adam(discriminators, config.rate_discriminator, (0.0, 0.99))

    def _autocast(self) -> Any:
        return torch.autocast(self.device, torch.bfloat16)

    def step(self) -> dict[str, Tensor]:
        """Update both discriminators and the generator once.

        Returns:
            The values to log, by their names in log.jsonl, as scalars on the device: the losses, how far the output is
            from the input ("moved"), and the AUC of the discriminators ("whole_alive", "patch_alive").
        """
        if self._crops is None:
            self._crops = self.photos.batches(self.config.batch, self.config.size, self.config.seed, self.step_count)
        crops = next(self._crops).to(self.device).contiguous(memory_format=torch.channels_last)
        x, relit = random_light(crops, self.rng), random_light(crops, self.rng, chance=1.0)
        donors = x.roll(1, 0)  # (B, 3, S, S): each image takes the style of its neighbour in the batch
        with self._autocast():
            content, style = self.generator.encode(x)
            new_style = style.roll(1, 0)
            change = self.generator.change(content, style, new_style)  # (B, 28, S/16, S/16)
            relit_style = self.generator.encode(relit)[1]
            relighting = self.generator.change(content, style, relit_style)
        made = apply_change(x, change)
        clamped = made.clamp(0, 1)
        relight = F.l1_loss(apply_change(x, relighting), relit)
        log = self._update_discriminators(x, clamped.detach(), donors)
        log |= self._update_generator(x, made, clamped, donors, content, new_style, change, relight)
        self._update_average()
        self.step_count += 1
        return log

    def _update_discriminators(self, real: Tensor, made: Tensor, donors: Tensor) -> dict[str, Tensor]:
        references = self._random_patches(donors, 4)
        with self._autocast():
            real_logits, made_logits = self.image_discriminator(real), self.image_discriminator(made)  # (B, 1, s, s)
            same = self.patch_discriminator(self._random_patches(donors, 4), references)  # (B, 4)
            other = self.patch_discriminator(self._random_patches(made, 4), references)
        loss = F.relu(1 - real_logits).mean() + F.relu(1 + made_logits).mean()
        loss = loss + F.relu(1 - same).mean() + F.relu(1 + other).mean()
        _step(self.discriminator_optimizer, loss, [self.image_discriminator, self.patch_discriminator])
        return {
            "whole_alive": _auc(real_logits.mean((1, 2, 3)), made_logits.mean((1, 2, 3))),
            "patch_alive": _auc(same.flatten(), other.flatten()),
        }

    def _update_generator(
        self,
        x: Tensor,
        made: Tensor,
        clamped: Tensor,
        donors: Tensor,
        content: Tensor,
        new_style: Tensor,
        change: Tensor,
        relight: Tensor,
    ) -> dict[str, Tensor]:
        config = self.config
        with self._autocast():
            content_again, style_again = self.generator.encode(clamped)
            adversarial = -self.image_discriminator(clamped).mean()
            patches = -self.patch_discriminator(
                self._random_patches(clamped, 4), self._random_patches(donors, 4)
            ).mean()
        parts = {
            "adversarial": adversarial,
            "patches": patches,
            "telling_apart": losses.contrastive(style_again, new_style),
            "palette": losses.palette_distance(clamped, donors, self.rng),
            "content": F.l1_loss(content_again, content.detach()),
            "detail": losses.lost_detail(x, made),
            "range": losses.out_of_range(made),
            "roughness": losses.roughness(change),
            "relight": relight,  # the same crop in two simulated lights: the only case with a known answer
        }
        total = sum((getattr(config, name) * part for name, part in parts.items()), x.new_zeros(()))
        _step(self.generator_optimizer, total, [self.generator])
        moved = (clamped - x).abs().mean()
        return {name: part.detach() for name, part in parts.items()} | {"moved": moved.detach()}

    def _random_patches(self, images: Tensor, count: int, side: int = 32) -> Tensor:
        """Cut random patches, 1/8 to 1/3 of the image across: (B, 3, H, W) -> (B, count, 3, side, side)."""
        b = len(images) * count
        half = 1 / 8 + torch.rand(b, 1, 1, generator=self.rng) * (1 / 3 - 1 / 8)
        centre = (torch.rand(b, 1, 2, generator=self.rng) * 2 - 1) * (1 - half)
        line = torch.linspace(-1, 1, side)
        window = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).view(1, -1, 2)
        grid = (window * half + centre).view(b, side, side, 2).to(images)
        spread = images.repeat_interleave(count, 0)
        return F.grid_sample(spread, grid, align_corners=False, padding_mode="border").unflatten(0, (-1, count))

    def _update_average(self) -> None:
        """Exponential moving average of the generator's weights, with a shorter memory at the start."""
        decay = min(self.config.average, (1 + self.step_count) / (10 + self.step_count))
        with torch.no_grad():
            for slow, fast in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                slow.lerp_(fast, 1 - decay)

    def _parts(self) -> dict[str, Any]:
        """Everything with a state, by its name in the checkpoint."""
        return {
            "generator": self.generator,
            "average": self.average,
            "whole": self.image_discriminator,
            "patch": self.patch_discriminator,
            "generator_step": self.generator_optimizer,
            "judge_step": self.discriminator_optimizer,
        }

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs to resume."""
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        return parts | {"steps": self.step_count, "rng": self.rng.get_state(), "plan": asdict(self.config)}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.step_count = state["steps"]
        self.rng.set_state(state["rng"])


def _step(optimizer: torch.optim.Optimizer, loss: Tensor, networks: list[nn.Module]) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    for network in networks:
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimizer.step()


def _auc(real: Tensor, made: Tensor) -> Tensor:
    """Area under the ROC curve: 0.5 for a discriminator that learns nothing, 1 for a perfect one. (N,), (M,) -> ()."""
    return (real[:, None] > made[None, :]).float().mean()
