"""What surrounds the variations of a set of class folders that is in a table on disk: its originals, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from augmentai.dataset.file_names import clear_of_own_folders, paths_of_originals
from augmentai.dataset.formats.base import StreamedFiles
from augmentai.dataset.readers.image_table import SortedTableSources
from augmentai.dataset.readers.streamed_set import StreamedSet
from augmentai.dataset.sorted_sources import sort_key
from augmentai.dataset.writers.output_set import StaticFile, read_image
from augmentai.images import ImageError
from augmentai.images.orientation import read_size
from augmentai.recipe import Recipe
from augmentai.types import Source, SourceKey

_TRUNCATED_BYTES = 200  # of a path; names that are longer may lose their ends, and then differ where others do not


class StreamedOutput:
    """What an `OutputSet` says of the same set, with nothing in memory but the exceptions.

    Args:
        found: the set.
        recipe: says which originals are included.
        watched: makes of each source the one that is read.
    """

    def __init__(self, found: StreamedSet, recipe: Recipe, watched: Callable[[Source], Source]) -> None:
        self._set, self._recipe, self._watched = found, recipe, watched
        self._links = recipe.originals == "link"
        self._includes_augmented, self._includes_held_out = _included(found, recipe)
        self.class_names: Sequence[str] = ()
        self.losses = found.gathered.layout.losses
        found.table.number_sources()
        self.sources = SortedTableSources(found.table, watched)
        self._renamed = self._renamed_originals()
        self._skipped: set[SourceKey] = set()

    def _renamed_originals(self) -> dict[SourceKey, str]:
        """The paths of those whose own another one has, in the same letters or others."""
        same = "SELECT stem FROM sources GROUP BY stem HAVING count(*) > 1"
        doubtful = f"is_odd OR stem IN ({same}) OR length(CAST(path AS BLOB)) > {_TRUNCATED_BYTES}"
        originals = list(self._set.table.sources(f"({included_in(self._set, self._recipe)}) AND ({doubtful})"))
        paths = {sort_key(source): clear_of_own_folders(source.path) for source in originals}
        return {key: path for key, path in paths_of_originals(paths, originals).items() if path != paths[key]}

    def _is_augmented(self, source: Source) -> bool:
        return not self._set.has_splits or source.split == "train"

    def _path(self, source: Source) -> str:
        return self._renamed.get(sort_key(source)) or clear_of_own_folders(source.path)

    def original(self, source: Source) -> str | None:
        """See `OutputSet.original`."""
        included = self._includes_augmented if self._is_augmented(source) else self._includes_held_out
        return self._path(source) if included and sort_key(source) not in self._skipped else None

    def files_before(self) -> Iterator[StaticFile]:
        """See `OutputSet.files_before`."""
        for listed in self._set.table.sources(included_in(self._set, self._recipe)):
            source = self._watched(listed)
            path = self._path(source)
            file = StaticFile(
                path, partial(read_image, source), source, source.file if self._links else None, source.size_bytes
            )
            if path != source.path:
                try:
                    read_size(source)  # as where labels would be written anew
                except (ImageError, OSError) as error:
                    self.skip(file, error)
                    continue
            yield file

    def files_after(self, lines: Iterable[Mapping[str, Any]]) -> StreamedFiles:
        """Nothing: no file lists the images of class folders."""
        yield from ()

    def skip(self, file: StaticFile, error: Exception) -> None:
        """See `OutputSet.skip`."""
        if file.source is not None:
            self._skipped.add(sort_key(file.source))
            if isinstance(error, ImageError) and self._is_augmented(file.source):
                return  # reported with its variations
        self.losses.setdefault(f"Skipped {file.path}: {error}")


def _included(found: StreamedSet, recipe: Recipe) -> tuple[bool, bool]:
    """Whether images that are augmented are part of the result, and those that are not; see `Originals`."""
    is_set = found.has_splits or bool(found.table.labels)
    return is_set if recipe.originals == "auto" else recipe.originals != "none", recipe.splits == "copy"


def included_in(found: StreamedSet, recipe: Recipe) -> str:
    """Which originals are part of the result, in SQL.

    Args:
        found: the set.
        recipe: says which are.
    """
    augmented, held_out = _included(found, recipe)
    parts = [found.training] * augmented + [found.held_out] * held_out
    return " OR ".join(f"({part})" for part in parts) or "0"
