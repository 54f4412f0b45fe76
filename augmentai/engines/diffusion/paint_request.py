"""What a model is asked for and what it returns. Without torch: the engine needs these before the model is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class ModelError(Exception):
    """The model cannot continue; the message says why, for the user. It survives pickling."""


class ModelGoneError(ModelError):
    """The hub does not have the model, or not for this token."""


class StoppedError(Exception):
    """The job was stopped in the middle of a batch."""


@dataclass(frozen=True)
class PaintRequest:
    """One variation to paint.

    Args:
        source: The source's hash; equal for equal pixels.
        pixels: The source at the working size.
        prompt: What to show.
        negative_prompt: What to avoid.
        strength: More than 0, at most 1.
        seed: Of the noise.
        mask: What is to be painted anew; None for all of it.

    Shape:
        pixels: uint8 (H, W, 3)
        mask: bool (H, W)
    """

    source: str
    pixels: Pixels = field(repr=False)
    prompt: str
    negative_prompt: str
    strength: float
    seed: int
    mask: np.ndarray[Any, np.dtype[np.bool_]] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PaintResult:
    """The answer to a request: `pixels`, or `reason` says why there are none.

    Args:
        pixels: The painted image at the working size.
        reason: For the user; "" if there are pixels.
        batch: How many requests ran together.
        steps: Denoising steps that were run.
        seconds: This request's share of the batch's time.
        vae_dtype: What the VAE computed in, such as "float16".
        overflowed: Values left the range of that dtype; a wider one may hold them.

    Shape:
        pixels: uint8 (H, W, 3)
    """

    pixels: Pixels | None = field(repr=False)
    reason: str
    batch: int
    steps: int
    seconds: float
    vae_dtype: str = ""
    overflowed: bool = False
