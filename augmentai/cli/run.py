"""`augmentai run`: inputs to a folder or ZIP, with a progress bar and a summary."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from augmentai.cli.console import (
    ALL_DONE,
    NOTHING_DONE,
    SOME_FAILED,
    print_error,
    print_notes,
    print_plan,
    print_problems,
    print_skipped,
    print_summary,
    progress_bar,
    quit_with,
)
from augmentai.dataset.file_names import printable
from augmentai.dataset.lift_file import LiftFile, LiftFileError
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.recipe_file import load_recipe
from augmentai.dataset.writers.base import OutputError
from augmentai.dataset.writers.hub import Hub, HubError
from augmentai.engines import available
from augmentai.inspection.cutouts import background_of, find_cutouts, warn_of_refusals
from augmentai.operations import OperationError
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.resolve import resolve_run
from augmentai.pipeline.run_to_place import look_ahead_to, run_to_place
from augmentai.recipe import Recipe, RecipeError
from augmentai.recipe.fields import by_name
from augmentai.settings import SettingsError, load_settings
from augmentai.storage import Place, StorageError, Store
from augmentai.system.ending import on_first_signal

_WORKING = "augmenting"


def augment(
    inputs: Sequence[Place],
    out: Place | None,
    fields: Mapping[str, Any],
    saved: Path | None = None,
    dry_run: bool = False,
    masks: Path | None = None,
    push_to_hub: str = "",
    private: bool = False,
    lift: Path | None = None,
) -> int:
    """Augment images and datasets.

    Args:
        inputs: images, folders, ZIPs, by path or URL.
        out: a folder or ZIP, by path or URL; may be missing for a dry run.
        fields: {field of the recipe: what was typed}.
        saved: a file of settings that `fields` override.
        dry_run: print the plan and make nothing.
        masks: with it, a new file for a contact sheet of what would be cut out.
        push_to_hub: the name of a dataset to push the finished folder to.
        private: make that dataset private, or the one that an hf:// output creates.
        lift: a measurement, for the card and the report.

    Returns:
        The exit status.

    Raises:
        click.BadParameter: two flags contradict each other, or one is missing.
    """
    _check_out(out, dry_run, push_to_hub)
    _check_masks(masks, dry_run)
    try:
        settings = load_settings()
        recipe = recipe_of(fields, saved)
        if masks is not None:
            background_of(recipe)  # before the files are read
        if out is not None:
            recipe = resolve_run(out, recipe, available(settings))
        hub = Hub(push_to_hub, settings, private) if push_to_hub else None
        if hub is not None and not dry_run:
            hub.check()  # before the work, which would otherwise be wasted
        gathered = gather(list(inputs), limits(settings), skip=out, layout=recipe.layout)
        measured = LiftFile.read(lift) if lift is not None else None
        job = Job(gathered, recipe, settings, available(settings), lift=measured, workers=settings.workers)
        if dry_run and out is not None:
            look_ahead_to(job, out, inputs)
    except (SettingsError, RecipeError, OutputError, HubError, LiftFileError) as error:
        quit_with(str(error))
    if not gathered.sources:
        print_problems(job.report.as_dict())
        quit_with("there is no image to work on")
    if warning := warn_of_refusals(gathered.sources, job.recipe, settings.max_pixels):
        job.report.notice(warning)
    if dry_run or out is None:
        print_plan(job)
        return ALL_DONE if masks is None else _write_masks(job, masks)
    if private and isinstance(out, Store):
        _create_private(out)
    status = run_job(job, out, inputs)
    if hub is not None and isinstance(out, Path) and status != NOTHING_DONE:
        status = max(status, _push(hub, job, out))
    return status


def run_job(job: Job, out: Place, inputs: Sequence[Place]) -> int:
    """Run a job into a folder or ZIP with a progress bar, and print the result. Returns the exit status."""
    said_before = job.report.as_dict()["notices"]
    print_notes(said_before)
    print_skipped(job)
    _stop_on_signals(job)
    try:
        # Whatever an engine or a library prints must not get between the results on standard output.
        with redirect_stdout(sys.stderr), progress_bar() as bar:
            task = bar.add_task(_WORKING, total=job.plan.total)
            job.on_progress = lambda words, share: bar.update(task, description=words or _WORKING)
            missing = 0
            for outcome in run_to_place(job, out, inputs):
                if not outcome.ok:  # all of a source's are missing if the source cannot be read
                    missing += 1 if outcome.index else job.plan.count(outcome.source)
                done = job.report.variations
                bar.update(task, completed=done, total=max(job.plan.total - missing, done))
                del outcome  # a large image would be in memory until the next one comes
    except OutputError as error:
        if not job.report.variations and not job.ledger.committed():
            quit_with(str(error))
        print_error(str(error))
        job.report.stopped = True
    except KeyboardInterrupt:
        job.report.stopped = True
    report = job.report.as_dict()
    print_problems({**report, "notices": [notice for notice in report["notices"] if notice not in said_before]})
    print_summary(report, str(out))
    if not report["variations"]:
        return NOTHING_DONE
    return SOME_FAILED if report["failed"] or report["stopped"] else ALL_DONE


def _stop_on_signals(job: Job) -> None:
    """The first Ctrl-C or SIGTERM ends the job after the image in progress and keeps what is finished. Until one is in
    progress, there is nothing to wait for, such as a model that is being loaded."""

    def ask() -> None:
        job.stop.set()
        if not job.has_begun:
            raise KeyboardInterrupt

    on_first_signal(ask)


def _create_private(out: Store) -> None:
    try:
        out.create(private=True)
    except StorageError as error:
        quit_with(str(error))


def _check_out(out: Place | None, dry_run: bool, push_to_hub: str) -> None:
    hint = "'-o' / '--out'"
    if out is None and not dry_run:
        raise click.BadParameter("missing; give a new or empty folder, or a new .zip file", param_hint=hint)
    if push_to_hub and isinstance(out, Store):
        raise click.BadParameter("only a folder of this machine can be pushed; give -o hf://datasets/USER/NAME alone")
    if push_to_hub and isinstance(out, Path) and out.suffix.lower() == ".zip":
        raise click.BadParameter("only a folder can be pushed to the hub, not a ZIP", param_hint=hint)


def _check_masks(masks: Path | None, dry_run: bool) -> None:
    hint = "'--masks'"
    if masks is not None and not dry_run:
        raise click.BadParameter("it shows what a run would do; add --dry-run", param_hint=hint)
    if masks is not None and masks.suffix.lower() != ".svg":
        raise click.BadParameter(f"{masks} is no .svg file; give it that ending", param_hint=hint)


def _write_masks(job: Job, file: Path) -> int:
    """Show what would be cut out of some images. Returns the exit status."""
    try:
        found = find_cutouts(job.gathered.sources, job.recipe, job.settings.max_pixels)
        file.write_text(found.as_svg(), encoding="utf-8")
    except (OperationError, OSError) as error:
        print_error(str(error))
        return NOTHING_DONE
    print(f"masks: {found.words}; see {file}")
    for one in found.images:
        if one.fault:
            print(f"- {printable(one.path)}: {one.fault}")
    return ALL_DONE


def recipe_of(fields: Mapping[str, Any], saved: Path | None) -> Recipe:
    """The saved recipe or the default one, with the typed fields in place of its own. Raises RecipeError."""
    recipe = load_recipe(saved) if saved is not None else Recipe()
    typed = {name: by_name(name).kind.update(getattr(recipe, name), value) for name, value in fields.items()}
    return replace(recipe, **typed)


def _push(hub: Hub, job: Job, out: Path) -> int:
    """Push a finished run to the hub. Returns the exit status."""
    if job.report.stopped:
        print_error("not pushed to the hub, because the run is incomplete; run the same command again")
        return SOME_FAILED
    try:
        print(hub.push(out))
    except HubError as error:
        print_error(str(error))
        return SOME_FAILED
    return ALL_DONE
