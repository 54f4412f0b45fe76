"""What surrounds the variations in a finished dataset: file names, originals and label files.

Nothing is written here. An `OutputSet` names the files and returns their bytes; a `Writer` writes them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_names import Names, clear_of_own_files
from augmentai.dataset.file_tree import Entry, parent
from augmentai.dataset.formats.base import LabelWriter, OutputFile, StreamedFiles
from augmentai.dataset.formats.masks.companions import (
    added_entries,
    added_files,
    converted_files,
    own_labels,
    without_companions,
)
from augmentai.dataset.image_rows import ImageRows
from augmentai.dataset.writers.guarded_labels import GuardedLabelWriter
from augmentai.dataset.writers.originals import Originals
from augmentai.images.orientation import read_frame, read_size
from augmentai.images.photo import ImageError
from augmentai.recipe import Recipe
from augmentai.registry import packages_of
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.readers.gather import Gathered


@dataclass(frozen=True)
class StaticFile:
    """A file of the finished dataset that does not depend on any variation.

    Attributes:
        path: where it is in the output.
        read: returns its bytes; raises OSError, LabelError or ImageError.
        source: the original that it is; None if it is a label file.
        link: the file on this machine that it is to be linked to, if the recipe asks for links.
        size_bytes: None if it is unknown.
    """

    path: str
    read: Callable[[], bytes] = field(repr=False)
    source: Source | None = None
    link: Path | None = None
    size_bytes: int | None = None


class VariationNames(Protocol):
    """Names files of variations; see `Names`."""

    def variation(self, source: Source, index: int, file_format: str) -> str:
        """The relative path of a variation; see `Names.variation`."""
        ...


class VariationFiles(Protocol):
    """What an `OutputSet` states of single variations.

    Attributes:
        names: the file name of each variation.
    """

    @property
    def names(self) -> VariationNames: ...

    def labels_for(
        self,
        source: Source,
        file: str,
        labels: Labels | None,
        own: Labels | None,
        size_wh: tuple[int, int],
        drawn: str = "",
    ) -> tuple[tuple[OutputFile, ...], Any]:
        """The label files of one variation; see `OutputSet.labels_for`."""
        ...


class SetAround(Protocol):
    """The set around the variations, as it is written; see `OutputSet`.

    Attributes:
        sources: every image of the set, augmented or held out, sorted by (path, hash).
        class_names: the classes in the set's own order; empty if only the labels name them.
        losses: what the output cannot represent, in words for the user; grows while labels are written.
    """

    @property
    def sources(self) -> Sequence[Source]: ...
    @property
    def class_names(self) -> Sequence[str]: ...
    @property
    def losses(self) -> dict[str, None]: ...

    def original(self, source: Source) -> str | None:
        """The path of an original in the output, None if it is not part of it."""
        ...

    def files_before(self) -> Iterator[StaticFile]:
        """The files that are written before the variations."""
        ...

    def files_after(self, lines: Iterable[Mapping[str, Any]]) -> StreamedFiles:
        """The files that are written after the variations; see `OutputSet.files_after`."""
        ...

    def skip(self, file: StaticFile, error: Exception) -> None:
        """Report a file that could not be copied, and exclude it from the lists of the dataset."""
        ...


class OutputSet:
    """Everything in the finished dataset but the pixels of its variations.

    All of it depends on the gathered dataset, the recipe and the manifest alone, so a resumed run ends with the same
    files.

    Args:
        gathered: the dataset that was read.
        recipe: says which originals are included, and the format that labels are written in.

    Attributes:
        sources: every image of the dataset, augmented or held out, sorted by (path, hash).
        names: the file name of each original and variation.
        converts: whether labels are written in another format than they were read in.
        writer: writes the label files.

    Raises:
        RecipeError: the dataset cannot be converted to the format that the recipe asks for, or its format, of another
            package, places images outside the output.
    """

    def __init__(self, gathered: Gathered, recipe: Recipe) -> None:
        self._layout, self._links = gathered.layout, recipe.originals == "link"
        self._originals = Originals(gathered, recipe)
        self.sources = self._originals.sources
        self.converts = not self._layout.is_in(recipe.to)
        self.writer: LabelWriter = self._layout
        if self.converts:
            from augmentai.dataset.formats.convert import converter

            self.writer = converter(self._layout, recipe.to, self.sources)
        name = recipe.to if self.converts else self._layout.name
        if packages := packages_of("formats", [name]):
            self.writer = GuardedLabelWriter(self.writer, f"the format {name!r} of the package {packages[0]}")
        included = self._originals.included()
        self.names = Names(
            self.sources,
            self.writer.image_path,
            included,
            unique_stems=self.converts,
            label_folders=self._label_folders if self.writer is self._layout else None,
        )

    @property
    def class_names(self) -> Sequence[str]:
        """The classes in the set's own order; empty if only the labels name them."""
        return self._layout.class_names() if self._layout.labelled else ()

    @property
    def losses(self) -> dict[str, None]:
        """What the output cannot represent, in words for the user; grows while labels are written."""
        return self.writer.losses

    def original(self, source: Source) -> str | None:
        """The path of an original in the output, None if it is not part of it."""
        return self.names.original(source) if source in self._originals else None

    def labels_for(
        self,
        source: Source,
        file: str,
        labels: Labels | None,
        own: Labels | None,
        size_wh: tuple[int, int],
        drawn: str = "",
    ) -> tuple[tuple[OutputFile, ...], Any]:
        """The label files of one variation.

        Args:
            source: what it was made from.
            file: its path in the output.
            labels: its labels, None if the dataset has none.
            own: the labels of its source, before anything was moved.
            size_wh: its width and height in pixels.
            drawn: words that were drawn for its prompt, which captions in files of their own say as well.

        Returns:
            (label files as (path, bytes), what the manifest records for files that list all images). The record is None
            if the labels are those of the source.
        """
        files = tuple(self._label_files(source, file, labels, size_wh, drawn))
        as_source = labels is None or (labels is own and not labels.reoriented)
        own_format = without_companions(source), own_labels(source, labels)
        return files, None if as_source else self.writer.record(*own_format, size_wh)

    def files_before(self) -> Iterator[StaticFile]:
        """The files that are written before the variations: originals, their labels, and other files that stay."""
        seen: set[str] = set()
        for source in self._originals.included():
            for file in self._with_labels(source):
                if file.path not in seen:  # a.jpg and a.png may share their labels
                    seen.add(file.path)
                    yield file
        if not self.converts:
            yield from map(_unchanged, [*self._layout.shared_files(), *self._layout.orphans])

    def files_after(self, lines: Iterable[Mapping[str, Any]]) -> StreamedFiles:
        """The files that are written after the variations: those that list the whole dataset.

        Args:
            lines: the lines of the manifest, parsed.

        Yields:
            (path, pieces of bytes).
        """
        written: set[str] = set()
        rows = ImageRows([without_companions(source) for source in self.sources], self.original, lines)
        for named, pieces in self.writer.dataset_files(rows):
            cleared = clear_of_own_files(named)
            path = _unused(cleared, written)
            if path != cleared:
                self.writer.losses.setdefault(f"two inputs contain {named}; the second one is called {path}")
            written.add(path.casefold())
            yield path, pieces

    def _label_folders(self, source: Source) -> set[str]:
        """The folders in which the label files of a source's variations are named after it."""
        return {parent(entry.path) for entry in self._own_label_files(source)}

    def _own_label_files(self, source: Source) -> list[Entry]:
        return [*self._layout.own_label_files(without_companions(source)), *added_entries(source)]

    def _label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int], drawn: str = ""
    ) -> list[OutputFile]:
        """What the format writes of one image, and its masks and captions that the format does not know of."""
        files = self.writer.label_files(without_companions(source), file, own_labels(source, labels), size_wh)
        if not self.converts:
            return [*files, *added_files(source, file, labels, self.writer.losses, drawn)]
        return [*files, *converted_files(source, file, files, self.writer.losses, drawn)]

    def skip(self, file: StaticFile, error: Exception) -> None:
        """Report a file that could not be copied, and exclude it from the lists of the dataset."""
        if file.source is not None:
            self._originals.skip(file.source)
            if isinstance(error, ImageError) and self._originals.is_augmented(file.source):
                return  # reported with its variations
        self.writer.losses.setdefault(f"Skipped {file.path}: {error}")

    def _with_labels(self, source: Source) -> Iterator[StaticFile]:
        """An original and its label files; nothing if its labels cannot be written, since without them it would say
        that it shows no object."""
        path = self.names.original(source)
        files: Iterable[StaticFile]
        if not self.converts and path == source.path:
            files = [_unchanged(entry) for entry in self._own_label_files(source)]
        else:
            try:
                files = self._rewritten_labels(source, path)
            except (LabelError, ImageError, OSError) as error:
                self.skip(StaticFile(path, source.read, source), error)
                return
        link = source.file if self._links else None
        yield StaticFile(path, partial(read_image, source), source, link, source.size_bytes)
        if source in self._originals:
            yield from files

    def _rewritten_labels(self, source: Source, path: str) -> list[StaticFile]:
        size_wh = read_size(source)  # also if nothing is labelled: lists of images state their sizes
        files = self._label_files(source, path, source.labels.load() if source.labels else None, size_wh)
        return [StaticFile(name, partial(bytes, data), size_bytes=len(data)) for name, data in files]


def _unused(path: str, taken: Container[str]) -> str:
    """A path that no other file has: two ZIPs may each contain annotations/instances_train.json."""
    stem, suffix = PurePosixPath(path).with_suffix(""), PurePosixPath(path).suffix
    numbered = (f"{stem}__{number}{suffix}" for number in count(2))
    return next(one for one in chain((path,), numbered) if one.casefold() not in taken)


def _unchanged(entry: Entry) -> StaticFile:
    return StaticFile(clear_of_own_files(entry.path), entry.read, size_bytes=entry.size_bytes)


def read_image(source: Source) -> bytes:
    """The file of a source. Raises ImageError if it is not an image: loaders of the dataset would fail on it."""
    data = source.read()
    read_frame(io.BytesIO(data))
    return data
