"""The images of an upload examined before the click: classes, splits, sizes, and faults of images and labels.

The page needs the answer at once, so of a large upload only some images are examined, and the result says how many.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from augmentai.annotations import LabelError, Labels
from augmentai.backbone import load_backbone
from augmentai.dataset.file_names import printable
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import ImageInfo, Layout
from augmentai.dataset.formats.masks.companions import own_labels
from augmentai.images import ImageError
from augmentai.images.orientation import read_size
from augmentai.inspection.examine import examine, located
from augmentai.inspection.findings import TITLES, Findings
from augmentai.inspection.similarity import find_by_features
from augmentai.inspection.survey import Survey
from augmentai.pipeline.label_check import LabelNotes
from augmentai.plurals import counted
from augmentai.settings import Settings
from augmentai.types import Source

_MOST_EXAMINED = 200
_MOST_SECONDS = 3.0
_EXAMPLES_SHOWN = 5
_MOST_COMPARED = 1000
MOST_SECONDS_COMPARING = 15.0


@dataclass(frozen=True)
class _ReadEntry:
    """Reads an upload as `Source.read` does, with OSError where that fails."""

    entry: Entry
    limit_bytes: int

    def __call__(self) -> bytes:
        try:
            return self.entry.read(self.limit_bytes)
        except LabelError as error:
            raise OSError(str(error)) from error


def most_seconds(settings: Settings) -> float:
    """How long one part of an inspection may take, so that all of them end before the whole is given up.

    Example:
        >>> most_seconds(Settings(parse_seconds=5)), most_seconds(Settings())
        (1.0, 3.0)
    """
    return min(_MOST_SECONDS, settings.parse_seconds / 5)


def check_images(
    images: Sequence[tuple[Entry, ImageInfo]], layout: Layout, settings: Settings, similarity: bool = False
) -> dict[str, Any]:
    """Examine the images of an upload, or some of them.

    Args:
        images: every image with what the layout knows of it.
        layout: how the upload is laid out.
        settings: limits.
        similarity: compare images by a pretrained network as well, or some of them.

    Returns:
        JSON for the drop zone: `images`, `splits` and `classes` as in `Survey`, `class_names` in the order of their
        colours, `findings`, each with its `title`,
        `count`, `problem` and `examples` in words, `unusable`: the positions of images that a job will skip, and
        `checked`: of how many images the labels were read,
        `labels`: what a run says of the labels before it starts. If asked for, `similar`: how many images were
        `compared`, and the `findings`.
    """
    sources = [
        Source(
            entry.path,
            info.label,
            f"{entry.path}\0{entry.origin}",  # nothing is hashed yet; equal files are found as near-duplicates
            0,
            _ReadEntry(entry, settings.max_file_bytes),
            info.split,
            info.labels,
        )
        for entry, info in images
    ]
    has_splits = any(source.split for source in sources)
    augmented = frozenset({"train" if has_splits else None})
    survey = Survey(sources, augmented, layout)
    notes = LabelNotes(layout, [one for one in sources if one.split in augmented])
    examined: set[int] = set()
    read: list[tuple[Source, Labels | None, tuple[int, int] | None]] = []
    step = max(1.0, len(sources) / _MOST_EXAMINED)
    end = time.monotonic() + most_seconds(settings)
    for number in range(min(len(sources), _MOST_EXAMINED)):
        position = int(number * step)
        one = examine(sources[position], settings.max_pixels)
        survey.add(position, one)
        if one.is_usable and sources[position].split in augmented:
            read.append((sources[position], _without_mask(own_labels(sources[position], one.labels)), one.size_wh))
        examined.add(position)
        if time.monotonic() > end:
            break
    survey.compare()
    for source, labels, size_wh in read:
        notes.add(source, labels, size_wh)
    checked = len(examined) + _check_labels(sources, examined, survey, notes, augmented, most_seconds(settings))
    known = layout.class_names() if layout.labelled else ()
    classes = survey.classes(known)
    return {
        "images": survey.images(),
        "splits": survey.splits(),
        "classes": classes,
        "class_names": list(dict.fromkeys([*known, *(one["name"] for one in classes if one["augmented_images"])])),
        "findings": _in_words(survey.findings),
        "unusable": sorted(survey.unusable),
        "checked": checked,
        "labels": [*notes.notices(), *notes.lost],
        **({"similar": _compare(sources, settings)} if similarity else {}),
    }


def load_all() -> None:
    """Load what a check needs, by a check of a small image: later ones neither wait for it nor count its memory."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), "gray").save(buffer, "PNG")
    examine(Source.from_bytes("a.png", buffer.getvalue()), 32 * 32)


def _compare(sources: Sequence[Source], settings: Settings) -> dict[str, Any]:
    """What a pretrained network finds, in random order, so that the first images stand for all if time runs out."""
    findings = Findings()
    shuffled = random.Random(0).sample(sources, len(sources))
    compared = find_by_features(
        shuffled,
        load_backbone(),
        settings.max_pixels,
        findings,
        most_images=_MOST_COMPARED,
        most_seconds=MOST_SECONDS_COMPARING,
    )
    return {"compared": compared, "findings": _in_words(findings)}


def _in_words(findings: Findings) -> list[dict[str, Any]]:
    return [
        {
            "title": TITLES[one.kind],
            "count": one.count,
            "problem": one.is_problem,
            "examples": [printable(str(example)) for example in one.examples[:_EXAMPLES_SHOWN]],
        }
        for one in findings.all()
    ]


def count_notices(skipped: int, checked: int, total: int) -> list[str]:
    """What the visitor should know of the number of images: of an upload, how many are skipped and were checked.

    Args:
        skipped: images that would be augmented if they could be read.
        checked: of how many images the labels were read.
        total: all images.

    Example:
        >>> count_notices(1, 5, 5)
        ['1 more image cannot be used: see Dataset check']
    """
    notices = [f"{counted(skipped, 'more image')} cannot be used: see Dataset check"] if skipped else []
    return notices + ([f"the labels of {checked:,} of {total:,} images were checked"] if checked < total else [])


def _without_mask(labels: Labels | None) -> Labels | None:
    """Labels that take little memory; None for a mask, of which nothing is noted."""
    return labels if labels is None or labels.mask is None else None


def _check_labels(
    sources: Sequence[Source],
    examined: Container[int],
    survey: Survey,
    notes: LabelNotes,
    augmented: Container[str | None],
    most_seconds: float,
) -> int:
    """Read the labels of the other images, and note those that cannot be read. Returns how many were."""
    end = time.monotonic() + most_seconds
    checked = 0
    for position, source in enumerate(sources):
        if position in examined:
            continue
        if time.monotonic() > end:
            break
        checked += 1
        try:
            labels = source.labels.load() if source.labels is not None else None
            if source.split in augmented:
                size_wh = read_size(source) if labels is not None and labels.shapes else None
                notes.add(source, _without_mask(own_labels(source, labels)), size_wh)
        except (LabelError, ImageError, OSError) as error:
            survey.skip(position)
            survey.findings.add("broken_labels", located(str(error), source.path))
    return checked
