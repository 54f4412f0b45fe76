"""Backbones by name, each loaded once."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock

from augmentai.backbone.base import Backbone
from augmentai.backbone.layout import NAME
from augmentai.settings import DATA

WEIGHTS = DATA / "weights" / "backbone.safetensors"

_LOADING = Lock()


def load_backbone(name: str = NAME) -> Backbone:
    """Load a backbone, or return it if it is loaded already.

    Args:
        name: `efficientnet-lite0`, which is part of the package; or a vision model of the Hugging Face Hub such as
            `facebook/dinov2-small`, which is downloaded once, or a folder with one. Those need transformers and torch.

    Raises:
        BackboneError: It cannot be loaded; the message says why and what to do.

    Example:
        >>> backbone = load_backbone()
        >>> backbone.name, backbone.side_px, backbone.width
        ('efficientnet-lite0', 160, 1280)
    """
    with _LOADING:
        return _loaded(name)


@lru_cache(maxsize=2)
def _loaded(name: str) -> Backbone:
    if name == NAME:
        from augmentai.backbone.lite import Lite

        return Lite(WEIGHTS)
    from augmentai.backbone.larger import Larger

    return Larger(name)
