"""Seeded, label-aware steps that move or change the pixels of a variation, whichever engine made it."""

from augmentai.operations.apply import apply_warp
from augmentai.operations.presets import warp_for
from augmentai.operations.warp import Warp, warp_from_manifest

__all__ = ["Warp", "apply_warp", "warp_for", "warp_from_manifest"]

# Read by `augmentai.registry`; nothing is imported until an operation is used.
BUILT_IN: dict[str, str] = {}
