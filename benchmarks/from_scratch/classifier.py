"""A small classifier, trained from scratch for a fixed number of steps."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.from_scratch.policies import Policy

BATCH = 64
_LEARNING_RATE = 2e-3  # of AdamW: linear warm-up over a tenth of the steps, then cosine decay
_WEIGHT_DECAY = 0.05


class Classifier(nn.Module):
    """Three convolutions, 0.1 M parameters.

    The first one has a stride of four: with a stride of two and one more convolution, a step took nearly twice as long.

    Shape:
        Input: (B, 3, 64, 64) in 0..1. Output: logits (B, classes).

    Example:
        >>> Classifier(classes=5).eval()(torch.rand(2, 3, 64, 64)).shape
        torch.Size([2, 5])
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
        # Channels last: 26 ms per step on one core.
        with torch.autocast(x.device.type, torch.bfloat16):
            h = self.body((x.contiguous(memory_format=torch.channels_last) - 0.45) / 0.25).mean((2, 3))  # (B, 128)
        return self.head(F.dropout(h.float(), 0.2, self.training))


def train_classifier(pools: Tensor, labels: Tensor, classes: int, policy: Policy, steps: int, seed: int) -> Classifier:
    """Train a classifier on the device of `pools`.

    Args:
        pools: V versions of each image, the first being the source; each draw picks one of them.
        labels: Class numbers.
        classes: How many classes there are.
        policy: Classic augmentation of each batch.
        steps: Batches of 64.
        seed: Of the initial weights, the batches and the policy.

    Returns:
        The classifier, in evaluation mode.

    Shape:
        pools: uint8 (N, V, 3, 64, 64); labels: int64 (N,).
    """
    torch.manual_seed(seed)
    device, (count, versions) = pools.device, pools.shape[:2]
    model = Classifier(classes).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(model.parameters(), _LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    warmup = max(1, steps // 10)

    def learning_rate_factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 + 0.5 * math.cos(math.pi * (step - warmup) / max(1, steps - warmup))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, learning_rate_factor)
    model.train()
    for _ in range(steps):
        which, version = torch.randint(count, (BATCH,)).to(device), torch.randint(versions, (BATCH,)).to(device)
        x = policy(pools[which, version].float() / 255)
        loss = F.cross_entropy(model(x), labels[which], label_smoothing=0.1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


@torch.inference_mode()
def accuracy(model: Classifier, images: Tensor, labels: Tensor) -> float:
    """Compute the top-1 accuracy in percent.

    Shape:
        images: uint8 (N, 3, 64, 64); labels: int64 (N,).
    """
    correct = sum(
        int((model(part.float() / 255).argmax(1) == expected).sum())
        for part, expected in zip(images.split(512), labels.split(512), strict=True)
    )
    return 100 * correct / len(labels)
