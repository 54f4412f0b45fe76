"""The operation `noise`: the grain of a sensor in little light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.operations.base import DrawSettings
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PART, PixelOperation, Values

if TYPE_CHECKING:
    from augmentai.annotations import Labels

_FROM_LIGHT = 0.7  # of the variance at full white; the rest is the sensor's own, also in the dark


@dataclass(frozen=True)
class Noise(PixelOperation):
    """Adds noise as a sensor has it: some everywhere, more where there is more light.

    The variance is linear in the value (the Poissonian-Gaussian model of Foi et al., 2008).

    Attributes:
        amount: standard deviation at full white, drawn from this range, as a share of the whole range of values.

    Example:
        >>> Noise(amount=0.05).as_step()
        {'noise': {'amount': [0.05, 0.05]}}
    """

    name = "noise"
    title = "Sensor noise"
    blurb = "grain, as in little light"
    neutral = MappingProxyType({"amount": 0})

    amount: tuple[float, float] = parameter(
        (0.01, 0.06), Range(0, 0.5), "Standard deviation at full white, as a share of the whole range."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        amount = rng.uniform(*self.amount)
        return {"amount": amount, "seed": rng.getrandbits(32)} if amount else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        light = np.ascontiguousarray(values).reshape(-1)
        numbers = _Normal(drawn["seed"])
        for start in range(0, len(light), PART):
            part = light[start : start + PART]
            deviation = _FROM_LIGHT * part
            deviation += 1 - _FROM_LIGHT
            np.sqrt(deviation, out=deviation)
            deviation *= drawn["amount"]
            deviation *= numbers.next(len(part))
            part += deviation
        return light.reshape(values.shape)


def normal(seed: int, shape: tuple[int, ...]) -> Values:
    """Random numbers with mean 0 and deviation 1, the same for a seed in every version of NumPy.

    Each is the sum of four uniform ones, which is normal for the eye; a bit generator's stream never changes, unlike
    that of NumPy's distributions.

    Example:
        >>> numbers = normal(7, (100, 100))
        >>> round(float(numbers.mean()), 1) + 0.0, round(float(numbers.std()), 1)
        (0.0, 1.0)
    """
    return _Normal(seed).next(int(np.prod(shape))).reshape(shape)


class _Normal:
    """The numbers of `normal`, a part at a time."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def next(self, count: int) -> Values:
        quarters = self._bits.random_raw(count).astype("<u8", copy=False).view("<u2")
        total = quarters[0::4].astype(np.float32)
        for start in range(1, 4):
            total += quarters[start::4]
        total -= 2 * 65535
        total *= np.float32(np.sqrt(3) / 65536)
        return total
