"""Workflows of the user's own on a ComfyUI server of the user's own."""

from augmentai.engines.comfy.engine import ComfyEngine

__all__ = ["ComfyEngine"]
