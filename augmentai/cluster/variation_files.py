"""The files of a shard's variations, as far as the plan says what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import OutputFile
from augmentai.images import extension_for
from augmentai.types import Source, SourceKey


class PlannedNames:
    """The file names of a shard's variations, as the plan has them.

    Args:
        stems: what they begin with, by source.
    """

    def __init__(self, stems: Mapping[SourceKey, str]) -> None:
        self._stems = stems

    def variation(self, source: Source, index: int, file_format: str) -> str:
        """See `Names.variation`."""
        return f"{self._stems[source.key]}__v{index}{extension_for(file_format, PurePosixPath(source.path).suffix)}"


@dataclass(frozen=True)
class WithoutLabels:
    """The `VariationFiles` of images in class folders."""

    names: PlannedNames

    def labels_for(
        self,
        source: Source,
        file: str,
        labels: Labels | None,
        own: Labels | None,
        size_wh: tuple[int, int],
        drawn: str = "",
    ) -> tuple[tuple[OutputFile, ...], Any]:
        """No label files, and nothing for lists of all images."""
        return (), None
