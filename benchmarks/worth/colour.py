"""Changes of colour that need no network, to compare the local GAN with."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

Floats = np.ndarray[Any, np.dtype[np.float32]]
Generator = np.random.Generator

JITTER, HUE_JITTER = 0.4, 0.1  # the usual setting

# Reinhard et al. 2001, "Color transfer between images": RGB to LMS, and log LMS to l-alpha-beta.
_TO_LMS = np.float32([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_TO_LAB = np.float32(np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]))
_DARKEST = np.float32(1 / 255)  # before the logarithm


def simulated_light(image: Image.Image, donor: Image.Image, rng: Generator) -> Image.Image:
    """The light that the local GAN draws for each variation, applied to the pixels themselves; no network.

    Example:
        >>> grey = Image.new("RGB", (16, 16), (120, 130, 140))
        >>> simulated_light(grey, grey, np.random.default_rng(1)).size
        (16, 16)
    """
    import torch

    from augmentai.gan.light import limit_exposure, random_light

    x = torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1)[None].float() / 255
    draws = torch.Generator().manual_seed(int(rng.integers(2**31)))
    with torch.inference_mode():
        lit = limit_exposure(random_light(x, draws, chance=1.0), x)[0]
        return Image.fromarray(lit.mul(255).round().byte().permute(1, 2, 0).numpy())


def colour_jitter(image: Image.Image, donor: Image.Image, rng: Generator) -> Image.Image:
    """Brightness, contrast and saturation by up to 40 % and hue by up to a tenth of the circle, in random order."""
    factors = rng.uniform(1 - JITTER, 1 + JITTER, 3)
    turn = rng.uniform(-HUE_JITTER, HUE_JITTER)
    steps = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    out = image.convert("RGB")
    for step in rng.permutation(4):
        out = _turned(out, turn) if step == 3 else steps[step](out).enhance(float(factors[step]))
    return out


def _turned(image: Image.Image, turn: float) -> Image.Image:
    hsv = np.asarray(image.convert("HSV")).copy()
    hsv[..., 0] += np.uint8(round(turn * 256) % 256)
    return Image.fromarray(hsv, "HSV").convert("RGB")


def reinhard(image: Image.Image, donor: Image.Image, rng: Generator) -> Image.Image:
    """Mean and spread of a donor's colours, in l-alpha-beta.

    Example:
        >>> red, blue = Image.new("RGB", (8, 8), (200, 40, 40)), Image.new("RGB", (8, 8), (40, 40, 200))
        >>> reinhard(red, blue, np.random.default_rng(1)).getpixel((0, 0))
        (40, 40, 200)
    """
    own, other = _lab(image), _lab(donor)
    scale = other.std((0, 1)) / np.maximum(own.std((0, 1)), 1e-4)
    moved = (own - own.mean((0, 1))) * scale + other.mean((0, 1))
    lms = np.exp(moved @ np.linalg.inv(_TO_LAB).T)
    rgb = (lms @ np.linalg.inv(_TO_LMS).T).clip(0, 1)
    return Image.fromarray((rgb * 255).round().astype(np.uint8))


def _lab(image: Image.Image) -> Floats:
    rgb = np.maximum(np.asarray(image.convert("RGB"), np.float32) / 255, _DARKEST)
    found: Floats = np.log(rgb @ _TO_LMS.T) @ _TO_LAB.T
    return found


def histogram_matching(image: Image.Image, donor: Image.Image, rng: Generator) -> Image.Image:
    """Each channel gets the distribution of a donor's.

    Example:
        >>> red, blue = Image.new("RGB", (8, 8), (200, 40, 40)), Image.new("RGB", (8, 8), (40, 40, 200))
        >>> histogram_matching(red, blue, np.random.default_rng(1)).getpixel((0, 0))
        (40, 40, 200)
    """
    own, other = np.asarray(image.convert("RGB")), np.asarray(donor.convert("RGB"))
    out = np.empty_like(own)
    for channel in range(3):
        levels = np.bincount(own[..., channel].ravel(), minlength=256).cumsum() / own[..., channel].size
        target = np.bincount(other[..., channel].ravel(), minlength=256).cumsum() / other[..., channel].size
        out[..., channel] = np.searchsorted(target, levels - 1e-9).clip(0, 255)[own[..., channel]]
    return Image.fromarray(out)
