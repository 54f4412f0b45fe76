"""Fine-tuning: all layers of the network learn from the views, as in a training that somebody means to use.

Batch norms are folded into the convolutions, so they stay as they were pretrained; with few images that is what is
advised anyway. The last layer starts as the linear probe of the quick look, so that the first steps do not distort what
the network knows (Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform
out-of-distribution"). The rate falls along a cosine (Loshchilov & Hutter 2017), and the last weights are used: nothing
is chosen by the test images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.lift.probe import fit

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from augmentai.backbone.network import EfficientNetLite0

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

BATCH = 32
LEAST_STEPS, MOST_STEPS = 40, 400
EPOCHS = 3  # over all views, within these steps
_RATE, _WEIGHT_DECAY = 2e-4, 1e-2
_MOST_NORM = 1.0  # of a gradient
_WARM_UP = 0.1  # share of the steps in which the rates rise
TEST_BATCH = 64


def steps_for(views: int) -> int:
    """How many steps a training takes.

    Example:
        >>> steps_for(100), steps_for(1600), steps_for(100_000)
        (40, 150, 400)
    """
    return min(MOST_STEPS, max(LEAST_STEPS, math.ceil(EPOCHS * views / BATCH)))


@dataclass(frozen=True)
class FineTuned:
    """A trained network with its last layer."""

    network: EfficientNetLite0
    head: torch.nn.Linear

    def predict(self, squares: Pixels) -> Ints:
        """The class of each image. Shape: uint8 (N, S, S, 3) to int64 (N,)."""
        import torch

        self.network.eval()
        found = []
        with torch.inference_mode():
            for start in range(0, len(squares), TEST_BATCH):
                x = _to_network(squares[start : start + TEST_BATCH], self.head.weight.device)
                found.append(self.head(self.network(x)).argmax(1).cpu().numpy())
        return np.concatenate(found) if found else np.zeros(0, np.int64)


def fine_tune(
    squares: Callable[[Ints], Pixels],
    labels: Ints,
    classes: int,
    seed: int,
    device: str = "cpu",
    on_step: Callable[[], bool | None] = lambda: None,
) -> FineTuned:
    """Train all layers from the pretrained weights.

    The same arguments give the same network on the same machine.

    Args:
        squares: gives the training views with some numbers, from 0 to `len(labels) - 1`.
        labels: class numbers.
        classes: how many classes there are.
        seed: of the batches.
        device: "cpu" or "cuda".
        on_step: called after each step; True ends the training early.

    Shape:
        squares: int64 (n,) to uint8 (n, S, S, 3), S a multiple of 32; labels: int64 (N,).

    Example:
        >>> views = np.repeat(np.array([30, 220], np.uint8), 4)[:, None, None, None] + np.zeros((32, 32, 3), np.uint8)
        >>> model = fine_tune(lambda rows: views[rows], np.array([0] * 4 + [1] * 4), classes=2, seed=1)
        >>> model.predict(views[[0, 4]]).tolist()
        [0, 1]
    """
    import torch
    import torch.nn.functional as F

    from augmentai.backbone.load import WEIGHTS
    from augmentai.backbone.network import load_network

    network = load_network(WEIGHTS).to(device).train()
    head = _probe_of(network, squares, labels, classes).to(device)
    steps = steps_for(len(labels))
    learned = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(learned, _RATE, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    for rows in _batches(len(labels), steps, seed):
        x, expected = _to_network(squares(rows), head.weight.device), torch.from_numpy(labels[rows]).to(device)
        loss = F.cross_entropy(head(network(x)), expected)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, _MOST_NORM)
        optimizer.step()
        schedule.step()
        if on_step():
            break
    return FineTuned(network, head)


def _probe_of(
    network: EfficientNetLite0, squares: Callable[[Ints], Pixels], labels: Ints, classes: int
) -> torch.nn.Linear:
    """A last layer that predicts what the linear probe on the network's features does."""
    import torch

    from augmentai.backbone.layout import HEAD

    device = next(network.parameters()).device
    rows = np.arange(len(labels))
    features = np.empty((len(rows), HEAD), np.float32)
    with torch.inference_mode():
        for start in range(0, len(rows), TEST_BATCH):
            some = slice(start, start + TEST_BATCH)
            features[some] = network(_to_network(squares(rows[some]), device)).cpu().numpy()
    probe = fit(features, labels, classes)
    weights = probe.weights * probe.scale[:, None]
    head = torch.nn.Linear(*weights.shape)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weights.T))
        head.bias.copy_(torch.from_numpy(probe.bias - probe.mean @ weights))
    return head


def _batches(count: int, steps: int, seed: int) -> list[Ints]:
    """Rows of each step: every view once before any comes again."""
    rng = np.random.default_rng(seed)
    size = min(BATCH, count)
    order = np.concatenate([rng.permutation(count) for _ in range(math.ceil(steps * size / count))])
    return [order[step * size : (step + 1) * size] for step in range(steps)]


def _rate(step: int, steps: int) -> float:
    """The share of the full rate: up in a line, down along a cosine."""
    warm_up = max(1, round(_WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def _to_network(squares: Pixels, device: torch.device) -> Tensor:
    """(N, S, S, 3) of uint8 -> (N, 3, S, S), 0..255."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(squares)).to(device).permute(0, 3, 1, 2).float()
