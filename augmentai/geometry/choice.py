"""Which geometry a set gets where none was asked for.

Photographs sorted into classes are mirrored in half of their variations: a mirrored cat is a cat, mirroring moves
pixels without mixing them, and a training that mirrors by itself sees the same pictures as before. Of all that geometry
could do it is the one step that helped where the training moves nothing and cost nothing where it does
(`benchmarks/results/lift_trials.md`). Where a class may hang on left and right it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from augmentai.recipe import AUTO, Recipe

# What a mirrored picture would be a wrong example of. Only names can tell; `mirror` is there for what they do not say.
_HANDED = frozenset(
    {
        *("left", "right", "hand", "glove", "arrow", "sign", "plate", "logo", "barcode"),
        *("text", "letter", "digit", "number", "numeral", "character", "char", "glyph", "font", "word", "script"),
        *("handwriting", "receipt", "invoice", "document", "page", "chart"),
        *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    }
)
_NAMED = 3  # classes named in a notice


def settled_geometry(recipe: Recipe, labels: Iterable[str | None], things: bool) -> tuple[str, str]:
    """The geometry to carry out, one of `GEOMETRIES` without "auto", and a notice for the user, often empty.

    labels: the sources' classes, None for one without. things: boxes, outlines or masks are labelled in the pictures.

    "auto" becomes "flip" for a set of two classes or more without labelled things, whose trainings mirror by
    themselves, and "none" for any other, with `recipe.mirror` False, and where the names of classes tell that left and
    right matter.
    """
    if recipe.geometry != AUTO:
        return recipe.geometry, ""
    classes = {label for label in labels if label is not None}
    if not recipe.mirror or things or len(classes) < 2:
        return "none", ""
    if handed := handed_classes(classes):
        more = f" and {len(handed) - _NAMED} more" if len(handed) > _NAMED else ""
        named = ", ".join(handed[:_NAMED]) + more
        return "none", f"nothing is mirrored, since left and right may matter for {named}; ask for it where they do not"
    return "flip", (
        "half of the variations are mirrored, as is usual for photographs in classes; "
        "switch that off where left and right matter"
    )


def handed_classes(classes: Iterable[str]) -> list[str]:
    """Those whose names speak of left and right, of writing, or are a single letter or digit; sorted."""
    return sorted(name for name in classes if _is_handed(name))


def _is_handed(name: str) -> bool:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # turnLeft
    words = re.findall(r"[^\W\d_]+", spaced.lower())
    single = len(name.strip()) == 1 and name.isascii()
    return single or any(word in _HANDED or word.removesuffix("s") in _HANDED for word in words)
