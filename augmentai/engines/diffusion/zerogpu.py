"""Hugging Face ZeroGPU: a GPU is available only during a call of a decorated function. Imported only where active.

Rules of `spaces` that shape this module: it must be imported before CUDA is touched; the function runs in a forked
process, so arguments and results are pickled and none of its changes come back; a model moved to "cuda" outside of it
is moved for real inside. See https://huggingface.co/docs/hub/spaces-zerogpu.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import spaces

from augmentai.engines.diffusion.paint_request import ModelError, PaintRequest, PaintResult

if TYPE_CHECKING:
    from augmentai.engines.diffusion.model import Model

_models: dict[str, Model] = {}  # inherited by the forked process


def register(model: Model) -> str:
    """Make a model available to the forked process. Returns the key to call `paint` with."""
    _models[model.name] = model
    return model.name


def _seconds(key: str, requests: Sequence[PaintRequest]) -> int:
    # Asking for more than is used costs the visitor no quota, but the queue serves short requests first.
    return min(120, 20 + 3 * len(requests))


@spaces.GPU(duration=_seconds)
def paint(key: str, requests: Sequence[PaintRequest]) -> list[PaintResult] | str:
    """Run `Model.paint` on the allocated GPU.

    Returns:
        The results, or a text that says why the model cannot continue: exceptions come back as their name alone.
    """
    try:
        return _models[key].paint(requests)
    except ModelError as error:
        return str(error)
