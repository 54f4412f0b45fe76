"""The small classifier that is trained from nothing, always the same number of steps."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augmentai.lift.policies import Policy

BATCH = 64
_RATE = 2e-3  # of AdamW, warmed up over a tenth of the steps and let down along a cosine
_DECAY = 0.05


class Classifier(nn.Module):
    """Three convolutions, 0.1 M parameters: (B, 3, 64, 64) in 0..1 -> logits (B, classes).

    The first one strides by four: with a stride of two and one more, a step took nearly twice as long.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        widths = (32, 64, 128)
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 5, 4, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 3, 1, 1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(b), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        # With channels last 26 ms a step on one core.
        with torch.autocast(x.device.type, torch.bfloat16):
            h = self.body((x.contiguous(memory_format=torch.channels_last) - 0.45) / 0.25).mean((2, 3))
        return self.head(F.dropout(h.float(), 0.2, self.training))


def trained(pools: Tensor, labels: Tensor, classes: int, policy: Policy, steps: int, seed: int) -> Classifier:
    """A classifier after `steps` batches.

    pools: uint8 (N, V, 3, 64, 64): of each picture V versions, the first being the source; each draw takes one of
    them. labels: (N,). Runs where `pools` lies.
    """
    torch.manual_seed(seed)
    device, (count, versions) = pools.device, pools.shape[:2]
    model = Classifier(classes).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(model.parameters(), _RATE, weight_decay=_DECAY)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda t: (t + 1) / warm if t < warm else 0.5 + 0.5 * math.cos(math.pi * (t - warm) / (steps - warm))
    )
    model.train()
    for _ in range(steps):
        which, version = torch.randint(count, (BATCH,)).to(device), torch.randint(versions, (BATCH,)).to(device)
        x = policy(pools[which, version].float() / 255)
        loss = F.cross_entropy(model(x), labels[which], label_smoothing=0.1)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return model.eval()


@torch.inference_mode()
def accuracy(model: Classifier, pictures: Tensor, labels: Tensor) -> float:
    """Share of the pictures, uint8 (N, 3, 64, 64), whose class is found, in percent."""
    right = sum(
        int((model(part.float() / 255).argmax(1) == wanted).sum())
        for part, wanted in zip(pictures.split(512), labels.split(512), strict=True)
    )
    return 100 * right / len(labels)
