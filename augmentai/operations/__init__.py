"""Geometry as a step of its own, whatever made the pixels: flips, crops, turns, perspective; labels move along."""

from augmentai.operations.warp import Warp, warp_for, warp_told

__all__ = ["Warp", "warp_for", "warp_told"]
