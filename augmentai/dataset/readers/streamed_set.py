"""A set of class folders as sources in a table on disk: what `gather` finds, without all of it in memory."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Event

from augmentai import registry
from augmentai.dataset.file_names import has_odd_stem, natural_stem, stem_key
from augmentai.dataset.file_tree import Entry, parent
from augmentai.dataset.formats.base import ImageInfo
from augmentai.dataset.formats.detect import splits_of_finished
from augmentai.dataset.formats.folders import FolderClasses, FolderLayout
from augmentai.dataset.formats.split_lists import SplitLists
from augmentai.dataset.formats.splits import folder_splits, split_notices, split_of, wrapper_folders
from augmentai.dataset.readers.folder_listing import list_folder
from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.readers.image_table import ImageTable
from augmentai.dataset.readers.inputs import sort_inputs
from augmentai.dataset.readers.known_digests import KnownDigests
from augmentai.dataset.readers.layout_finish import held_out_notice, restored_label
from augmentai.dataset.readers.limits import Limits
from augmentai.dataset.readers.read_report import ReadReport
from augmentai.dataset.readers.store_listing import list_store
from augmentai.dataset.readers.stored_member import received_ahead
from augmentai.dataset.readers.streamed_listing import (
    NotStreamedError,
    StreamedListing,
    check_no_masks,
    check_no_names_of_folders,
)
from augmentai.dataset.readers.to_source import UnusableFileError, to_source
from augmentai.storage import Place, StorageError, Store


@dataclass(frozen=True)
class StreamedSet:
    """A set whose sources are in a table.

    Attributes:
        table: all of them; to be closed.
        gathered: everything else that `gather` returns: failures, notices, layout.
        has_splits: images that are in no split are held out if others are in one.
    """

    table: ImageTable
    gathered: Gathered
    has_splits: bool

    @property
    def training(self) -> str:
        """Which sources are augmented, in SQL."""
        return "split = 1" if self.has_splits else "1"

    @property
    def held_out(self) -> str:
        """Which are not."""
        return "split != 1" if self.has_splits else "0"


def stream_set(
    inputs: list[Place], limits: Limits, skip: Path | Store, layout: str, known: KnownDigests
) -> StreamedSet | None:
    """Read a set of class folders as `gather` would, with a few bytes in memory for each image.

    Args:
        inputs: what the user named.
        limits: how much is read.
        skip: a folder that is not searched.
        layout: as the recipe says it.
        known: hashes of images that were read before.

    Returns:
        The set; None if it has to be read as a whole: there is more than one input, an archive, a file that may hold
        labels or splits, an image that may be a mask or is called as a folder, or a format of another package.
    """
    report = ReadReport()
    named = sort_inputs(inputs, report)
    is_one = len(named.folders) + len(named.stores) == 1 and not (named.zips or named.files or report.failures)
    others = [one for one in registry.registered("formats").values() if one.package]
    if not is_one or others or layout not in {"auto", "folders"}:
        return None
    store = named.stores[0][0] if named.stores else None
    if store is not None and not _is_folder(store):
        return None
    with ExitStack() as stack:
        table = ImageTable(store)
        stack.callback(table.close)
        try:
            listing = StreamedListing(report, Event(), table)
            if store is not None:
                list_store(store, "", listing, limits, skip if isinstance(skip, Store) else None)
            else:
                to_skip = skip.resolve() if isinstance(skip, Path) else None
                list_folder(named.folders[0][0], "", listing, limits, to_skip)
            listing.finish()
            check_no_names_of_folders(table)
            check_no_masks(table, requested=layout == "folders")
            found = _read(table, listing, report, limits, known)
        except NotStreamedError:
            return None
        stack.pop_all()
        return found


def _is_folder(store: Store) -> bool:
    """Whether a URL is surely no file; why it cannot be read is reported by whoever reads all of it."""
    try:
        return not store.is_file()
    except StorageError:
        return False


class _Folders:
    """The class and the split of each folder of a set without label files."""

    def __init__(self, table: ImageTable, all_name_splits: bool) -> None:
        self._paths = {folder: f"{folder}/x" if folder else "x" for folder in table.folders}
        splits = folder_splits(self._paths.values())
        if not splits and all_name_splits:
            raise NotStreamedError("the names of the images say their splits")
        classes = FolderClasses(splits, wrapper_folders(self._paths.values(), splits))
        self._classes = {folder: classes.of(path) for folder, path in self._paths.items()}
        self._splits = {folder: split_of(path, splits)[0] for folder, path in self._paths.items()}
        counts = table.database.execute("SELECT folder, count(*) FROM listed GROUP BY folder")
        names = list(table.folders)
        self._counts = {self._paths[names[number]]: count for number, count in counts}
        by_split = Counter[str | None]()
        for folder, split in self._splits.items():
            by_split[split] += self._counts[self._paths[folder]]
        rest, notices = splits_of_finished(by_split)
        self._splits = {folder: split or rest for folder, split in self._splits.items()}
        self.notices = [*notices, *split_notices(self._by_path(), self._counts)]

    def _by_path(self) -> dict[str, str | None]:
        return {self._paths[folder]: split for folder, split in self._splits.items()}

    def of(self, entry: Entry) -> ImageInfo:
        """What the folder of an image says of it."""
        folder = parent(entry.path)
        return ImageInfo(restored_label(entry, self._classes[folder]), self._splits[folder])


def _read(
    table: ImageTable, listing: StreamedListing, report: ReadReport, limits: Limits, known: KnownDigests
) -> StreamedSet:
    folders = _Folders(table, listing.all_name_splits)
    entries = table.entries()
    for entry in received_ahead(entries, limits.file_bytes) if not known else entries:
        try:
            source = to_source(entry, folders.of(entry), limits.file_bytes, known)
        except UnusableFileError as error:
            report.fail(entry.path, str(error))
            continue
        stem = natural_stem(source.path)
        if not table.add_source(source, entry, hashed(stem_key(stem)), has_odd_stem(stem)):
            report.repeated += 1
    table.finish()
    splits = [("", "train", "val", "test")[number] or None for (number,) in table.rows("DISTINCT split", order="1")]
    layout = FolderLayout(SplitLists({}))
    layout.name = "folders"
    notices = (*held_out_notice(splits), *report.notices(), *folders.notices)
    failures = tuple(sorted(report.failures, key=lambda failure: (failure.file, failure.reason)))
    gathered = Gathered((), failures, tuple(dict.fromkeys(notices)), (), layout)
    return StreamedSet(table, gathered, any(splits))


def hashed(name: str) -> int:
    """8 bytes of a name's hash, as SQLite stores a number."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)
