"""The Python API: `inspect` says what is in a set, and `preview_masks` what would be cut out, before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from augmentai.api.augmentation import recipe_with
from augmentai.dataset.readers.python_inputs import to_inputs
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings

if TYPE_CHECKING:
    from augmentai.inspection import Inspection
    from augmentai.inspection.cutouts import Cutouts

MOST = 12  # images of which masks are shown


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


def preview_masks(
    inputs: Any,
    recipe: Recipe | None = None,
    settings: Settings | None = None,
    *,
    most: int = MOST,
    **recipe_fields: Any,
) -> Cutouts:
    """Show what the operation `background` would cut out of a few images. Makes nothing.

    Args:
        inputs: what would be augmented; see `augment`.
        recipe, settings, **recipe_fields: what a run would be asked for; see `augment`. Among the operations there must
            be `background`.

        most: how many images are looked at.

    Returns:
        The images with outlines, and why some stay as they are. `words` says it in one sentence; in a notebook it shows
        itself, and `as_svg()` is the same contact sheet for a file.

    Raises:
        TypeError, RecipeError, SettingsError: see `augment`.
        OperationError: the network that `background(cutout=...)` names cannot be had.

    Example:
        >>> from PIL import Image
        >>> photo = Image.new("RGB", (96, 64), "navy")
        >>> photo.paste("orange", (30, 20, 60, 50))
        >>> preview_masks([photo], operations=["background(ground=plain)"]).words
        '1 of 1 image gets another background'
    """
    from augmentai.dataset.readers.gather import gather
    from augmentai.inspection.cutouts import background_of, find_cutouts
    from augmentai.pipeline.job import limits

    asked, settings = recipe_with(recipe, recipe_fields), settings or load_settings()
    background_of(asked)  # before any file is read
    gathered = gather(to_inputs(inputs), limits(settings), layout=asked.layout)
    return find_cutouts(gathered.sources, asked, settings.max_pixels, most)
