"""Lights with a name: what `Light` draws at random, drawn within the limits of a time of day or a weather."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from augmentai.gan.runtime.light import Light, seeded_draws

Range = tuple[float, float]

_NONE, _ONE = (0.0, 0.0), (1.0, 1.0)
_GAMMA = 2.2  # sRGB taken as a power


@dataclass(frozen=True)
class Preset:
    """The limits of a light.

    Attributes:
        stops: exposure, in powers of two.
        warmth: of the white balance, likewise: above 0 redder, below 0 bluer.
        tint: likewise: above 0 more magenta, below 0 greener.
        saturation, contrast: factors.
        air: share of the haze.
        bright: lightness of the haze, 0 to 1.
        detail: how much fine contrast is added; below 0 it is taken away.
        lights: luma that highlights keep at least: lower at night.
    """

    stops: Range = _NONE
    warmth: Range = _NONE
    tint: Range = _NONE
    saturation: Range = _ONE
    contrast: Range = _ONE
    air: Range = _NONE
    bright: Range = (0.8, 0.9)
    detail: Range = _NONE
    lights: float = 0.55


PRESETS: Mapping[str, Preset] = {
    "dusk": Preset((-1.3, -0.9), (0.15, 0.3), (0.03, 0.1), (0.9, 1.1), (0.85, 1.0), lights=0.4),
    "night": Preset((-2.2, -1.7), (-0.4, -0.25), (-0.04, 0.02), (0.5, 0.65), (0.9, 1.05), lights=0.25),
    "fog": Preset((-0.1, 0.1), (-0.08, 0.0), _NONE, (0.6, 0.75), (0.75, 0.9), (0.4, 0.55), (0.78, 0.9), (-0.6, -0.3)),
    "overcast": Preset((-0.35, -0.15), (-0.15, -0.06), _NONE, (0.65, 0.8), (0.75, 0.88), (0.03, 0.1), (0.7, 0.8)),
    "noon": Preset((0.2, 0.5), (-0.02, 0.06), _NONE, (1.1, 1.3), (1.1, 1.25), detail=(0.1, 0.4)),
    "warm": Preset((-0.1, 0.15), (0.3, 0.45), (-0.03, 0.03), (1.0, 1.15)),
    "cold": Preset((-0.15, 0.1), (-0.45, -0.3), (-0.03, 0.03), (0.9, 1.05)),
}


def preset_light(names: Iterable[str], seed: int) -> Light:
    """A light within the limits of presets, one after the other: dusk in fog.

    Args:
        names: of presets.
        seed: draws where in their limits it is.

    Example:
        >>> night, noon = (preset_light([name], seed=7) for name in ("night", "noon"))
        >>> bool(night.log_gains.mean() < -0.5 < 0 < noon.log_gains.mean())
        True
    """
    log_gains = np.zeros((3, 1, 1), np.float32)
    saturation, contrast, clear, haze, detail = (np.float32(value) for value in (1, 1, 1, 0, 0))
    for position, name in enumerate(names):
        preset, drawn = PRESETS[name], seeded_draws(seed + position)
        warmth, tint, stops = (drawn(*limits) for limits in (preset.warmth, preset.tint, preset.stops))
        casts = np.array([warmth + tint, -tint, tint - warmth], np.float32).reshape(3, 1, 1)
        log_gains = log_gains + (casts + stops) * np.float32(np.log(2) / _GAMMA)
        saturation, contrast = saturation * drawn(*preset.saturation), contrast * drawn(*preset.contrast)
        air, bright = drawn(*preset.air), drawn(*preset.bright)
        clear, haze = clear * (1 - air), haze * (1 - air) + air * bright * _brightness(preset)
        detail = detail + drawn(*preset.detail)
    return Light(log_gains, saturation, contrast, clear, _dimmed(haze, log_gains), detail)


def lights_of(names: Iterable[str]) -> float:
    """The luma that highlights keep at least."""
    return min(PRESETS[name].lights for name in names)


def _brightness(preset: Preset) -> float:
    return 1.0 if preset.air != _NONE else 0.0


def _dimmed(haze: np.float32, log_gains: np.ndarray) -> np.float32:
    """Fog at night is dark as well."""
    return np.float32(haze * min(1.0, float(np.exp(log_gains.mean()))))
