"""Black and white backgrounds, which stay as they are in any light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from augmentai.gan.layout import KNOTS
from augmentai.gan.runtime.arrays import Array, blur
from augmentai.gan.runtime.carry import Canvas
from augmentai.gan.runtime.hinges import apply_to_parts, parts_of
from augmentai.gan.runtime.pixels import THUMBNAIL_AREA_PX, channels

_BLACK, _WHITE = 32, 232  # levels: all channels below, or above, count as a black or a white background
_MIN_MOVED = 5.0  # levels of 255: a variation that moves less is useless, and the filters would call it a copy;
_MIN_SHARE = 0.2  # and at least this share of the unprotected change, or all changes would look alike
_TWO_TONES = 0.9  # share of black and white together from which an image has practically no greys
_PROTECT_FROM, _PROTECT_FULLY = 0.08, 0.25  # share of black (or white) from which it is protected, and fully so


@dataclass(frozen=True)
class Backgrounds:
    """How much of an image is black or white, measured once for all its variations.

    Attributes:
        sample: Some of its pixels, in 0..1.
        black, white: The share of a change that these tones keep: 1 of an image that has no such background.

    Shape:
        sample: float32 (3, h, w)
    """

    sample: Array
    black: float
    white: float

    @classmethod
    def of(cls, canvas: Canvas) -> Backgrounds:
        """Measure an image."""
        step = max(1, round((canvas.image.height * canvas.width / THUMBNAIL_AREA_PX) ** 0.5))
        # Every so many rows of the whole image, whichever strip they are in.
        rows = [words[-rows.start % step :: step, : canvas.width : step] for rows, words in canvas.strips]
        sample = channels(np.concatenate(rows))
        shares = float((sample.max(0) < _BLACK).mean()), float((sample.min(0) > _WHITE).mean())
        two_tones = min(shares) > _PROTECT_FROM and sum(shares) > _TWO_TONES  # ink on paper: neither is a background
        black, white = (1.0, 1.0) if two_tones else (_unprotected(share) for share in shares)
        if sample[0].size > THUMBNAIL_AREA_PX / 2:
            sample = sample[:, ::2, ::2]  # enough for a mean
        return cls(sample.astype(np.float32) / np.float32(255), black, white)

    def protect(self, change: Array, strength: float = 1.0) -> Array:
        """Reduce a change so that black and white backgrounds stay black and white.

        Slides, night skies and products on white keep their background in any weather. A change of style, which
        describes the image as a whole, does not know that: it would lift black to grey and tint white with the donor's
        sky. The larger the share of an image that is black or white, the less its darkest and lightest tones change;
        the tones between them are not affected. If that would leave hardly any change, as with text on paper, the
        background takes part after all, as far as it must.

        Args:
            change: From `network.smoothed_change`.
            strength: What the change will be applied with.

        Shape:
            change, output: float32 (28, gh, gw)
        """
        black, white = self.black, self.white
        if black == white == 1:
            return change
        grid = change.shape[1:]
        factors = np.array([black, (1 + black) / 2, *[1.0] * (KNOTS - 4), (1 + white) / 2, white], np.float32)
        tones = np.linspace(0, 1, KNOTS, dtype=np.float32).reshape(1, KNOTS, 1, 1)
        matrix, tone = change[:9].reshape(3, 3, *grid), change[9:-1].reshape(3, KNOTS, *grid)
        shift = tone + tones * matrix.sum(1)[:, None]  # of the greys at the knots
        tone = tone - (1 - factors).reshape(1, KNOTS, 1, 1) * shift
        protected = np.concatenate([change[:9], tone.reshape(3 * KNOTS, *grid), change[-1:]])
        with_protection, without = (
            self._mean_shift_levels(each * np.float32(strength)) for each in (protected, change)
        )
        missing = max(_MIN_MOVED, _MIN_SHARE * without) - with_protection
        if missing <= 0:
            return protected
        back = np.float32(min(1.0, missing / max(1e-6, without - with_protection)))
        return np.asarray(protected + back * (change - protected))

    def _mean_shift_levels(self, change: Array) -> float:
        """Mean absolute difference that the change makes, in levels of 255."""
        moved = apply_to_parts(*self._applied_to, change).clip(0, 1) - self.sample
        return 255 * float(np.abs(moved).mean(dtype=np.float64))

    @cached_property
    def _applied_to(self) -> tuple[Array, Array]:
        """What any change is applied to: (7, 1, h, w) and (3, h, w)."""
        return parts_of(self.sample), blur(self.sample)


def _unprotected(share: float) -> float:
    """The share of a change that a background tone keeps, by the share of the image that has this tone."""
    return 1.0 - min(1.0, max(0.0, (share - _PROTECT_FROM) / (_PROTECT_FULLY - _PROTECT_FROM)))
