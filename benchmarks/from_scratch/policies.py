"""Classic augmentation that any training would apply to its batches, by kornia."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from augmentai.lift.shift import KINDS, shift
from benchmarks.from_scratch.data import SIDE_PX

POLICIES = ("none", "flip+crop", "flip+crop+jitter", "TrivialAugment")
CEILING = "flip+crop+shifts"  # an upper bound: trains on the test set's own shifts, which nobody knows beforehand

Policy = Callable[[Tensor], Tensor]  # float (B, 3, 64, 64) in 0..1 -> the same shape and range


def policy(name: str) -> Policy:
    """Build an augmentation policy. It draws from torch's global random state.

    All but "none" flip and crop. Jitter changes brightness, contrast and saturation by 0.4 and hue by 0.1, the usual
    setting. TrivialAugment (Mueller & Hutter 2021) applies one random operation per image at a random strength.

    Args:
        name: One of `POLICIES`, or `CEILING`.

    Raises:
        KeyError: There is no such policy.

    Example:
        >>> policy("flip+crop")(torch.rand(2, 3, 64, 64)).shape
        torch.Size([2, 3, 64, 64])
    """
    if name == "none":
        return lambda x: x
    import kornia.augmentation as K

    side = (SIDE_PX, SIDE_PX)
    crop = K.AugmentationSequential(
        K.RandomHorizontalFlip(p=0.5), K.RandomResizedCrop(side, (0.5, 1.0), (0.8, 1.25)), data_keys=["input"]
    )
    known: dict[str, Callable[[], Policy]] = {
        "flip+crop": lambda: crop,
        "flip+crop+jitter": lambda: _compose(crop, K.ColorJitter(0.4, 0.4, 0.4, 0.1, p=1.0)),
        "TrivialAugment": lambda: _compose(crop, _trivial()),
        CEILING: lambda: _compose(crop, _shifts),
    }
    return known[name]()


def _compose(first: Policy, second: Policy) -> Policy:
    return lambda x: second(first(x)).clamp(0, 1)


def _shifts(x: Tensor) -> Tensor:
    """Shift six of seven images as in the shifted test set; the seventh stays."""
    rng = torch.Generator().manual_seed(int(torch.randint(1 << 31, ())))
    out = x.clone()
    for row, kind in enumerate(torch.randint(len(KINDS) + 1, (len(x),)).tolist()):
        if kind < len(KINDS):
            out[row] = shift(x[row].cpu(), KINDS[kind], rng).to(x)
    return out


def _trivial() -> Policy:
    """kornia draws one operation per batch; here each image draws its own, as in the paper."""
    from kornia.augmentation.auto import TrivialAugment

    operations = list(TrivialAugment().children())

    def apply(x: Tensor) -> Tensor:
        choice = torch.randint(len(operations) + 1, (len(x),))
        out = x.clone()
        for number, operation in enumerate(operations):  # the remaining number is "identity"
            rows = (choice == number).nonzero().flatten().to(x.device)
            if len(rows):
                out[rows] = operation(x[rows])
        return out

    return apply
