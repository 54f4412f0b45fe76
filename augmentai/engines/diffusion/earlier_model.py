"""Whether the settings of now would paint an image of an earlier run again, by what its manifest says of it.

Nothing is loaded or asked of the hub for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augmentai.engines.diffusion.availability import cached_index, model_revision
from augmentai.engines.diffusion.devices import by_openvino
from augmentai.settings import Settings
from augmentai.system.cpu import has_bfloat16

_OPENVINO = "openvino"


def other_model(settings: Settings, model: str) -> str:
    """Say which model painted an image, if it is not that of the settings; "" if it is.

    Args:
        settings: Of now.
        model: As the manifest names it: a hub id with its commit, or the name of a folder or file.

    Example:
        >>> other_model(Settings(), "maker/model@0123456789ab")
        'painted by maker/model, commit 0123456789ab; to make them again, set AUGMENTAI_DIFFUSION_MODEL to it'
    """
    name, _, commit = model.partition("@")
    of_now = settings.diffusion_model
    path = Path(of_now).expanduser()
    if not name or (path.exists() and path.resolve().name == model):
        return ""
    which = f"painted by {name}, commit {commit}" if commit else f"painted by {name}"
    if name != of_now:
        return f"{which}; to make them again, set AUGMENTAI_DIFFUSION_MODEL to it"
    revision = _commit_of(settings)
    if commit and revision and not revision.startswith(commit):
        now = f"and it is {revision[: len(commit)]} now"
        return f"{which}, {now}; to make them again, set AUGMENTAI_DIFFUSION_REVISION to the whole of that commit"
    return ""


def _commit_of(settings: Settings) -> str:
    """The commit that would be loaded, as far as it is known."""
    revision = model_revision(settings)
    cached = cached_index(settings.diffusion_model, revision)
    if cached is not None:
        return cached.parent.name
    is_commit = revision is not None and len(revision) == 40
    return revision if is_commit and revision is not None else ""


def other_numbers(settings: Settings, device: str, details: Mapping[str, Any]) -> str:
    """Say how an image was computed, if it would be computed in another way now; "" if it would not.

    Args:
        settings: Of now.
        device: Of now.
        details: Of the image, from the manifest.

    Example:
        >>> other_numbers(Settings(diffusion_dtype="bfloat16"), "cpu", {"dtype": "float32", "device": "cpu"})
        'computed in float32, and now bfloat16; set AUGMENTAI_DIFFUSION_DTYPE=float32'
    """
    found = []
    before, wanted = details.get("dtype"), settings.diffusion_dtype
    if wanted == "auto" and device == "cpu":
        wanted = "bfloat16" if has_bfloat16() else "float32"
    if before and wanted not in {"auto", before}:
        found.append(f"computed in {before}, and now {wanted}; set AUGMENTAI_DIFFUSION_DTYPE={before}")
    was, now = str(details.get("backend", "")).startswith(_OPENVINO), by_openvino(settings, device)
    if was and not now:
        found.append("computed by OpenVINO, and now by torch; set AUGMENTAI_DIFFUSION_BACKEND=openvino")
    elif now and before and not was:
        found.append("computed by torch, and now by OpenVINO; set AUGMENTAI_DIFFUSION_BACKEND=torch")
    return "; ".join(found)
