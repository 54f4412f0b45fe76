"""The ZIPs that the page offers: their names, and the one that is packed when results were added or excluded."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from augmentai.dataset.lift_file import LiftFile
from augmentai.pipeline.merge import merge
from augmentai.pipeline.plan import RunPlan


@dataclass(frozen=True)
class Packing:
    """Progress of a ZIP.

    Attributes:
        done, expected: variations in it so far, and all that it will hold.
        path: the ZIP, in the last one only.
    """

    done: int = 0
    expected: int = 0
    path: Path | None = None


def new_zip(folder: Path) -> Path:
    """A name for a ZIP below `folder`, with the date, in its own folder."""
    return folder / f"zip-{secrets.token_hex(8)}" / f"augmentai-{datetime.now():%Y%m%d-%H%M%S}.zip"


def name_by_count(zip_path: Path, count: int) -> Path:
    """Rename a ZIP so that its name has the count too: augmentai-20260131-120000-32-images.zip."""
    return zip_path.rename(zip_path.with_stem(f"{zip_path.stem}-{count}-image{'' if count == 1 else 's'}"))


def pack(
    plan: RunPlan,
    parts: Sequence[Path],
    folder: Path,
    max_pixels: int,
    excluded: frozenset[str],
    lift: LiftFile | None = None,
) -> Generator[Packing, None, None]:
    """Merge the ZIPs of a job into a new one below `folder`. Closed early, it leaves nothing behind.

    Raises:
        OSError, OutputError, zipfile.BadZipFile: see `merge`.
    """
    target = new_zip(folder)
    count, finished = 0, False
    try:
        with closing(merge(plan, parts, target, max_pixels, excluded, lift)) as steps:
            for step in steps:
                count = step.expected
                yield Packing(step.done, step.expected)
        finished = True
    finally:
        if not finished:
            shutil.rmtree(target.parent, ignore_errors=True)
    yield Packing(count, count, name_by_count(target, count))
