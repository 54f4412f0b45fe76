"""Uploads: inspected before anything is made of them, and linked into a job's folder under the visitor's paths."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from threading import Event
from typing import IO, Any

from augmentai.dataset.archive import ArchiveError, check_member, format_size, over_limit
from augmentai.dataset.bounds import use_image_bounds
from augmentai.dataset.content import read_head
from augmentai.dataset.file_names import printable
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import ImageInfo, ImageKey
from augmentai.dataset.formats.detect import detect_layout, format_named
from augmentai.dataset.readers.archive_listing import list_archive
from augmentai.dataset.readers.file_kinds import ARCHIVE_SUFFIXES, kind_of
from augmentai.dataset.readers.gather import report_unread
from augmentai.dataset.readers.label_budget import drop_large_labels
from augmentai.dataset.readers.layout_finish import finish_layout, held_out_notice
from augmentai.dataset.readers.listing import Listing, is_ignored_file, is_ignored_folder
from augmentai.dataset.readers.read_report import ReadReport
from augmentai.images.photo import ImageError
from augmentai.images.preview import inspect_header
from augmentai.lift.labelled_set import is_dense
from augmentai.operations.auto_geometry import DatasetTraits, dataset_traits
from augmentai.pipeline.job import limits
from augmentai.plurals import counted
from augmentai.settings import Settings
from augmentai.system.regular_files import open_regular
from augmentai.web.forecast import ClassGroup, class_groups
from augmentai.web.jobs.thumbnails import thumbnails
from augmentai.web.jobs.upload_check import check_images, count_notices, most_seconds
from augmentai.web.jobs.upload_places import Upload, is_archive_upload, safe_uploads, without_runs

INPUT_FOLDERS = ("in", "zips")  # of a job: what was uploaded
_REFUSED_SHOWN = 50
_CLASSES_SENT = 1000  # more than anybody reads
_MEMBERS_CHECKED = 300  # only so many images of an archive are opened before the job; all are counted
_ALONE = "not an image, and there is none that it could be the labels of; add the images"
_OUTSIDE = "its path points outside the folder; skipped"


@dataclass
class UploadSummary:
    """What was found in uploads, by their names and headers.

    Attributes:
        images: how many may be augmented.
        holdout: how many are for validation and test.
        layout: dataset format, empty without labels.
        categories: class names of its labels.
        classes: images per class folder that may be augmented.
        all_classes: the same of all images, those for validation and test included.
        check: what was found in images and labels, see `check_images`.
        class_groups: see `forecast`.
        by_cells: most of them have boxes or masks, so that a measurement is of their cells.
        traits: what automatic geometry depends on.
        notices: label files that are not understood, and what else a job would say of labels and splits first.
        measured: how many images had their header read.
        pixels: total of the `measured` images.
        refused: files that cannot be used, with the reason.
        thumbnails: {name, src} of a few images.
    """

    images: int = 0
    holdout: int = 0
    size_bytes: int = 0
    pixels: int = 0
    measured: int = 0
    layout: str = ""
    categories: list[str] = field(default_factory=list)
    classes: Counter[str] = field(default_factory=Counter)
    all_classes: Counter[str] = field(default_factory=Counter)
    check: dict[str, Any] = field(default_factory=dict)
    class_groups: list[ClassGroup] = field(default_factory=list)
    by_cells: bool = False
    traits: DatasetTraits = field(default_factory=DatasetTraits)
    notices: list[str] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    thumbnails: list[dict[str, str]] = field(default_factory=list)

    def as_props(self) -> dict[str, Any]:
        """JSON for the drop zone; of very many classes the first ones, and how many there are."""
        classes, examined = self._named_classes(), self.check.get("classes", [])
        objects = sum(one.get("objects") or 0 for one in examined)
        return {
            "images": self.images,
            "holdout": self.holdout,
            "size": format_size(self.size_bytes),
            "layout": format_named(self.layout).title if self.layout else "",
            "classes": classes[:_CLASSES_SENT],
            "classesTotal": len(classes),
            "check": self.check and {**self.check, "classes": examined[:_CLASSES_SENT], "objects": objects},
            "notices": self.notices,
            "refused": self.refused[:_REFUSED_SHOWN],
            "refusedTotal": len(self.refused),
            "thumbnails": self.thumbnails,
        }

    def _named_classes(self) -> list[dict[str, Any]]:
        """Each class with the images that are augmented and all that there are, as far as these are known."""
        if self.all_classes:
            each = sorted(self.all_classes.items())
            return [{"name": name, "count": self.classes[name], "total": total} for name, total in each]
        images = self.check.get("images", {})
        if images.get("examined") == images.get("count"):
            classes = self.check.get("classes", ())
            return [{"name": c["name"], "count": c["augmented_images"], "total": c["images"]} for c in classes]
        return [{"name": name} for name in self.categories]

    def as_state(self) -> dict[str, Any]:
        """The few figures from which the page estimates cost, time and geometry."""
        return {
            "images": self.images,
            "holdout": self.holdout,
            "pixels": self.pixels // max(1, self.measured),
            "class_groups": self.class_groups,
            "by_cells": self.by_cells,
            "traits": asdict(self.traits),
            "class_names": self.check.get("class_names", []),
        }

    def refuse(self, file: str, reason: object) -> None:
        """Note a file that cannot be used."""
        self.refused.append({"file": printable(file), "reason": str(reason)})


def inspect_uploads(
    uploads: Sequence[Upload], settings: Settings, layout: str = "auto", similarity: bool = False
) -> UploadSummary:
    """Inspect uploads by headers and contents lists; some images are decoded for thumbnails and `check_images`.

    Args:
        uploads: files and ZIPs.
        settings: limits on size and number.
        layout: dataset format that the visitor chose, one of `recipe.LAYOUTS`.
        similarity: see `check_images`.

    Returns:
        The summary. Unusable files never raise: they are in its `refused`.
    """
    summary = UploadSummary()
    inspection = _Inspection(settings, summary)
    inspection.add_all(uploads)
    inspection.detect_dataset(layout, similarity)
    return summary


class _Inspection:
    """Fills an `UploadSummary`."""

    def __init__(self, settings: Settings, summary: UploadSummary) -> None:
        self._settings, self._summary = settings, summary
        self._report = ReadReport()
        self._listing = Listing(self._report, Event())
        self._tree = self._listing.tree
        self._in_folders: list[tuple[str, Path]] = []  # archives
        self._unused: list[str] = []  # files that are neither images nor labels
        self._measured_until = time.monotonic() + most_seconds(settings)
        self._refused: set[ImageKey] = set()  # in the tree all the same: one may be the mask of an image

    def add_all(self, uploads: Sequence[Upload]) -> None:
        """Inspect uploads; those with unsafe paths are refused."""
        safe, unsafe = safe_uploads(uploads)
        for relative in unsafe:
            self._summary.refuse(relative, _OUTSIDE)
        for place, path in without_runs(safe, self._report):
            self._add(place, Path(path))

    def _add(self, place: str, path: Path) -> None:
        *folders, name = place.split("/")
        tool = next((one for one in folders if is_ignored_folder(one)), name if is_ignored_file(name) else "")
        if tool:
            self._listing.skip(tool, place.partition(tool)[0])
        elif is_archive_upload(place):
            self._add_archive(place, path)
        elif place.lower().endswith(ARCHIVE_SUFFIXES):
            self._in_folders.append((place, path))
        else:
            self._add_file(place, path)

    def _add_file(self, place: str, path: Path) -> None:
        """Take a file for what a job will take it for, which finds it in a folder."""
        kind, of_type = kind_of(PurePosixPath(place).name, partial(read_head, path))
        if kind == "image":
            self._add_image(place, path)
        elif kind == "label":
            self._listing.add_label_file(place, file=path)
        else:
            self._unused.append(place)
            if kind == "unreadable":
                self._report.add_unreadable(of_type, place)
            elif kind == "other archive":
                self._report.unread_archives.add(PurePosixPath(place).name)
            else:
                self._report.other_files.add(place)

    def _add_image(self, place: str, path: Path) -> None:
        try:
            size = path.stat().st_size
            if size > self._settings.max_file_bytes:
                raise ArchiveError(over_limit(size, self._settings.max_file_bytes))
            with open_regular(path) as stream:
                self._measure(stream, place)
        except (ImageError, ArchiveError, OSError) as error:
            self._summary.refuse(place, error)
            self._refused.add((place, ""))
        else:
            self._summary.size_bytes += size
        self._tree.images.append(Entry(place, "", file=path))

    def _add_archive(self, place: str, path: Path) -> None:
        found, failed = len(self._tree.images), len(self._report.failures)
        bounds = limits(self._settings, self._settings.max_files)
        list_archive(path, self._listing, bounds, place if "/" in place else "")
        for failure in self._report.failures[failed:]:
            self._summary.refuse(place if failure.file == printable(path.name) else failure.file, failure.reason)
        images = self._tree.images[found:]
        accepted = [self._accepts(entry, number < _MEMBERS_CHECKED) for number, entry in enumerate(images)]
        self._refused.update(entry.key for entry, is_accepted in zip(images, accepted, strict=True) if not is_accepted)

    def _accepts(self, entry: Entry, opens: bool) -> bool:
        """Whether an image in an archive can be used, as far as its headers show; if not, that is reported."""
        member = entry.member
        assert member is not None
        try:
            check_member(member, self._settings.max_file_bytes)
            if opens:
                with member.open() as stream:
                    self._measure(stream, entry.path)
        except (ImageError, ArchiveError) as error:
            self._summary.refuse(entry.path, error)
        except Exception as error:  # BadZipFile, zlib.error, OSError, EOFError, ...
            self._summary.refuse(entry.path, f"corrupt inside the ZIP ({error})")
        else:
            self._summary.size_bytes += member.file_size
            return True
        return False

    def _measure(self, stream: IO[bytes], name: str) -> None:
        """Note the size of an image. Once that has taken too long, images are counted only: a job will tell."""
        if time.monotonic() > self._measured_until:
            return
        width, height = inspect_header(stream, name, self._settings.max_pixels)
        self._summary.pixels += width * height
        self._summary.measured += 1

    def detect_dataset(self, wanted: str, similarity: bool) -> None:
        """Detect format, classes and splits from label files and folders, as the job will."""
        summary, tree = self._summary, self._tree
        beside_images = any(not entry.origin for entry in tree.images)
        for place, path in self._in_folders:
            if beside_images:
                self._report.closed_archives.add(PurePosixPath(place).name)
            else:
                self._add_archive(place, path)
        use_image_bounds(self._settings.max_objects, self._settings.max_points)
        for failure in drop_large_labels(tree, limits(self._settings).label_bytes):
            summary.refuse(failure.file, failure.reason)
        layout = detect_layout(tree, wanted)
        finish_layout(tree, layout)
        left_out = layout.excluded | self._refused
        images = [entry for entry in tree.images if entry.key not in left_out]
        known = [layout.images.get(entry.key, ImageInfo()) for entry in images]
        summary.check = check_images(list(zip(images, known, strict=True)), layout, self._settings, similarity)
        unusable = set(summary.check.pop("unusable"))
        has_splits = any(info.split for info in known)
        split = "train" if has_splits else None
        augmented = [
            (entry, info)
            for position, (entry, info) in enumerate(zip(images, known, strict=True))
            if info.split == split and position not in unusable
        ]
        training = [info for _, info in augmented]
        skipped = sum(known[position].split == split for position in unusable)
        summary.images, summary.holdout = len(training), sum(info.split != split for info in known)
        summary.layout = layout.name if layout.labelled else ""
        summary.categories = layout.class_names() if layout.labelled else []
        summary.all_classes.update(info.label for info in known if info.label)
        summary.classes.update(info.label for info in training if info.label)
        summary.refused += [{"file": f.file, "reason": f.reason} for f in (*self._listing.finish(), *layout.failures)]
        for alone in (*tree.sidecars, *self._unused) if not (tree.images or summary.refused) else ():
            summary.refuse(alone, _ALONE)
        self._apply_file_limit()
        summary.class_groups = class_groups(training[: summary.images], most_seconds(self._settings))
        summary.by_cells = is_dense(training[: summary.images])
        unread = report_unread(tree, layout, self._report)
        refused = held_out_notice(info.split for info in known)
        refused += count_notices(skipped, summary.check["checked"], len(known))
        summary.notices += [*refused, *unread.notices(), *self._report.notices(), *tree.encoding_notices()]
        summary.notices += layout.notices
        summary.notices += summary.check.pop("labels")
        labelled = unread.may_locate or any(info.labels is not None for info in training)
        summary.traits = dataset_traits(((entry.path, info.label) for entry, info in augmented), labelled)
        summary.thumbnails = list(thumbnails(images, self._settings))

    def _apply_file_limit(self) -> None:
        summary, limit = self._summary, self._settings.max_files
        if summary.images > limit:
            reason = f"over the limit of {limit:,} images per job (AUGMENTAI_MAX_FILES); split them into several jobs"
            summary.refuse(counted(summary.images - limit, "image"), reason)
            summary.images = limit


def link_uploads(uploads: Sequence[Upload], folder: Path) -> list[Path]:
    """Link uploads into a job's folder under the paths that they had on the visitor's computer.

    Args:
        uploads: files and ZIPs; those with unsafe paths are skipped, as `inspect_uploads` reported.
        folder: a new folder for the files; ZIPs go into separate folders beside it.

    Returns:
        Inputs for `gather`.
    """
    inputs, numbers = list[Path](), dict[Path, int]()
    for place, path in safe_uploads(uploads)[0]:
        if is_archive_upload(place):
            target = folder.parent / INPUT_FOLDERS[1] / str(len(inputs)) / PurePosixPath(place).name
        else:
            target = _unused_name(folder / place, numbers)
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(Path(path), target)
        if is_archive_upload(place):
            inputs.append(target)
    return [folder, *inputs] if folder.is_dir() else inputs


def _unused_name(path: Path, numbers: dict[Path, int]) -> Path:
    """Two files of the same name may be uploaded one after the other; both are kept. numbers: the last of each name."""
    number, unused = numbers.get(path, 1), path
    while os.path.lexists(unused):
        number += 1
        unused = path.with_name(f"{path.stem}_{number}{path.suffix}")
    numbers[path] = number
    return unused


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(path, target)
