"""A finished job that the page still shows: its rows and ZIPs, what was added to it and what was excluded."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from augmentai.dataset.checkpoint import Checkpoint, PaidFailures
from augmentai.dataset.lift_file import LiftFile
from augmentai.dataset.manifest import MANIFEST
from augmentai.dataset.paid_answers import variation_name
from augmentai.dataset.readers.gather import Gathered
from augmentai.engines import estimate
from augmentai.engines.base import Engine
from augmentai.engines.budget import Estimate
from augmentai.engines.run_ledger import RunLedger
from augmentai.lift import LiftReport
from augmentai.pipeline.paid_folder import PaidFolder
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.report import ROWS_LIMIT, filter_words, headline
from augmentai.settings import Settings
from augmentai.types import Source, SourceKey
from augmentai.web.jobs.paid_jobs import hand_over
from augmentai.web.jobs.selection import Exclusions, View
from augmentai.web.jobs.snapshot import JobResult, ResultRow
from augmentai.web.jobs.unmade import Unmade
from augmentai.web.jobs.upload_places import Upload
from augmentai.web.jobs.zip_packing import Packing, pack

MORE = 4  # variations that "More like this" adds


@dataclass
class FinishedJob:
    """A finished job and what was added to it later.

    Attributes:
        plan: its retry round counts how often failed variations were retried.
        folder: the job's own.
        zips: its ZIP, then those of later additions; excluded variations are still in them.
        classes: images per class among the inputs.
        added: number of variations that were asked for later.
        exclusions: the variations that the visitor excluded and may include again.
        draw: which variations were drawn at random last.
        paid: the folder with its ledger and with answers that are in no result yet; None if it cost nothing.
        unfetched: its last result, until the visitor's page has it (see `paid_jobs.hand_over`).
        settled: names of the variations whose answers are in the result, should they still be there.
        rest_cost: the most that its missing variations may cost; None if nothing.
        more_cost: the most that more variations of a source may cost, in credits, by their engine.
        uploads: what it was made from.
        lift: what was measured on these with its recipe; None if nothing was.
        zipped_lift: what its first ZIP says of that.
    """

    plan: RunPlan
    settings: Settings
    folder: Path
    zips: list[Path]
    rows: list[ResultRow]
    report: dict[str, Any]
    classes: dict[str, int]
    added: int = 0
    exclusions: Exclusions = field(default_factory=Exclusions)
    draw: int = 0
    paid: Path | None = None
    settled: frozenset[str] = frozenset()
    unfetched: JobResult | None = None
    rest_cost: Estimate | None = None
    more_cost: dict[str, float] = field(default_factory=dict)
    uploads: tuple[Upload, ...] = ()
    lift: LiftReport | None = None
    zipped_lift: LiftReport | None = None
    _packed: tuple[object, Path] | None = None  # what the packed ZIP was made of, and the ZIP
    _unmade: Unmade = field(default_factory=Unmade)
    _zips_read: int = 0  # by `_unmade`

    @classmethod
    def of(cls, result: JobResult, rows: Sequence[ResultRow], settings: Settings) -> FinishedJob:
        """A job that has just ended."""
        finished = cls(
            plan=result.plan,
            settings=settings,
            folder=result.folder,
            zips=[result.zip_path],
            rows=list(rows),
            report=result.report,
            classes=result.classes,
            paid=result.paid,
            settled=_names(result),
            unfetched=result,
        )
        finished._read_failures()
        return finished

    def _read_failures(self) -> None:
        """Learn from the ZIPs that are new what could not be made."""
        for path in self.zips[self._zips_read :]:
            with suppress(OSError, KeyError, ValueError, zipfile.BadZipFile):  # deleted, or cut off by a full disk
                self._unmade.read(_entries_of(path))
        self._zips_read = len(self.zips)

    def row(self, file: str) -> ResultRow | None:
        """The row of a variation's file."""
        return next((row for row in self.rows if row.file == file), None)

    @property
    def excluded(self) -> set[str]:
        """Files of the variations that the visitor excluded."""
        return self.exclusions.files

    @excluded.setter
    def excluded(self, files: set[str]) -> None:
        self.exclusions.files = files

    def shown_rows(self, view: View) -> list[ResultRow]:
        """The rows that a view shows."""
        return view.rows(self.rows, self.excluded, self.plan.recipe.thresholds, self.draw)

    @property
    def included(self) -> int:
        """Number of variations in the ZIP."""
        return int(self.report["variations"]) - len(self.excluded)

    def fetched(self) -> None:
        """The visitor's page has the result: the same request is a new job from now on."""
        result, self.unfetched = self.unfetched, None
        if result is not None and result.paid is not None and result.is_complete:
            hand_over(result.paid, result.settled)

    def price_rest(self, engines: Sequence[Engine]) -> None:
        """Set `rest_cost`: without what is paid for already, within what the limit of the job leaves; and `more_cost`.

        Args:
            engines: those that would make the rest.
        """
        priced = ((engine.name, engine.estimate(self.plan.recipe, MORE)) for engine in engines)
        self.more_cost = {name: cost.credits for name, cost in priced if cost is not None}
        ledger = PaidFolder(self.paid).ledger() if self.paid is not None else RunLedger()
        made = {variation_name((row.source, row.sha256), row.index) for row in self.rows}
        stored = self._answers() - made
        rest = sum(self._missing().values()) - len(stored)
        self.rest_cost = estimate(engines, self.plan.recipe, max(0, rest), ledger.committed()) if rest > 0 else None

    def folders(self) -> set[Path]:
        """The folders of the jobs that its ZIPs were made by."""
        return {self.folder, *(path.parent.parent for path in self.zips)}

    def incomplete_sources(self) -> list[Source]:
        """Sources with missing variations: those failed, or were not reached before a stop. Not those of which nothing
        can ever be made."""
        missing = self._missing()
        return [source for source in self.plan.sources if source.key in missing]

    def _missing(self) -> dict[SourceKey, int]:
        """How many variations of its plan each source lacks, of which some can be made."""
        made = Counter(row.key for row in self._planned_rows())
        made.update((source, sha256) for source, sha256, _ in self._paid_in_vain())
        lacking = ((source.key, self.plan.count(source) - made[source.key]) for source in self.plan.sources)
        return {key: count for key, count in lacking if count > 0 and not self._unmade.is_unusable(key)}

    def _planned_rows(self) -> Iterator[ResultRow]:
        """Those of the plan, without what was asked for later."""
        return (row for row in self.rows if row.index in self.plan.indices(row.key))

    def _paid_in_vain(self) -> dict[tuple[str, str, int], dict[str, Any]]:
        """Lines of variations that were paid for and failed, and are not bought again."""
        if self.plan.recipe.paid_retries or not self.report["credits"]:
            return {}
        failures = PaidFailures(retried=False, stored=self._answers())
        found: dict[tuple[str, str, int], dict[str, Any]] = {}
        for entry in self._entries():
            key = entry["source"], entry["source_sha256"], entry["index"]
            found.pop(key, None)
            if entry["status"] == "failed" and failures.is_final(entry):
                found[key] = entry
        return found

    def _answers(self) -> frozenset[str]:
        """The variations that were paid for and are in no result yet."""
        stored = PaidFolder(self.paid).ledger().answers.variations() if self.paid is not None else frozenset()
        return stored - self.settled

    def _entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the manifests of all its ZIPs, the first one's first."""
        for path in self.zips:
            yield from _entries_of(path)

    def checkpoint(self) -> Checkpoint:
        """All variations so far, for a job that makes the missing ones, with new seeds for those that were rejected."""
        made = Checkpoint(self.plan.sources)
        made.retry_round = self.plan.retry_round + 1
        for entry in self._entries():
            made.record_rejections(entry)
        for row in self._planned_rows():
            made.record_made(row.source, row.sha256, row.index, row.engine)
        for entry in self._paid_in_vain().values():
            made.record({**entry, "credits": 0.0})  # in the ledger already
        for source in self.plan.sources:
            if self._unmade.is_unusable(source.key):
                made.give_up(source, self.plan.indices(source.key))
        return made

    def checkpoint_for_more(self, row: ResultRow, first_index: int, variations: int) -> Checkpoint:
        """A checkpoint in which only the next variations of this row's source are missing."""
        made = Checkpoint(self.plan.sources)
        for source in self.plan.sources:
            if source.key != row.key:
                for index in range(first_index, first_index + variations):
                    made.record_made(source.path, source.sha256, index, row.engine)
        return made

    def next_index(self, row: ResultRow) -> int:
        """The first index that no variation of this row's source has."""
        return 1 + max(one.index for one in self.rows if one.key == row.key)

    def sources_for_rerun(self) -> Gathered:
        """The inputs of a later job: unreadable files were reported already."""
        return replace(self.plan.gathered, failures=(), notices=())

    def add(self, result: JobResult, rows: Sequence[ResultRow], retried: Sequence[str]) -> None:
        """Add the results of a later job.

        Args:
            result: of that job.
            rows: the variations that it made.
            retried: paths of the sources for which it was to make the missing variations.
        """
        self.zips.append(result.zip_path)
        self.rows += rows
        if retried:
            self.plan = self.plan.in_round(self.plan.retry_round + 1)
        else:
            self.added += result.plan.total - result.report["held"]
        self.paid = self.paid or result.paid
        self.settled |= _names(result)
        self.unfetched = result
        added = result.report | {"credits": result.report["credits"] - result.credits_before}
        self._read_failures()
        failures = self._unmade.failures()
        self.report = merge_reports(self.report, added, set(retried), failures, rows, self.plan.total + self.added)

    @property
    def ready_zip(self) -> Path | None:
        """The ZIP to download; None if it has to be packed first, or was deleted."""
        found: Path | None = None
        if len(self.zips) == 1 and not self.excluded and self.lift is self.zipped_lift:
            found = self.zips[0]
        elif self._packed and self._packed[0] == self._contents():
            found = self._packed[1]
        return found if found and found.is_file() else None

    def pack(self) -> Generator[Packing, None, None]:
        """Make `ready_zip`, which takes as long as copying it does.

        Raises:
            OSError, OutputError, BadZipFile: if the ZIPs cannot be read or the new one cannot be written.
        """
        if self.ready_zip is not None:
            return
        contents, zips, excluded = self._contents(), tuple(self.zips), frozenset(self.excluded)
        lift = LiftFile.of(self.lift.as_dict()) if self.lift is not None else None
        for packing in pack(self.plan, zips, self.folder, self.settings.max_pixels, excluded, lift):
            if packing.path is not None:
                if self._packed is not None:
                    self._packed[1].unlink(missing_ok=True)
                self._packed = (contents, packing.path)
            yield packing

    def _contents(self) -> object:
        return len(self.zips), frozenset(self.excluded), id(self.lift)


def _entries_of(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of the manifest in a ZIP."""
    with zipfile.ZipFile(path) as archive, archive.open(MANIFEST) as lines:
        yield from map(json.loads, lines)


def _names(result: JobResult) -> frozenset[str]:
    return frozenset(variation_name(source, index) for source, index in result.settled)


def merge_reports(
    first: dict[str, Any],
    added: dict[str, Any],
    retried: set[str],
    failures: Sequence[dict[str, str]],
    new_rows: Sequence[ResultRow],
    wanted: int,
) -> dict[str, Any]:
    """The report of a job and of a later addition to it.

    Args:
        first: report of the job so far.
        added: report of the addition.
        retried: sources whose earlier fallbacks the addition replaces.
        failures: what failed of both, and was not made since.
        new_rows: variations that the addition made.
        wanted: variations that were asked for in all.
    """
    engines = Counter(first["engines"]) + Counter(row.engine for row in new_rows)
    variations = first["variations"] + len(new_rows)
    counted = {name: first[name] + added[name] for name in ("drifted", "labels_dropped")}
    counted["rejected"] = dict(Counter(first["rejected"]) + Counter(added["rejected"]))
    counted["left_out"] = added["left_out"] if retried else first["left_out"] + added["left_out"]
    counted["labels_hidden"] = {name: n + added["labels_hidden"][name] for name, n in first["labels_hidden"].items()}
    return first | {
        **counted,
        "filtered": filter_words(counted),
        "variations": variations,
        "engines": dict(engines),
        "failures": list(failures[:ROWS_LIMIT]),
        "failed": len(failures),
        "stopped": added["stopped"],
        "seconds": round(first["seconds"] + added["seconds"], 2),
        "credits": round(first["credits"] + added["credits"], 2),
        "fallbacks": [f for f in first["fallbacks"] if f["file"] not in retried] + added["fallbacks"],
        "notices": list(dict.fromkeys(first["notices"] + added["notices"])),
        "diversity": None,  # that of the first ones is of these alone; the card of a packed ZIP has that of all
        "headline": headline(variations, wanted, first["sources"], len(failures)),
    }
