"""Geometry as a step of its own, whatever made the pixels: flips, crops, turns, perspective; labels move along."""

from augmentai.operations.warp import Warp, warp_for, warp_from_manifest

__all__ = ["Warp", "warp_for", "warp_from_manifest"]

# Read by `augmentai.registry`; nothing is imported until an operation is used.
BUILT_IN: dict[str, str] = {}
