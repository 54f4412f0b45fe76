"""A failed load, explained so that the user can act on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from augmentai.engines.diffusion.availability import model_revision
from augmentai.settings import Settings


def explain(error: BaseException, settings: Settings) -> str:
    """Say in one sentence why the model could not be loaded and what to do.

    Args:
        error: What the hub, diffusers, transformers, safetensors or torch raised.
        settings: With which the model was loaded.
    """
    name = settings.diffusion_model
    kinds = {base.__name__ for one in _chain(error) for base in type(one).__mro__}
    messages = " ".join(str(one) for one in _chain(error))
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return f"not enough memory to load {name}; close other programs or choose a smaller model"
    if reason := _access_problem(error, kinds, settings):
        return reason
    if kinds & {"LocalEntryNotFoundError", "HfHubHTTPError", "ConnectionError", "TimeoutException", "TransportError"}:
        if Path(name).is_file():
            what, fix = f"the configuration of {name}", "set AUGMENTAI_DIFFUSION_CONFIG to a folder that contains it"
        else:
            what, fix = name, "set AUGMENTAI_DIFFUSION_MODEL to a local folder"
        return f"{what} could not be downloaded from huggingface.co; check the network, or {fix}"
    if "ImportError" in kinds and "torchvision" in messages.lower():
        return f"{name} needs the package torchvision; install the one that fits torch {torch.__version__}"
    if "safetensors" in messages and ("necessary" in messages or "no file named" in messages):
        return f"{name} has no safetensors weights; other formats can contain programs and are not loaded"
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{name} could not be loaded ({type(error).__name__}: {first_line[:200]})"


def is_gone(error: BaseException) -> bool:
    """Whether the hub says that it does not have a model, or not for this token, and no more than that is wrong."""
    kinds = {base.__name__ for one in _chain(error) for base in type(one).__mro__}
    gone = {"RepositoryNotFoundError", "GatedRepoError", "DisabledRepoError", "RevisionNotFoundError"}
    return bool(kinds & gone)


def _access_problem(error: BaseException, kinds: set[str], settings: Settings) -> str:
    """Why the hub does not provide the model; "" if that is not the problem."""
    name = settings.diffusion_model
    if "GatedRepoError" in kinds:
        return f"{name} is gated: accept its licence at https://huggingface.co/{name} and set HF_TOKEN"
    if "RevisionNotFoundError" in kinds:
        return f"{name} has no revision {model_revision(settings)}; correct AUGMENTAI_DIFFUSION_REVISION"
    if "RepositoryNotFoundError" in kinds:
        return f"huggingface.co has no model {name}, or HF_TOKEN may not read it; correct AUGMENTAI_DIFFUSION_MODEL"
    if "OfflineModeIsEnabled" in kinds:
        return (
            f"{name} has not been downloaded completely and HF_HUB_OFFLINE forbids it; unset it or set "
            "AUGMENTAI_DIFFUSION_MODEL to a local folder"
        )
    statuses = {getattr(getattr(one, "response", None), "status_code", None) for one in _chain(error)}
    if statuses & {401, 403}:
        return f"huggingface.co denies this HF_TOKEN access to {name}; renew it, or unset it for a public model"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
