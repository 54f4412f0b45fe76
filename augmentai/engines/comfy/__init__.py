"""An engine of AugmentAI whose images a ComfyUI server paints, by a workflow of the user's own."""

from augmentai.engines.comfy.engine import ComfyEngine

__all__ = ["ComfyEngine"]
