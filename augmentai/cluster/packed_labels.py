"""The labels of single images in the rows of a plan, so that a worker reads no others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from augmentai.annotations import LabelError, LabelReader, Labels
from augmentai.cluster.errors import ClusterError
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.cluster.plan_rows import PlannedImage, bucket_of
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import Layout, OutputFile, PackedLabels
from augmentai.dataset.formats.detect import format_named
from augmentai.dataset.formats.masks.companions import (
    AccompaniedLabels,
    added_files,
    own_labels,
    without_companions,
)
from augmentai.dataset.formats.masks.packed import packed_with_companions, unpacked_with_companions
from augmentai.dataset.readers.stored_member import StoredMember
from augmentai.dataset.writers.output_set import VariationNames
from augmentai.storage import StorageError, StoredFile, is_url, store_fault
from augmentai.types import Source


@dataclass
class LabelPacker:
    """Packs the labels of a set.

    Args:
        layout: of the set.

    Attributes:
        shared: what is the same for many images, each once.
    """

    layout: Layout
    shared: list[Mapping[str, Any]] = field(default_factory=list)

    def is_possible(self, sources: Sequence[Source]) -> bool:
        """Whether all labels of some images can be packed. No label file is read."""
        if format_named(self.layout.name).part is None:
            return False
        for source in sources:
            packed: PackedLabels | None = PackedLabels(())
            try:
                if source.labels is not None:
                    packed = packed_with_companions(self.layout, source.labels)
            except LabelError:  # too many for one image
                return False
            if packed is None or not all(_place_of(entry) for entry in packed.files):
                return False
        return True

    def pack(self, source: Source) -> str | None:
        """What a row says of the labels of an image; None if it has none.

        Raises:
            ClusterError: a label file cannot be read.
        """
        packed = packed_with_companions(self.layout, source.labels) if source.labels is not None else None
        if packed is None:
            return None
        if packed.shared not in self.shared:
            self.shared.append(packed.shared)
        files = [[entry.path, sha256_of_labels(entry), _place_of(entry), entry.size_bytes] for entry in packed.files]
        own = {} if packed.own is None else {"own": packed.own}
        return json.dumps({"shared": self.shared.index(packed.shared), "files": files, **own})


@dataclass(frozen=True)
class LabelUnpacker:
    """Makes the label readers of a shard, and writes the labels of its variations; a `VariationFiles`.

    Args:
        name: the format of the set.
        shared: see `LabelPacker`.
        names: of the variations; None if labels are read alone.
    """

    name: str
    shared: Sequence[Mapping[str, Any]]
    names: VariationNames
    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        part = format_named(self.name).part
        if part is None:
            raise ClusterError(f"the format {self.name!r} of this worker reads no labels of single images")
        object.__setattr__(self, "layout", part())
        self.layout.name = self.name

    def source(self, row: PlannedImage) -> Source:
        """An image with its labels.

        Args:
            row: of the plan.

        Raises:
            ClusterError: a label file was changed since the plan was made.
            StorageError: a store does not answer.
        """
        reader = self.reader(row)
        if isinstance(reader, AccompaniedLabels) and reader.masks.masks:
            self.layout.masks[row.path, ""] = reader.masks.masks
        return replace(row.to_source(), labels=reader)

    def reader(self, row: PlannedImage) -> LabelReader | None:
        """Reads the labels of an image; None if it has none. See `source`."""
        if row.labels is None:
            return None
        content = json.loads(row.labels)
        files = []
        for path, sha256, place, size_bytes in content["files"]:
            entry = _entry(path, place, size_bytes)
            if sha256_of_labels(entry) != sha256:
                what = f"label files changed: {path} is not what it was"
                raise ClusterError(f"the set is not the one that was planned ({what}); plan again in a new folder")
            files.append(entry)
        image = _entry(row.path, row.file, row.size_bytes)
        labels = PackedLabels(tuple(files), self.shared[content["shared"]], content.get("own"))
        return unpacked_with_companions(self.layout, image, labels)

    def labels_for(
        self,
        source: Source,
        file: str,
        labels: Labels | None,
        own: Labels | None,
        size_wh: tuple[int, int],
        drawn: str = "",
    ) -> tuple[tuple[OutputFile, ...], Any]:
        """See `OutputSet.labels_for`."""
        bare, bare_labels = without_companions(source), own_labels(source, labels)
        files = self.layout.label_files(bare, file, bare_labels, size_wh)
        added = added_files(source, file, labels, self.layout.losses, drawn)
        as_source = labels is None or (labels is own and not labels.reoriented)
        return (*files, *added), None if as_source else self.layout.record(bare, bare_labels, size_wh)


def unpacker_of(folder: PlanFolder, names: VariationNames) -> LabelUnpacker | None:
    """What reads the labels in the rows of a plan; None if there are none.

    Args:
        folder: the plan.
        names: of the variations.
    """
    labels = folder.facts["labels"]
    return None if labels is None else LabelUnpacker(labels["format"], labels["shared"], names)


def sha256_of_labels(entry: Entry) -> str:
    """The SHA-256 of a label file; "" if it cannot be read, which is reported with its image.

    Raises:
        StorageError: a store does not answer.
    """
    try:
        return hashlib.sha256(entry.read()).hexdigest()
    except LabelError as error:
        if fault := store_fault(error):
            raise StorageError(fault) from error
        return ""


def _place_of(entry: Entry) -> str:
    """The path or URL of a file; "" if it is in an archive."""
    return entry.member.url if isinstance(entry.member, StoredMember) else str(entry.file or "")


def _entry(path: str, place: str, size_bytes: int) -> Entry:
    if is_url(place):
        store, inside = bucket_of(place)
        return Entry(path, "", member=StoredMember(store, StoredFile(inside, size_bytes)))
    return Entry(path, "", Path(place))
