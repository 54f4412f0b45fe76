"""Whether a repainted image still shows what its source shows: both are compared by a pretrained network's features.

How far features may move depends on the set: a photograph of a face bears more than a texture. So the set's own images
are changed as a good repaint might change them, in light and in detail, and what moves further than nearly all of these
shows something else. No classes are needed, and labels are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import islice

import numpy as np
from PIL import Image, ImageFilter

from augmentai.backbone import Backbone, load_backbone, square
from augmentai.images import ImageError, decode
from augmentai.types import Source

_SAMPLES = 64  # images of the set that are changed
_MOST_CHANGES = 192  # in all: of a small set each image is changed several times
_LEAST_CHANGES = 3  # of each image
_SURE = 0.95  # what agrees by this passes whatever the threshold, which then need not be measured
_LOST_DETAIL_PX = 64  # the side of the square of which a change leaves no more than the detail

Features = np.ndarray


class SemanticFilter:
    """Compares images with their sources. The threshold is measured when it is first needed: a second for any set.

    Args:
        sources: the images of the set; some are changed to see how far their features move.
        max_pixels: larger ones are not decoded.
        share: the fraction of good changes that may be rejected, above 0.
        load: loads the network.
        least: the threshold, if it was measured before; then nothing is measured.
        by_hash: the sources are sorted by hash already, and need not fit into memory.

    Raises:
        BackboneError: from any method, if the network cannot be loaded.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        max_pixels: int,
        share: float,
        load: Callable[[], Backbone] = load_backbone,
        least: float | None = None,
        by_hash: bool = False,
    ) -> None:
        # By hash: the same ones, whatever the order of the files.
        self._sources = sources if by_hash else sorted(sources, key=lambda source: source.sha256)
        self._max_pixels, self._share, self._load = max_pixels, share, load
        self._known = least
        self._last: tuple[str, Features] | None = None

    @cached_property
    def least(self) -> float:
        """The agreement that images must reach: the set's own changes fall below it as often as is allowed; -1 to 1.

        -1, which rejects nothing, if no image of the set can be read.
        """
        if self._known is not None:
            return self._known
        readable = (image for source in self._sources if (image := self._read(source)) is not None)
        images = list(islice(readable, _SAMPLES))
        if not images:
            return -1.0
        changes = max(_LEAST_CHANGES, _MOST_CHANGES // len(images))
        agreements = []
        for number, image in enumerate(images):
            changed = [changed_image(image, seed=number * _MOST_CHANGES + change) for change in range(changes)]
            features = self._load().features(np.stack([image, *changed]))
            agreements += [agreement(features[0], one) for one in features[1:]]
        # Rounded: the last bits of features depend on the machine, and what is rejected must not.
        return round(min(float(np.quantile(agreements, min(self._share, 1.0))), _SURE), 3)

    def accepts(self, score: float) -> bool:
        """Whether an image of this score, from `compare`, shows the same as its source."""
        return score >= _SURE or score >= self.least

    def compare(self, source: Source, before: Image.Image, after: Image.Image) -> float:
        """How far an image shows the same as its source.

        Args:
            source: what it was made from.
            before: RGB, the source's pixels.
            after: RGB, the image, before geometry and operations.

        Returns:
            The agreement of their features, rounded to three digits: 1 if they are the same.
        """
        backbone = self._load()
        if self._last is None or self._last[0] != source.sha256:  # variations of one source follow each other
            self._last = source.sha256, backbone.features(square(before, backbone.side_px)[None])[0]
        return round(agreement(self._last[1], backbone.features(square(after, backbone.side_px)[None])[0]), 3)

    def _read(self, source: Source) -> np.ndarray | None:
        side_px = self._load().side_px
        try:
            photo = decode(source.read(), source.path, self._max_pixels, draft_side_px=side_px)
        except (ImageError, OSError):
            return None  # the set's own reader reports it
        return square(photo.rgb, side_px)


def agreement(one: Features, other: Features) -> float:
    """Cosine of two features: -1 to 1.

    Shape:
        one, other: (D,)

    Example:
        >>> agreement(np.array([1.0, 0.0]), np.array([3.0, 4.0]))
        0.6
    """
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / scale if scale > 0 else 1.0


def changed_image(image: np.ndarray, seed: int) -> np.ndarray:
    """Change an image as a good repaint might: another light, and in two of three cases other detail.

    Exposure and white balance act on linear light (sRGB taken as gamma 2.2), by up to a factor of 3 and 1.4;
    saturation and contrast change by up to a half. Detail is lost below 64 x 64 pixels, or smoothed and sharpened.

    Args:
        image: RGB.
        seed: of the change; its remainder by 3 says what becomes of the detail.

    Shape:
        image, output: uint8 (S, S, 3)

    Example:
        >>> changed_image(np.full((64, 64, 3), 128, np.uint8), seed=1).shape
        (64, 64, 3)
    """
    rng = np.random.default_rng(seed)
    stops, warmth, tint = rng.uniform(-1.6, 1.2), rng.uniform(-0.45, 0.45), rng.uniform(-0.15, 0.15)
    gains = 2.0 ** (stops + np.array([warmth + tint, -tint, tint - warmth]))
    lit = np.clip((image / 255.0) ** 2.2 * gains, 0, 1) ** (1 / 2.2)
    grey = lit @ np.array([0.299, 0.587, 0.114])  # luma
    lit = grey[..., None] + (lit - grey[..., None]) * rng.uniform(0.5, 1.5)
    lit = lit.mean() + (lit - lit.mean()) * rng.uniform(0.5, 1.3)
    picture = Image.fromarray((lit.clip(0, 1) * 255).round().astype(np.uint8))
    if seed % 3 == 1:
        small = picture.resize((_LOST_DETAIL_PX, _LOST_DETAIL_PX), Image.Resampling.BOX)
        picture = small.resize(picture.size, Image.Resampling.BICUBIC)
    elif seed % 3 == 2:
        picture = picture.filter(ImageFilter.MedianFilter(3)).filter(ImageFilter.UnsharpMask(2, 80, 0))
    return np.asarray(picture)
