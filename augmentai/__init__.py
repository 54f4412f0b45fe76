"""AugmentAI enlarges labelled image datasets: photographs in, synthetic variations out, labels still true.

from augmentai import Recipe, augment

for outcome in augment(["photos/"], Recipe(variations=4)):
    outcome.save("augmented")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from augmentai.recipe import Recipe, RecipeError
from augmentai.types import Outcome, Source

if TYPE_CHECKING:
    from augmentai.pipeline.job import augment

__version__ = "0.3.0.dev0"
__all__ = ["Outcome", "Recipe", "RecipeError", "Source", "__version__", "augment"]


def __getattr__(name: str) -> Any:
    if name == "augment":  # loaded when first used: the engines behind it are not needed to describe a recipe
        from augmentai.pipeline.job import augment

        return augment
    raise AttributeError(f"module 'augmentai' has no attribute {name!r}")
