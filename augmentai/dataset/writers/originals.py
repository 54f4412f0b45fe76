"""Which originals are part of the output next to the variations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augmentai.dataset.sorted_sources import find_source, sort_key
from augmentai.recipe import Recipe
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.readers.gather import Gathered


class Originals:
    """The recipe's `originals` and `splits`, resolved for one dataset.

    Args:
        gathered: the dataset.
        recipe: originals "auto" includes those of a dataset: it has classes, splits, labels or captions.

    Attributes:
        sources: every image of the dataset, augmented or held out, sorted by (path, hash).
    """

    def __init__(self, gathered: Gathered, recipe: Recipe) -> None:
        self.sources = tuple(sorted((*gathered.sources, *gathered.holdout), key=sort_key))
        self._augmented = gathered.sources
        is_dataset = gathered.layout.labelled or any(one.label or one.split or one.labels for one in self.sources)
        self._includes_augmented = is_dataset if recipe.originals == "auto" else recipe.originals != "none"
        self._includes_holdout = recipe.splits == "copy"
        self._skipped: set[tuple[str, str]] = set()

    def __contains__(self, source: Source) -> bool:
        included = self._includes_augmented if self.is_augmented(source) else self._includes_holdout
        return included and sort_key(source) not in self._skipped

    def included(self) -> list[Source]:
        """The originals that are part of the output, sorted by (path, hash)."""
        return [source for source in self.sources if source in self]

    def is_augmented(self, source: Source) -> bool:
        """Whether variations are made of this source; they are not of validation and test images."""
        return find_source(self._augmented, source.path, source.sha256) is not None

    def skip(self, source: Source) -> None:
        """Exclude an original that could not be copied, so that no list of the dataset names it."""
        self._skipped.add(sort_key(source))
