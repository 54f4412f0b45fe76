"""What is compared: recipes of the product, and functions for what it does not have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from augmentai.operations import BUILT_IN as OPERATIONS
from augmentai.operations.bundles import BUILT_IN as BUNDLES
from augmentai.recipe import Recipe
from benchmarks.worth.colour import colour_jitter, histogram_matching, reinhard, simulated_light

Change = Callable[[Image.Image, Image.Image, np.random.Generator], Image.Image]  # image, donor of its class, draws

GROUPS = ("colour", "operations", "labelled")
VARIATIONS = 8
_CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "simulated light alone": simulated_light,
        "colour jitter": colour_jitter,
        "Reinhard transfer": reinhard,
        "histogram matching": histogram_matching,
    }
)
_VARIANTS: Mapping[str, tuple[dict[str, Any], ...]] = MappingProxyType({"background": ({"ground": "plain"},)})
_NEED_LABELS = ("copy_paste", "objects")  # which class folders have not


@dataclass(frozen=True)
class Technique:
    """One way to make variations: a recipe, or a function.

    Attributes:
        name: for the table.
        recipe, change: one of the two.
    """

    name: str
    recipe: Recipe | None = None
    change: Change | None = None


def techniques(group: str) -> list[Technique]:
    """What is compared under a name.

    Args:
        group: "colour": the local GAN and changes of colour without a network; "operations": every operation with its
            defaults, every bundle and every preset of the geometric augmentation; "labelled": also those that class
            folders have nothing for, and these first.

    Example:
        >>> [one.name for one in techniques("colour")][:2]
        ['local GAN', 'simulated light alone']
    """
    if group == "colour":
        gan = Technique("local GAN", Recipe(engine="gan", variations=VARIATIONS, geometry="none"))
        return [gan, *(Technique(name, change=change) for name, change in _CHANGES.items())]
    found = [_operation(name, name) for name in _NEED_LABELS if group == "labelled"]
    for name in [*OPERATIONS, *BUNDLES]:
        if name in _NEED_LABELS:
            continue
        found.append(_operation(name, name))
        for options in _VARIANTS.get(name, ()):
            words = ", ".join(f"{key}={value}" for key, value in options.items())
            found.append(_operation(f"{name}({words})", {name: options}))
    presets = [Recipe(engine="none", variations=VARIATIONS, geometry=name) for name in ("flip", "light", "strong")]
    return [*found, *(Technique(f"geometry {one.geometry}", one) for one in presets)]


def _operation(name: str, operation: str | dict[str, Any]) -> Technique:
    recipe = Recipe(engine="none", variations=VARIATIONS, geometry="none", operations=(operation,))
    return Technique(name, recipe)
