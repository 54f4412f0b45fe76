"""What is asked of a model and what comes of it. Nothing of torch here: the engine knows these before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class ModelError(Exception):
    """The model cannot go on; the message says why in words for the user. It survives pickling."""


class StoppedError(Exception):
    """The job was stopped in the middle of a batch."""


@dataclass(frozen=True)
class Shot:
    """One variation to be painted. pixels: (H, W, 3) uint8 at the size of the run. source: equal for equal pixels."""

    source: str
    pixels: Pixels = field(repr=False)
    prompt: str
    negative_prompt: str
    strength: float
    seed: int


@dataclass(frozen=True)
class Painted:
    """What became of a shot: `pixels`, (H, W, 3) uint8, or `reason` says why there are none.

    batch: how many shots ran together. steps: denoising steps really run. seconds: this shot's share of the batch.
    vae_dtype: the numbers that the VAE computed in. overflowed: they left its range, and a wider one may hold them.
    """

    pixels: Pixels | None = field(repr=False)
    reason: str
    batch: int
    steps: int
    seconds: float
    vae_dtype: str = ""
    overflowed: bool = False
