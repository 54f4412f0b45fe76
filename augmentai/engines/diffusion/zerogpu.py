"""Hugging Face ZeroGPU: a GPU is lent for one call of one decorated function. Imported only where that is active.

Rules of `spaces` that shape this file: it must be imported before CUDA is touched; the function runs in a forked
process, so arguments and results are pickled and nothing it changes comes back; a model moved to "cuda" outside it
is moved for real inside. See https://huggingface.co/docs/hub/spaces-zerogpu.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import spaces

from augmentai.engines.diffusion.paint_request import ModelError, Painted, Shot

if TYPE_CHECKING:
    from augmentai.engines.diffusion.model import Model

_models: dict[str, Model] = {}  # the fork takes it along


def lend(model: Model) -> str:
    """Keep a model where the forked process finds it. Returns the key to ask with."""
    _models[model.name] = model
    return model.name


def _seconds(key: str, shots: Sequence[Shot]) -> int:
    # Asking for more than is used costs the visitor no quota, but the queue serves short requests first.
    return min(120, 20 + 3 * len(shots))


@spaces.GPU(duration=_seconds)
def paint(key: str, shots: Sequence[Shot]) -> list[Painted] | str:
    """`Model.paint` on the GPU that is lent; a text says why the model cannot go on."""
    try:
        return _models[key].paint(shots)
    except ModelError as out:  # exceptions come back as their name alone
        return str(out)
