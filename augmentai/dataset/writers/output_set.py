"""The finished set: where each picture goes, which originals are in it, and the label files around them."""

from __future__ import annotations

import io
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.checkpoint import find
from augmentai.dataset.file_names import Names, beside_own
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import LabelWriter, OutputFile, StreamedFiles
from augmentai.dataset.image_rows import Rows
from augmentai.images.orientation import read_frame, read_size
from augmentai.images.photo import ImageError
from augmentai.recipe import Recipe
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.readers.gather import Gathered


@dataclass(frozen=True)
class Copied:
    """A file of the finished set that hangs on no variation.

    read: gives its bytes, and raises OSError, LabelError or ImageError. source: the picture that it is, None where it
    is a label file. link: the file on this machine that it is to be linked to, where that was asked for. size_bytes:
    None where it cannot be told.
    """

    path: str
    read: Callable[[], bytes] = field(repr=False)
    source: Source | None = None
    link: Path | None = None
    size_bytes: int | None = None


class Output:
    """What a run writes besides its variations.

    Everything hangs on the gathered set, the recipe and the manifest alone, so a resumed run ends with the same files.
    Raises RecipeError where the set cannot be converted as asked.
    """

    def __init__(self, gathered: Gathered, recipe: Recipe) -> None:
        self._layout, self._link = gathered.layout, recipe.originals == "link"
        self._varied = gathered.sources
        self.sources = tuple(sorted((*gathered.sources, *gathered.holdout), key=_key))
        self.converts = recipe.to not in {"same", self._layout.name}
        self.writer: LabelWriter = self._layout
        if self.converts:
            from augmentai.dataset.formats.convert import converter

            self.writer = converter(self._layout, recipe.to, self.sources)
        is_set = self._layout.labelled or any(source.label or source.split for source in self.sources)
        keeps_originals = is_set if recipe.originals == "auto" else recipe.originals != "none"
        kept = (*(gathered.sources if keeps_originals else ()), *(gathered.holdout if recipe.splits == "copy" else ()))
        self._keeps = {"varied": keeps_originals, "holdout": recipe.splits == "copy"}
        self._left_out: set[tuple[str, str]] = set()
        self.names = Names(self.sources, self.writer.image_path, kept, own_stems=self.converts)

    @property
    def losses(self) -> Mapping[str, None]:
        """What the layout of the result cannot hold, in words; grows while labels are written."""
        return self.writer.losses

    def labels_for(
        self, source: Source, file: str, labels: Labels | None, own: Labels | None, size_wh: tuple[int, int]
    ) -> tuple[tuple[OutputFile, ...], Any]:
        """(label files, record for the manifest) of a variation called `file`. own: its source's labels, not moved."""
        files = tuple(self.writer.label_files(source, file, labels, size_wh))
        as_source = labels is None or (labels is own and not labels.extra.get("turned"))
        return files, None if as_source else self.writer.record(source, labels, size_wh)

    def opening(self) -> Iterator[Copied]:
        """Originals with their labels, and what else of the set stays."""
        done: set[str] = set()
        for source in self.sources:
            if self._is_kept(source):
                for copied in self._with_labels(source):
                    if copied.path not in done:  # a.jpg and a.png may share their labels
                        done.add(copied.path)
                        yield copied
        if not self.converts:
            for entry in self._layout.shared_files():
                yield _as_it_is(entry)

    def leave_out(self, copied: Copied, error: Exception) -> None:
        """A file that could not be copied after all: it is told, and no list of the set names it."""
        if copied.source is not None:
            self._left_out.add(_key(copied.source))
            if isinstance(error, ImageError) and self._is_varied(copied.source):
                return  # told where its variations are
        self.writer.losses.setdefault(f"{copied.path} was left out: {error}")

    def found(self, files: Container[str]) -> None:
        """All originals that the result holds, where it was written before: no list of the set names another."""
        for source in self.sources:
            path = self.original(source)
            if path is not None and path not in files:
                self._left_out.add(_key(source))

    def closing(self, lines: Iterable[Mapping[str, Any]]) -> StreamedFiles:
        """Files that tell of the whole set, as (path, pieces of bytes). lines: the manifest's, read as JSON."""
        for path, pieces in self.writer.dataset_files(Rows(self.sources, self.original, lines)):
            yield beside_own(path), pieces

    def original(self, source: Source) -> str | None:
        """Where the picture of a source lies in the result, None where it is left out."""
        return self.names.original(source) if self._is_kept(source) else None

    def _is_varied(self, source: Source) -> bool:
        return find(self._varied, source.path, source.sha256) is not None

    def _is_kept(self, source: Source) -> bool:
        kind = "varied" if self._is_varied(source) else "holdout"
        return self._keeps[kind] and _key(source) not in self._left_out

    def _with_labels(self, source: Source) -> Iterator[Copied]:
        path = self.names.original(source)
        files: Iterable[Copied]
        if not self.converts and path == source.path:
            files = [_as_it_is(entry) for entry in self._layout.own_label_files(source)]
        else:
            try:
                files = self._written(source, path)
            except (LabelError, ImageError, OSError) as error:
                # Without its labels it would say that there is nothing on it.
                self.leave_out(Copied(path, source.read, source), error)
                return
        link = source.file if self._link else None
        yield Copied(path, partial(_checked, source), source, link, source.size_bytes)
        if self._is_kept(source):
            yield from files

    def _written(self, source: Source, path: str) -> list[Copied]:
        size_wh = read_size(source)  # also where nothing is labelled: lists of pictures tell their size
        files = self.writer.label_files(source, path, source.labels.load() if source.labels else None, size_wh)
        return [Copied(name, lambda data=data: data, size_bytes=len(data)) for name, data in files]  # type: ignore[misc]


def _as_it_is(entry: Entry) -> Copied:
    return Copied(beside_own(entry.path), entry.read, size_bytes=entry.size_bytes)


def _checked(source: Source) -> bytes:
    """The file of a source. Raises ImageError where it is no picture: whoever loads the set would stumble over it."""
    data = source.read()
    read_frame(io.BytesIO(data))
    return data


def _key(source: Source) -> tuple[str, str]:
    return source.path, source.sha256
