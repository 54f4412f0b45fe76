"""Locates the sent image in an answer of another aspect ratio.

A service that rounds the sides of its images may squeeze its input, or show more of the scene, or less. Which of them
cannot be known in advance, and a wrong guess shifts every box by up to some per cent; the image itself shows it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

_COMPARED_PX = 192  # longest side of the images that are compared
_MARGIN = 0.03  # of correlation: by so much another has to fit better than cropping


def aligned(answer: Image.Image, sent: Image.Image) -> Image.Image:
    """The part of `answer` that shows what `sent` shows, with the aspect ratio of `sent`.

    Squeezed, cropped from a larger scene, or a smaller part pasted into `sent`: whichever has its edges where `sent`
    has them. If none clearly does (an image with little left of the one sent) the answer is cropped, not distorted.
    """
    candidates = [_cropped(answer, sent.size), answer, _pasted(answer, sent)]
    compared_wh = _compared_wh(sent.size)
    wanted = _edges(sent, compared_wh)
    scores = [float((wanted * _edges(candidate, compared_wh)).mean()) for candidate in candidates]
    best = max(range(len(candidates)), key=scores.__getitem__)
    return candidates[best if scores[best] > scores[0] + _MARGIN else 0]


def _cropped(answer: Image.Image, sent_wh: tuple[int, int]) -> Image.Image:
    """The largest central part with the aspect ratio of what was sent."""
    scale = min(answer.width / sent_wh[0], answer.height / sent_wh[1])
    width, height = round(sent_wh[0] * scale), round(sent_wh[1] * scale)
    left, top = (answer.width - width) // 2, (answer.height - height) // 2
    return answer.crop((left, top, left + width, top + height))


def _pasted(answer: Image.Image, sent: Image.Image) -> Image.Image:
    """The answer as the middle of the sent image, whose own margins fill what it does not show."""
    scale = max(answer.width / sent.width, answer.height / sent.height)
    whole = sent.resize((round(sent.width * scale), round(sent.height * scale)), Image.Resampling.LANCZOS)
    whole.paste(answer, ((whole.width - answer.width) // 2, (whole.height - answer.height) // 2))
    return whole


def _compared_wh(size_wh: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, _COMPARED_PX / max(size_wh))
    return max(8, round(size_wh[0] * scale)), max(8, round(size_wh[1] * scale))


def _edges(image: Image.Image, size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """Gradient magnitude of the luma, float32 (H, W) without a margin, normalized to mean 0 and variance 1."""
    luma = np.asarray(image.resize(size_wh, Image.Resampling.BOX).convert("L"), np.float32)
    down, across = np.gradient(luma)
    slope = np.hypot(down, across)
    # Without a margin: there the candidates differ by what was pasted, not by where objects are.
    inner = slope[size_wh[1] // 16 : -(size_wh[1] // 16) or None, size_wh[0] // 16 : -(size_wh[0] // 16) or None]
    return (inner - inner.mean()) / (inner.std() + 1e-6)
