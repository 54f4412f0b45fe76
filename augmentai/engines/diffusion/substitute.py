"""The default model, or what takes its place where the hub no longer has it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from augmentai.engines.base import OnProgress, ignore_progress
from augmentai.engines.diffusion.known_models import DEFAULT_MODEL, substitutes
from augmentai.engines.diffusion.load import load
from augmentai.engines.diffusion.model import Model
from augmentai.engines.diffusion.paint_request import ModelError, ModelGoneError
from augmentai.engines.diffusion.placement import free_bytes
from augmentai.settings import Settings

_log = logging.getLogger(__name__)


def load_or_substitute(
    settings: Settings,
    device: str,
    on_progress: OnProgress = ignore_progress,
    stopped: Callable[[], bool] = lambda: False,
) -> Model:
    """Load the model of the settings; see `load`. A model that somebody has named is never replaced.

    Args:
        settings: Which model, and how to run it.
        device: As torch names it.
        on_progress: Called with what is being done, in words; also with what is used in place of what.
        stopped: Polled during a download.

    Raises:
        ModelError: Neither the model nor any that might take its place can be loaded.
        StoppedError: `stopped()` was true during a download.
    """
    try:
        return load(settings, device, on_progress, stopped)
    except ModelGoneError as gone:
        name = settings.diffusion_model
        if name != DEFAULT_MODEL or settings.diffusion_revision or Path(name).exists():
            raise
        reasons = [str(gone)]
    free = free_bytes(device)
    models, too_large = substitutes(None if free is None else free / 1e9)
    for one in models:
        words = f"{name} can no longer be had ({reasons[0]}); {one.name} ({one.licence}) is used in its place"
        _log.warning(words)
        on_progress(words, 0.0)
        try:
            model = load(settings.model_copy(update={"diffusion_model": one.name}), device, on_progress, stopped)
        except ModelError as error:
            reasons.append(str(error))
            continue
        model.in_place_of = name
        return model
    raise ModelError("; ".join((*reasons, *too_large)))
