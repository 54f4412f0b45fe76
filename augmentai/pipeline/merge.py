"""The ZIPs of a job that was added to, or of which something was left out, put together as one run would have."""

from __future__ import annotations

import json
import secrets
import shutil
import zipfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE, files_of, is_made
from augmentai.dataset.run_record import read_record
from augmentai.dataset.writers.base import ZipWriter
from augmentai.pipeline.job import Job
from augmentai.pipeline.run import close, open_set
from augmentai.types import Outcome


@dataclass(frozen=True)
class Packing:
    """How far a ZIP is: pictures in it, of all that it will hold. path: where it lies, in the last one only."""

    done: int = 0
    expected: int = 0
    path: Path | None = None


def new_zip(folder: Path) -> Path:
    """A name for a ZIP below `folder`, its date in it, in a folder of its own."""
    return folder / f"zip-{secrets.token_hex(8)}" / f"augmentai-{datetime.now():%Y%m%d-%H%M%S}.zip"


def name_by_count(zip_path: Path, count: int) -> Path:
    """The same file, its name telling the count too: augmentai-20260131-120000-32-images.zip."""
    return zip_path.rename(zip_path.with_stem(f"{zip_path.stem}-{count}-image{'' if count == 1 else 's'}"))


def addition(job: Job, zip_path: Path) -> Generator[Outcome, None, None]:
    """Do a job that adds to another: its variations and their labels alone, to be put together with the rest later."""
    with ZipWriter(zip_path) as writer, closing(job.run()) as outcomes:
        for outcome in outcomes:
            writer.add(outcome)
            yield outcome


def put_together(
    job: Job, zips: Sequence[Path], left_out: frozenset[str], folder: Path
) -> Generator[Packing, None, None]:
    """One ZIP of several: the first whole, the others additions to it. Raises OSError, OutputError.

    job: tells of the set and the recipe; it is not run. left_out: variations that do not go into the ZIP; the manifest
    keeps a line for each. folder: below which the ZIP lies at the end; nothing is left there if this is closed before.
    """
    target = new_zip(folder)
    finished = False
    try:
        count = yield from _written(job, zips, left_out, target)
        finished = True
    finally:
        if not finished:
            shutil.rmtree(target.parent, ignore_errors=True)
    yield Packing(count, count, name_by_count(target, count))


def _written(job: Job, zips: Sequence[Path], left_out: frozenset[str], target: Path) -> Generator[Packing, None, int]:
    with ExitStack() as stack:
        archives = [stack.enter_context(zipfile.ZipFile(path)) for path in zips]
        lines = _lines(archives, left_out)
        count = sum(is_made(entry) for entry, _ in lines)
        record = read_record(archives[0].read(RECIPE_FILE).decode("utf-8"), RECIPE_FILE)
        record = replace(record, retry_round=job.rounds)
        yield Packing(0, count)
        with ZipWriter(target, record) as writer:
            if count:
                open_set(writer, job)
            done = 0
            for entry, archive in lines:
                writer.add_entry(entry, [(name, archive.read(name)) for name in files_of(entry)])
                done += is_made(entry)
                yield Packing(done, count)
            if count:
                for file, pieces in job.output.files_after(writer.entries()):
                    writer.write(file, pieces)
            close(writer, job, record)
    return count


def _lines(
    archives: Sequence[zipfile.ZipFile], left_out: frozenset[str]
) -> list[tuple[dict[str, Any], zipfile.ZipFile]]:
    """A line for each wanted variation, and the ZIP that it is in: the last takes the place of an earlier failure."""
    found: dict[tuple[str, str, int], tuple[dict[str, Any], zipfile.ZipFile]] = {}
    for archive in archives:
        with archive.open(MANIFEST) as manifest:
            for line in manifest:
                entry = json.loads(line)
                key = (entry["source"], entry["source_sha256"] or "", entry["index"])
                if key not in found or not is_made(found[key][0]):
                    found[key] = (entry, archive)
    made = {key[:2] for key, (entry, _) in found.items() if is_made(entry)}
    for key, (entry, _) in list(found.items()):
        if not key[2] and key[:2] in made:  # the whole source had failed, before it was tried again
            del found[key]
        elif entry["file"] in left_out:
            entry |= {"file": None, "status": "left out", "reason": "left out by hand"}
    return list(found.values())
