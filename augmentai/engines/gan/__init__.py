"""The local GAN as an engine. The model itself is in `augmentai.gan`."""

from augmentai.engines.gan.engine import GanEngine

__all__ = ["GanEngine"]
