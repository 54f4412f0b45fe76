"""What a classifier's trainer would do to its batches anyway: the classic recipes, by kornia."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from augmentai.lift.data import SIDE_PX
from augmentai.lift.shift import KINDS, shift

POLICIES = ("none", "flip+crop", "flip+crop+jitter", "TrivialAugment")
CEILING = "flip+crop+shifts"  # not a recipe anybody has: what could be won by knowing the shifted test set's own shifts

Policy = Callable[[Tensor], Tensor]  # float (B, 3, 64, 64) in 0..1 -> the same


def policy(name: str) -> Policy:
    """One of `POLICIES`, or `CEILING`. All but "none" flip and crop; draws from torch's global random numbers.

    jitter: brightness, contrast and saturation by 0.4, hue by 0.1, the usual setting. TrivialAugment (Mueller &
    Hutter 2021): one random operation a picture at a random strength. Raises KeyError for another name.
    """
    import kornia.augmentation as K

    side = (SIDE_PX, SIDE_PX)
    crop = K.AugmentationSequential(
        K.RandomHorizontalFlip(p=0.5), K.RandomResizedCrop(side, (0.5, 1.0), (0.8, 1.25)), data_keys=["input"]
    )
    known: dict[str, Callable[[], Policy]] = {
        "none": lambda: lambda x: x,
        "flip+crop": lambda: crop,
        "flip+crop+jitter": lambda: _after(crop, K.ColorJitter(0.4, 0.4, 0.4, 0.1, p=1.0)),
        "TrivialAugment": lambda: _after(crop, _trivial()),
        CEILING: lambda: _after(crop, _shifts),
    }
    return known[name]()


def _after(first: Policy, second: Policy) -> Policy:
    return lambda x: second(first(x)).clamp(0, 1)


def _shifts(x: Tensor) -> Tensor:
    """Six pictures of seven are shifted as those of the shifted test set are, one stays."""
    rng = torch.Generator().manual_seed(int(torch.randint(1 << 31, ())))
    out = x.clone()
    for row, kind in enumerate(torch.randint(len(KINDS) + 1, (len(x),)).tolist()):
        if kind < len(KINDS):
            out[row] = shift(x[row].cpu(), KINDS[kind], rng).to(x)
    return out


def _trivial() -> Policy:
    """kornia's draws one operation for a whole batch; here each picture draws its own, as the paper has it."""
    from kornia.augmentation.auto import TrivialAugment

    operations = list(TrivialAugment().children())

    def each(x: Tensor) -> Tensor:
        choice = torch.randint(len(operations) + 1, (len(x),))
        out = x.clone()
        for number, operation in enumerate(operations):  # the number left over is "identity"
            rows = (choice == number).nonzero().flatten().to(x.device)
            if len(rows):
                out[rows] = operation(x[rows])
        return out

    return each
