"""Where in an answer of another shape the sent picture lies.

A service that rounds the sides of its pictures may squeeze what it was given, or show more of the scene, or less. Which
of them cannot be known beforehand, and a wrong guess shifts every box by up to some per cent; the picture itself tells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

_GLANCE_PX = 192  # longest side of the pictures that are compared
_CLEARLY = 0.03  # of correlation: by so much another must fit better than cutting


def aligned(answer: Image.Image, sent: Image.Image) -> Image.Image:
    """The part of `answer` that shows what `sent` shows, as a picture of the aspect ratio of `sent`.

    Squeezed, cut out of a larger scene, or a smaller part set into `sent`: whichever has its edges where `sent` has
    them. Where none does clearly (a picture that has little left of the one sent) the answer is cut, not distorted.
    """
    candidates = [_cut(answer, sent.size), answer, _set_in(answer, sent)]
    glance_wh = _glance_wh(sent.size)
    wanted = _edges(sent, glance_wh)
    scores = [float((wanted * _edges(candidate, glance_wh)).mean()) for candidate in candidates]
    best = max(range(len(candidates)), key=scores.__getitem__)
    return candidates[best if scores[best] > scores[0] + _CLEARLY else 0]


def _cut(answer: Image.Image, sent_wh: tuple[int, int]) -> Image.Image:
    """The largest part in the middle that has the shape of what was sent."""
    scale = min(answer.width / sent_wh[0], answer.height / sent_wh[1])
    width, height = round(sent_wh[0] * scale), round(sent_wh[1] * scale)
    left, top = (answer.width - width) // 2, (answer.height - height) // 2
    return answer.crop((left, top, left + width, top + height))


def _set_in(answer: Image.Image, sent: Image.Image) -> Image.Image:
    """The answer as the middle of the picture that was sent, whose own margins fill what it does not show."""
    scale = max(answer.width / sent.width, answer.height / sent.height)
    whole = sent.resize((round(sent.width * scale), round(sent.height * scale)), Image.Resampling.LANCZOS)
    whole.paste(answer, ((whole.width - answer.width) // 2, (whole.height - answer.height) // 2))
    return whole


def _glance_wh(size_wh: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, _GLANCE_PX / max(size_wh))
    return max(8, round(size_wh[0] * scale)), max(8, round(size_wh[1] * scale))


def _edges(picture: Image.Image, size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """Strength of the luma's slope, (H, W), shifted and scaled to mean 0 and variance 1."""
    luma = np.asarray(picture.resize(size_wh, Image.Resampling.BOX).convert("L"), np.float32)
    down, across = np.gradient(luma)
    slope = np.hypot(down, across)
    # A margin is left out: there the candidates differ by what was pasted, not by where things are.
    inner = slope[size_wh[1] // 16 : -(size_wh[1] // 16) or None, size_wh[0] // 16 : -(size_wh[0] // 16) or None]
    return (inner - inner.mean()) / (inner.std() + 1e-6)
