"""AugmentAI enlarges labelled image datasets: images in, synthetic variations out, labels stay valid.

from augmentai import augment, run

run("photos/", "larger", variations=4)          # writes a dataset, with manifest; resumes
for image, label in augment("photos/", variations=4):
    ...                                         # PIL images, as they finish
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from augmentai.recipe import Recipe, RecipeError
from augmentai.types import Outcome, Source, Variation
from augmentai.version import __version__

if TYPE_CHECKING:
    from augmentai.api import Augmentation, Augmenter, AugmentError, RunResult, augment, inspect, preview_masks, run
    from augmentai.dataset.formats.base import Format
    from augmentai.engines.base import Engine
    from augmentai.operations.base import Operation

__all__ = [
    "AugmentError",
    "Augmentation",
    "Augmenter",
    "Engine",
    "Format",
    "Operation",
    "Outcome",
    "Recipe",
    "RecipeError",
    "RunResult",
    "Source",
    "Variation",
    "__version__",
    "augment",
    "inspect",
    "preview_masks",
    "run",
]

# Loaded when first used: what is behind them is not needed to describe a recipe.
_LAZY = {
    **dict.fromkeys(
        ("AugmentError", "Augmentation", "Augmenter", "RunResult", "augment", "inspect", "preview_masks", "run"),
        "augmentai.api",
    ),
    "Engine": "augmentai.engines.base",
    "Format": "augmentai.dataset.formats.base",
    "Operation": "augmentai.operations.base",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'augmentai' has no attribute {name!r}")
