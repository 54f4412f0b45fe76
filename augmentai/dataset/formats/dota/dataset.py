"""A DOTA set: the label file of each image, and all of it written again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import ImageInfo, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.dota.annotation import DotaLabels, looks_like_dota, shape_to_dota
from augmentai.dataset.formats.split_lists import SplitLists, read_split_lists
from augmentai.dataset.formats.yolo.label_index import LabelIndex, label_path
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_FOLDERS = ("labelTxt", "labelTxt-v1.0", "labelTxt-v1.5", "labelTxt-v2.0", "annfiles", "labels", "annotations")
_FILES_SAMPLED = 20


class DotaLayout(Layout):
    """A DOTA set. lists: the lists of images that it has, such as trainset.txt."""

    def __init__(self, lists: SplitLists, texts: Sequence[Entry]) -> None:
        super().__init__()
        self._lists = lists
        self.label_paths |= {entry.path for entry in (*texts, *lists.entries)}
        self.notices += lists.notices

    def own_label_files(self, source: Source) -> list[Entry]:
        reader = source.labels
        return [reader.text] if isinstance(reader, DotaLabels) and reader.text is not None else []

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        reader = source.labels
        if labels is None or not isinstance(reader, DotaLabels) or reader.text is None:
            return []
        lines = [*labels.extra.get("dota", ()), *(shape_to_dota(shape, size_wh) for shape in labels.shapes)]
        return [(label_path(reader.text, source.path, file), "".join(line + "\n" for line in lines if line).encode())]

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        yield from self._lists.written(rows)


def read_dota(tree: Tree, requested: bool) -> DotaLayout | None:
    """The set as DOTA's, or None if it does not look like one."""
    index = LabelIndex(tree, _FOLDERS)
    texts = {entry.key: index.find(entry) for entry in tree.images}
    files = [entry for entry in texts.values() if entry is not None]
    if not files or not (requested or _are_labels(files)):
        return None
    lists = read_split_lists(tree, {entry.path for entry in files})
    layout = DotaLayout(lists, files)
    for entry in tree.images:
        layout.images[entry.key] = ImageInfo(None, lists.of(entry.path), DotaLabels(entry, texts[entry.key]))
    return layout


def _are_labels(files: Sequence[Entry]) -> bool:
    """Whether most of a sample of text files that hold anything are DOTA's."""
    verdicts = []
    for entry in files[:: max(1, len(files) // _FILES_SAMPLED)]:
        try:
            text = entry.text()
        except LabelError:
            continue
        if text.strip():
            verdicts.append(looks_like_dota(text))
    return sum(verdicts) * 2 > len(verdicts)
