"""Several partial outputs of one plan become one set, as a single run would have written it.

The page needs it for "more like this" and for excluded images; shards are merged by it too.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augmentai.dataset.lift_file import LIFT_FILE, LiftFile
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE, files_of, is_made
from augmentai.dataset.run_record import read_record
from augmentai.dataset.writers.base import OutputError, ZipWriter
from augmentai.dataset.writers.output_set import OutputSet
from augmentai.pipeline.job import Job
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.run import copy_originals, describe_set, receive_rest, write_label_lists
from augmentai.types import Outcome


@dataclass(frozen=True)
class Merging:
    """Progress of a merge: variations in the new ZIP so far, of all that it will hold."""

    done: int
    expected: int


def run_part(job: Job, zip_path: Path) -> Generator[Outcome, None, None]:
    """Run a job that adds to another: it writes only variations and their labels, to be merged with the rest later.

    Args:
        job: the job.
        zip_path: the new ZIP to write.

    Yields:
        Outcomes as they finish.
    """
    with ZipWriter(zip_path) as writer, closing(job.run()) as outcomes:
        for outcome in outcomes:
            try:
                writer.add(outcome)
            except OutputError:
                receive_rest(job, outcomes)
                raise
            yield outcome
            del outcome


def merge(
    plan: RunPlan,
    parts: Sequence[Path],
    target: Path,
    max_pixels: int,
    excluded: frozenset[str] = frozenset(),
    lift: LiftFile | None = None,
) -> Generator[Merging, None, None]:
    """Write one ZIP from several.

    Args:
        plan: the plan that all parts were made by; nothing is run.
        parts: ZIPs; the first is a whole run, the others were written by `run_part`. If two hold the same
            variation, the later one replaces a failure.
        target: the ZIP to write.
        max_pixels: the largest image that is decoded, for the contact sheet.
        excluded: files of variations that are not copied. The manifest keeps a line for each.
        lift: what was measured on the set; None for what the first part says.

    Yields:
        Progress, at least once.

    Raises:
        OSError, OutputError, zipfile.BadZipFile: a part cannot be read, or the target cannot be written.
        RecipeError: the set cannot be converted as the plan's recipe asks.
    """
    output = OutputSet(plan.gathered, plan.recipe)
    with ExitStack() as stack:
        archives = [stack.enter_context(zipfile.ZipFile(path)) for path in parts]
        lines = _merged_lines(archives, excluded)
        count = sum(is_made(entry) for entry, _ in lines)
        record = read_record(archives[0].read(RECIPE_FILE).decode("utf-8"), RECIPE_FILE)
        record = replace(record, retry_round=plan.retry_round)
        yield Merging(0, count)
        with ZipWriter(target, record) as writer:
            if count:
                copy_originals(writer, output)
            done = 0
            for entry, archive in lines:
                writer.add_entry(entry, [(name, archive.read(name)) for name in files_of(entry)])
                done += is_made(entry)
                yield Merging(done, count)
            if count:
                write_label_lists(writer, output)
            if lift is not None:
                writer.write(LIFT_FILE, lift.data)
            elif LIFT_FILE in archives[0].namelist():
                writer.write(LIFT_FILE, archives[0].read(LIFT_FILE))
            describe_set(writer, output, record, max_pixels)


def _merged_lines(
    archives: Sequence[zipfile.ZipFile], excluded: frozenset[str]
) -> list[tuple[dict[str, Any], zipfile.ZipFile]]:
    """A line for each variation, and the ZIP it is in: a later part takes the place of an earlier failure."""
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
        if not key[2] and key[:2] in made:  # the whole source had failed, before it was retried
            del found[key]
        elif entry["file"] in excluded:
            entry |= {"file": None, "status": "left out", "reason": "left out by hand"}
    return list(found.values())
