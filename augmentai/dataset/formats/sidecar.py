"""Formats with one text file per image, beside the image and with the same stem: two functions define such a format.

def parse(text, size_wh):
    rows = (line.split() for line in text.splitlines())
    return Labels(tuple(Shape(row[0], tuple(map(float, row[1:5]))) for row in rows))

def render(labels, size_wh):
    return "".join(f"{one.category} {' '.join(map(str, one.box))}\\n" for one in labels.shapes)

CORNERS = sidecar_format("corners", "Corners", suffix=".corners", parse=parse, render=render)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import Format, ImageInfo, Layout, OutputFile
from augmentai.dataset.formats.format_writer import FormatWriter
from augmentai.dataset.formats.guarded_load import guarded
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.types import Source

Parse = Callable[[str, tuple[int, int]], Labels]
Render = Callable[[Labels, tuple[int, int]], str]

_FILES_SAMPLED = 20  # label files that are parsed to see whether the set is in the format


def sidecar_format(name: str, title: str, suffix: str, parse: Parse, render: Render, priority: int = 0) -> Format:
    """A format with one text file per image. It is read, written again, and can be converted to.

    Args:
        name: what recipes, flags and manifests call it; the name it is registered under.
        title: its name for people.
        suffix: how label files end (".corners"); `cats/a.jpg` has its labels in `cats/a.corners`.
        parse: the labels in the text of a file, given width and height of the upright image in pixels. A ValueError
            becomes a failure of that image, with the file's name in front of the message.
        render: the text of a file from labels. The labels are in pixels of an image of the given width and height; if a
            set has masks alone, the outline of each area is a shape.
        priority: see `Format`.

    Returns:
        The format. An image without a label file has no objects.
    """
    text = _TextLabels(title, suffix, parse, render)

    def detect(tree: Tree, requested: bool) -> Layout | None:
        return _read(tree, requested, text)

    def writer(layout: Layout, sources: Sequence[Source]) -> _SidecarWriter:
        return _SidecarWriter(layout, sources, text)

    return Format(name, title, f"a {suffix} file per image, beside it", detect, writer, (suffix,), priority)


@dataclass(frozen=True)
class _TextLabels:
    """The text of label files to labels and back, by another package's functions."""

    title: str
    suffix: str
    parse: Parse
    render: Render

    def read(self, text: str, file: str, size_wh: tuple[int, int]) -> Labels:
        try:
            return self.parse(text, size_wh)
        except LabelError:
            raise
        except Exception as error:  # the function of another package may fail in any way
            raise LabelError(f"{file}: {_reason(error)}") from error

    def file(self, image: str, labels: Labels, size_wh: tuple[int, int]) -> OutputFile:
        """The label file of an image."""
        path = str(PurePosixPath(image).with_suffix(self.suffix))
        try:
            return path, self.render(labels, size_wh).encode()
        except Exception as error:
            raise LabelError(f"{path} cannot be written as {self.title}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


@dataclass(frozen=True, slots=True)
class SidecarLabels:
    """Reads the labels of one image. file: its label file, None if it has none."""

    image: Entry
    file: Entry | None
    text: _TextLabels

    @guarded
    def load(self) -> Labels:
        if self.file is None:
            return Labels()
        return self.text.read(self.file.text(), self.file.path, image_frame(self.image).size_wh)


class _SidecarLayout(Layout):
    def __init__(self, text: _TextLabels) -> None:
        super().__init__()
        self._text = text

    def own_label_files(self, source: Source) -> list[Entry]:
        reader = source.labels
        return [reader.file] if isinstance(reader, SidecarLabels) and reader.file is not None else []

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None or not self.own_label_files(source):
            return []
        return [self._text.file(file, labels, size_wh)]


class _SidecarWriter(FormatWriter):
    """Writes SPLIT/... with a label file beside each image."""

    def __init__(self, layout: Layout, sources: Sequence[Source], text: _TextLabels) -> None:
        super().__init__(layout, sources)
        self._text = text

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        shapes = self.objects(source, labels)
        path, data = self._text.file(file, Labels(tuple(shapes)), size_wh)
        self._report_losses(shapes, self._text.read(data.decode(), path, size_wh).shapes)
        return [(path, data)]

    def _report_losses(self, shapes: Sequence[Shape], written: Sequence[Shape]) -> None:
        """What is missing when the file is read again was not written."""
        title = self._text.title
        if len(written) < len(shapes):
            self.lose(f"some objects were left out: {title} cannot hold them")
        if any(one.has_outline for one in shapes) and not any(one.has_outline for one in written):
            self.lose(f"polygons and bitmaps were left out: {title} does not hold them")
        if any(one.keypoints for one in shapes) and not any(one.keypoints for one in written):
            self.lose(f"keypoints were left out: {title} does not hold them")


def _read(tree: Tree, requested: bool, text: _TextLabels) -> Layout | None:
    readers = {
        entry.key: SidecarLabels(entry, tree.sidecar(entry.stem + text.suffix, entry.origin), text)
        for entry in tree.images
    }
    with_file = [reader for reader in readers.values() if reader.file is not None]
    if not with_file or not (requested or any(map(_can_be_parsed, with_file[:_FILES_SAMPLED]))):
        return None
    layout = _SidecarLayout(text)
    splits = folder_splits(entry.path for entry in tree.images)
    for entry in tree.images:
        layout.images[entry.key] = ImageInfo(None, split_of(entry.path, splits)[0], readers[entry.key])
    layout.label_paths = {reader.file.path for reader in with_file if reader.file is not None}
    return layout


def _can_be_parsed(reader: SidecarLabels) -> bool:
    try:
        reader.load()
    except LabelError:
        return False
    return True
