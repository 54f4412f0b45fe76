"""The pretrained eye: features of images, by a small network that is part of the package.

    from augmentai.backbone import load_backbone, square

    backbone = load_backbone()
    features = backbone.features(np.stack([square(image) for image in images]))  # (N, 1280)

Two images whose features point the same way show the same kind of thing, whatever their light. `load_backbone()` works
offline and without torch; other names load larger networks by transformers. `cached(backbone, settings)` computes each
image once.
"""

from augmentai.backbone.base import Backbone, BackboneError
from augmentai.backbone.cache import cached
from augmentai.backbone.load import load_backbone
from augmentai.backbone.squares import square

__all__ = ["Backbone", "BackboneError", "cached", "load_backbone", "square"]
