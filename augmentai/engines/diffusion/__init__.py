"""Diffusers image-to-image on a CUDA GPU. Importing this imports neither torch nor diffusers."""

from augmentai.engines.diffusion.engine import DiffusionEngine

__all__ = ["DiffusionEngine"]
