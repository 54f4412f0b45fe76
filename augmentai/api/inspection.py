"""The Python API: `inspect` says what is in a set, before anything is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from augmentai.api.augmentation import recipe_with
from augmentai.dataset.readers.python_inputs import to_inputs
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings

if TYPE_CHECKING:
    from augmentai.inspection import Inspection


def inspect(
    inputs: Any,
    recipe: Recipe | None = None,
    settings: Settings | None = None,
    *,
    similarity: bool = False,
    **recipe_fields: Any,
) -> Inspection:
    """Inspect a set: its layout, splits, classes, faults and duplicates, and what a run would do. Makes nothing.

    Args:
        inputs: what would be augmented; see `augment`.
        recipe, settings, **recipe_fields: what a run would be asked for; see `augment`.

        similarity: compare the images by a pretrained network as well, about 10 ms per image: labels that do not fit,
            outliers, and twins across splits.

    Returns:
        What was found. `status` is 0 if all is well, 1 if labels would be lost or are wrong, and 2 if no
        image can be read; `as_dict()` is ready for JSON.

    Raises:
        TypeError, RecipeError, SettingsError: see `augment`.

    A file that cannot be read never raises: it is one of the `findings`.

    Example:
        >>> import numpy as np
        >>> photo = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        >>> found = inspect([(photo, "cats"), (photo[::-1], "dogs")])
        >>> found.status, [(one["name"], one["images"]) for one in found.classes]
        (0, [('cats', 1), ('dogs', 1)])
    """
    from augmentai.dataset.readers.gather import gather
    from augmentai.engines import available
    from augmentai.inspection import inspect_set
    from augmentai.pipeline.job import limits

    asked, settings = recipe_with(recipe, recipe_fields), settings or load_settings()
    gathered = gather(to_inputs(inputs), limits(settings), layout=asked.layout)
    return inspect_set(gathered, asked, settings, available(settings), similarity=similarity)
