"""Any labelled set written in another format. What that format cannot hold is reported, never dropped in silence."""

from __future__ import annotations

from collections.abc import Sequence

from augmentai.dataset.formats.base import LabelWriter, Layout
from augmentai.dataset.formats.detect import format_named, usable_formats
from augmentai.recipe import RecipeError
from augmentai.registry import RegistryError, packages_of
from augmentai.types import Source


def converter(layout: Layout, to: str, sources: Sequence[Source]) -> LabelWriter:
    """What writes a set in another format.

    Args:
        layout: the set as it was recognised.
        to: the name of the format to write.
        sources: all images of the set, sorted by path and hash; their labels may be read, to know the classes.

    Raises:
        RecipeError: the format cannot be used or written, or the set has nothing that it could hold.
    """
    try:
        writer = format_named(to).writer
    except RegistryError as error:
        raise RecipeError(f"to is {to}: {error}") from error
    if writer is None:
        targets = ", ".join(one.name for one in usable_formats()[0] if one.writer is not None)
        raise RecipeError(f"to is {to}, which is read but not written; expected one of same, {targets}")
    try:
        return writer(layout, sources)
    except RecipeError as error:
        others = [one.name for one in usable_formats()[0] if not getattr(one.writer, "needs_objects", True)]
        raise RecipeError(f"to is {to}, and {error}; expected one of same, {', '.join(others)}") from error
    except Exception as error:
        packages = packages_of("formats", [to])
        if not packages or isinstance(error, MemoryError):
            raise
        fault = f"{type(error).__name__}: {error}"
        raise RecipeError(f"to is {to}, and its package {packages[0]} failed ({fault}); update that package") from error
