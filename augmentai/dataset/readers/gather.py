"""Turns files, folders and ZIPs into sources: reads every byte once to hash it, decodes and extracts nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Event

from augmentai.dataset.archive import over_limit
from augmentai.dataset.bounds import use_image_bounds
from augmentai.dataset.content import call_read, read_head
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import ImageInfo, Layout
from augmentai.dataset.formats.detect import detect_layout
from augmentai.dataset.formats.folders import FolderLayout
from augmentai.dataset.readers.archive_listing import list_archive
from augmentai.dataset.readers.file_kinds import is_archive, kind_of
from augmentai.dataset.readers.folder_listing import list_folder
from augmentai.dataset.readers.inputs import Inputs, sort_inputs
from augmentai.dataset.readers.known_digests import KnownDigests
from augmentai.dataset.readers.label_budget import drop_large_labels
from augmentai.dataset.readers.layout_finish import finish_layout, held_out_notice
from augmentai.dataset.readers.limits import Limits
from augmentai.dataset.readers.listing import Listing
from augmentai.dataset.readers.parquet_images import list_tables
from augmentai.dataset.readers.read_report import ReadReport
from augmentai.dataset.readers.store_listing import list_store
from augmentai.dataset.readers.stored_member import receive_labels, received_ahead
from augmentai.dataset.readers.to_source import UnusableFileError, to_source
from augmentai.dataset.readers.unread_labels import UnreadLabels, find_unread_labels
from augmentai.dataset.sorted_sources import sort_key
from augmentai.storage import Store
from augmentai.system.regular_files import open_regular
from augmentai.types import Failure, Source

__all__ = ["Gathered", "Limits", "gather"]


@dataclass(frozen=True)
class Gathered:
    """A dataset that was read.

    Attributes:
        sources: the images to augment, sorted by (path, hash); of a dataset with splits, those for training.
        failures: files that were named, or found as images, and cannot be used.
        notices: for the user.
        holdout: the images of other splits, which are never augmented; sorted.
        layout: how the dataset is laid out, and how it is written again.
        labels_sha256: hash of all its label files, "" if it has none.
        unread_labels: label files that nothing reads; the notices begin with what they are.
        made_split: the split of its images was made by this program, not read.
    """

    sources: tuple[Source, ...]
    failures: tuple[Failure, ...]
    notices: tuple[str, ...]
    holdout: tuple[Source, ...] = ()
    layout: Layout = field(default_factory=FolderLayout, repr=False, compare=False)
    labels_sha256: str = ""
    unread_labels: UnreadLabels = field(default_factory=UnreadLabels)
    made_split: bool = False


def gather(
    inputs: Iterable[str | os.PathLike[str] | Source | Store],
    limits: Limits,
    skip: Path | Store | None = None,
    stop: Event | None = None,
    layout: str = "auto",
    hashes: bool = True,
    known: KnownDigests | None = None,
) -> Gathered:
    """Read a dataset. Nothing is raised for bad files: they are failures of the result.

    All inputs are one dataset, so images and labels may come in separate ZIPs; their order changes nothing. Every file
    that is named is a source, a label file or a failure; label files that nothing reads are named in the first notices,
    and files inside folders and ZIPs that are neither images nor labels are counted in another.

    Args:
        inputs: image files, label files beside them, folders (searched with their subfolders), ZIPs, ready-made
            sources, and a `Store` for what is at a URL. Of several folders each keeps its own name as the first part
            of the path, so that `cats dogs` gives the classes that `.` would.
        limits: how much is read.
        skip: a folder that is not searched, such as the one the output goes to.
        stop: once it is set, nothing more is read.
        layout: how the dataset is laid out: "auto", "folders", or the name of a dataset format.
        hashes: whether the bytes of images are read; if not, hashes are made up, and equal files are not noticed.
        known: hashes of images that were read before; these are not read again.

    Returns:
        The dataset.

    Example:
        >>> photo = Source.from_bytes("cats/a.jpg", b"pixels", "cats")
        >>> gathered = gather([photo, "does not exist"], Limits(file_bytes=1_000_000, zip_bytes=1_000_000))
        >>> [(source.path, source.label) for source in gathered.sources]
        [('cats/a.jpg', 'cats')]
        >>> gathered.failures
        (Failure(file='does not exist', reason='no such file or folder'),)
    """
    report, stop, items = ReadReport(), stop or Event(), list(inputs)
    use_image_bounds(limits.objects, limits.points)
    named = sort_inputs(items, report)
    tree = _list_files(named, Listing(report, stop, reads_tables=limits.files is None), limits, skip)
    _drop_names_of_folders(tree, report)
    report.failures += drop_large_labels(tree, limits.label_bytes)
    if named.stores and not stop.is_set():
        sidecars = chain.from_iterable(tree.sidecars[path] for path in sorted(tree.sidecars))
        receive_labels(sidecars, limits.zip_bytes if limits.label_bytes is None else limits.label_bytes)
    detected = detect_layout(tree, layout)
    finish_layout(tree, detected, {(path.name, "") for path in named.files})
    unread = report_unread(tree, detected, report)
    reader = _SourceReader(limits, report, stop, hashes, known)
    reader.read_tree(tree, detected)
    labels_sha256 = tree.sha256_of_labels(detected.label_paths, detected.excluded)
    encodings = tree.encoding_notices()
    del tree  # a large dataset need not be in memory twice
    detected.images.clear()
    detected.excluded.clear()
    for source in named.sources:
        reader.add_ready(source)
    empty = [] if items else ["No input: name at least one image, folder or ZIP"]
    sources, holdout = reader.split()
    refused = held_out_notice(source.split for source in (*sources, *holdout))
    found = (*empty, *refused, *unread.notices(), *report.notices(), *encodings, *detected.notices)
    notices = tuple(dict.fromkeys(found))
    failures = tuple(sorted(report.failures, key=lambda failure: (failure.file, failure.reason)))
    return Gathered(sources, failures, notices, holdout, detected, labels_sha256, unread)


def report_unread(tree: Tree, layout: Layout, report: ReadReport) -> UnreadLabels:
    """Find the label files that nothing reads, and report the files that turned out to be none, such as notes.

    Args:
        tree: all files of a set.
        layout: as it was detected.
        report: receives the files that are neither images nor labels.
    """
    unread, others = find_unread_labels(tree, layout)
    for path in others:
        for entry in tree.sidecars[path]:
            report.other_files.add(entry.path)
    return unread


def _list_files(named: Inputs, listing: Listing, limits: Limits, skip: Path | Store | None) -> Tree:
    """Folders come first: a file that is also named separately keeps the path, and so the class, it has there."""
    folder_to_skip = skip.resolve() if isinstance(skip, Path) else None
    for folder, prefix in named.folders:
        list_folder(folder, prefix, listing, limits, folder_to_skip)
    for store, prefix in named.stores:
        list_store(store, prefix, listing, limits, skip if isinstance(skip, Store) else None)
    for path in named.zips:
        if not listing.is_repeated(path):
            list_archive(path, listing, limits)
    for path in named.files:
        if listing.add_table(path.name, partial(open_regular, path), file=path):
            continue
        if (listing.tree.images or len(named.files) > 1) and _is_label_file(path):
            listing.add_label_file(path.name, file=path)
        else:
            listing.add_file(path, path.name)
    list_tables(listing.tables, listing, limits)
    listing.finish()
    return listing.tree


def _drop_names_of_folders(tree: Tree, report: ReadReport) -> None:
    """In stores and archives a.jpg can be beside a.jpg/b.jpg; on disk, where the result may be, it cannot."""
    folders = tree.folders()
    for entry in [entry for entry in tree.images if entry.path in folders]:
        report.fail(entry.path, "a folder has the same name, which no disk allows; rename one of them")
    tree.images[:] = [entry for entry in tree.images if entry.path not in folders]


def _is_label_file(path: Path) -> bool:
    """Whether a file that was named is one of labels, such as annotations.json beside a folder of images."""
    return not is_archive(path) and kind_of(path.name, partial(read_head, path))[0] == "label"


class _SourceReader:
    """Hashes images one after another, and remembers each (path, hash) once."""

    def __init__(
        self, limits: Limits, report: ReadReport, stop: Event, hashes: bool, known: KnownDigests | None
    ) -> None:
        self.limits, self.report, self.stop, self._hashes, self._digests = limits, report, stop, hashes, known
        self._sources: dict[tuple[str, str], Source] = {}
        self._ready: set[tuple[str, str]] = set()  # beside a set with splits, they are for training

    def read_tree(self, tree: Tree, layout: Layout) -> None:
        """Read every image of the layout."""
        self.report.failures += layout.failures
        wanted = (entry for entry in tree.images if entry.key not in layout.excluded)
        for entry in received_ahead(wanted, self.limits.file_bytes) if self._hashes and not self._digests else wanted:
            if self.stop.is_set():
                return
            if self._has_room(entry.path):
                self._read(entry, layout.images.get(entry.key, ImageInfo()))

    def _read(self, entry: Entry, info: ImageInfo) -> None:
        try:
            if self._hashes:
                self._add(to_source(entry, info, self.limits.file_bytes, self._digests))
            else:
                made_up = f"{entry.path}\0{entry.origin}"
                self._add(Source(entry.path, info.label, made_up, 0, bytes, info.split, info.labels))
        except UnusableFileError as error:
            self.report.fail(entry.path, str(error))

    def add_ready(self, source: Source) -> None:
        """Add a source that the caller made."""
        safe = self.report.checked_path(source.path)
        if safe is None or not self._has_room(safe):
            return
        if source.size_bytes > self.limits.file_bytes:
            self.report.fail(safe, over_limit(source.size_bytes, self.limits.file_bytes))
            return
        ready = replace(source, path=safe, read=partial(call_read, source.read))
        self._ready.add(ready.key)
        self._add(ready)

    def _has_room(self, name: str) -> bool:
        if self.stop.is_set():
            return False
        if self.limits.files is None or len(self._sources) < self.limits.files:
            return True
        limit = f"{self.limits.files:,} images per job (AUGMENTAI_MAX_FILES)"
        self.report.fail(name, f"over the limit of {limit}; split them into several jobs")
        return False

    def _add(self, source: Source) -> None:
        if sort_key(source) in self._sources:
            self.report.repeated += 1
        else:
            self._sources[sort_key(source)] = source

    def split(self) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
        """The sources to augment and those of other splits, each sorted by (path, hash)."""
        ordered = [self._sources[key] for key in sorted(self._sources)]
        if not any(source.split for source in ordered):
            return tuple(ordered), ()
        ordered = [replace(one, split="train") if one.key in self._ready and not one.split else one for one in ordered]
        training = tuple(source for source in ordered if source.split == "train")
        return training, tuple(source for source in ordered if source.split != "train")
