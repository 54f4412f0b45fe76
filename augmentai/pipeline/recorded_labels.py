"""The labels of a variation that was written: those of its source, moved and changed as its manifest records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

from PIL import Image

from augmentai import registry
from augmentai.annotations import LabelError, Labels
from augmentai.images import ImageError
from augmentai.operations import DonorPool, OperationError, replay_operations, warp_from_manifest
from augmentai.operations.move_labels import move_labels
from augmentai.operations.pixels import PixelOperation
from augmentai.pipeline.lend import load_donor
from augmentai.recipe import Recipe
from augmentai.types import Source

_MOST_BYTES = 32 << 20  # of decoded donors; one is enough
_UNREADABLE = (LabelError, ImageError, OSError)


class RecordedLabels:
    """Finds the labels of variations from the manifest alone, so that it does not matter which run made them.

    Args:
        sources: every image of the set, as far as variations may borrow from it.
        recipe: of the run.
        max_pixels: larger images are not decoded.
    """

    def __init__(self, sources: Sequence[Source], recipe: Recipe, max_pixels: int) -> None:
        self._least_visible = recipe.least_visible
        self._sources, self._max_pixels = sources, max_pixels

    @cached_property
    def _donors(self) -> DonorPool:
        """All sources, in memory: of a set without labels none is asked for."""
        load = partial(load_donor, max_pixels=self._max_pixels, holdout=None, most_bits=0)
        return DonorPool(self._sources, load, _MOST_BYTES)

    def of(self, entry: Mapping[str, Any], source: Source) -> tuple[Labels | None, Labels | None]:
        """The labels of a source and of one of its variations.

        Args:
            entry: the variation's line in the manifest.
            source: what it was made from.

        Returns:
            Each in the pixels of its image; None where there are none, or where they cannot be known.
        """
        if source.labels is None:
            return None, None
        with suppress(*_UNREADABLE):
            labels = source.labels.load()
            return labels, self._moved(entry, source, labels)
        return None, None

    def _moved(self, entry: Mapping[str, Any], source: Source, labels: Labels) -> Labels | None:
        try:
            details, size_wh = entry.get("details", {}), (int(entry["width"]), int(entry["height"]))
            geometry = details.get("geometry")
            first = None if geometry is None else warp_from_manifest(geometry, size_wh, size_wh)
            records = [record for record in details.get("operations", ()) if not _changes_values_alone(record)]
            if not records:
                return labels if first is None else move_labels(first, labels, self._least_visible)
            donors = self._donors.beside(source)
            return replay_operations(Image.new("L", size_wh), labels, records, donors, first, self._least_visible)[1]
        except (*_UNREADABLE, OperationError, registry.RegistryError, MemoryError):
            return None
        except (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError):  # a manifest may say anything
            return None


def _changes_values_alone(record: Mapping[str, Any]) -> bool:
    """Whether an operation leaves all labels as they are, so that it need not be repeated for them."""
    return isinstance(registry.find("operations", record["name"])(), PixelOperation)
