"""The command line: `augmentai PHOTOS... -o OUT`. A thin front end to `augmentai.pipeline`; loads no web code."""

from __future__ import annotations

import signal
import sys
from dataclasses import fields, replace
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from augmentai import __version__
from augmentai.cli.console import NOTHING_DONE, console, foretell, leave, progress, tell
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.recipe_file import load_recipe
from augmentai.dataset.writers.base import OutputError
from augmentai.dataset.writers.folder import resolve_recipe
from augmentai.dataset.writers.hub import Hub, HubError
from augmentai.engines import available
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import (
    AUTO,
    MAX_PER_CLASS,
    MAX_PER_SOURCE,
    MAX_RETRIES,
    MAX_VARIATIONS,
    SEED_LIMIT,
    Recipe,
    RecipeError,
)
from augmentai.recipe_fields import by_name
from augmentai.settings import SettingsError, load_settings

ALL_DONE, SOME_FAILED = 0, 1
_WORKING = "augmenting"

FormatName = Literal["same", "png", "jpeg", "webp"]
if TYPE_CHECKING:
    LayoutName = str
    TargetName = str
else:  # with the formats of other packages
    LayoutName, TargetName = Literal[by_name("layout").kind.choices()], Literal[by_name("to").kind.choices()]
OriginalsName = Literal["auto", "copy", "link", "none"]
SplitsName = Literal["copy", "leave-out"]
GeometryName = Literal["auto", "none", "flip", "light", "strong"]
DriftName = Literal["reject", "mark"]
_DEFAULT = Recipe()

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _strength(words: str) -> float | str:
    try:
        return by_name("strength").kind.check("strength", by_name("strength").from_form(words))
    except RecipeError as error:
        raise typer.BadParameter(str(error)) from error


def _version(wanted: bool) -> None:
    if wanted:
        print(f"augmentai {__version__}")
        raise typer.Exit


@app.command(epilog="`augmentai replay RUN` makes the pictures of an earlier run again; see `augmentai replay --help`.")
def augment(
    context: typer.Context,
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Photos, folders (class folders are kept) and ZIPs.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A new or empty folder, or a new .zip file; or the folder of a run that was broken off, to go on.",
        ),
    ] = None,
    variations: Annotated[
        int, typer.Option("--variations", "-n", min=1, max=MAX_VARIATIONS, help="Of each picture.")
    ] = _DEFAULT.variations,
    strength: Annotated[
        str,
        typer.Option(
            "--strength",
            "-s",
            parser=_strength,
            metavar="0..1|auto",
            help="0 is the picture itself, 1 as far from it as the engine goes; auto: as far as the set bears.",
        ),
    ] = AUTO,
    engine: Annotated[
        str,
        typer.Option("--engine", "-e", metavar=by_name("engine").kind.values(), help=by_name("engine").setting.help),
    ] = _DEFAULT.engine,
    prompt: Annotated[
        str,
        typer.Option(
            "--prompt",
            "-p",
            help="What to show, for engines that read a prompt; {label} stands for the class folder's name.",
        ),
    ] = _DEFAULT.prompt,
    negative_prompt: Annotated[
        str, typer.Option("--negative-prompt", help="What not to show.")
    ] = _DEFAULT.negative_prompt,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=SEED_LIMIT, help="0 draws one and tells it.")
    ] = _DEFAULT.seed,
    output_format: Annotated[
        FormatName, typer.Option("--format", "-f", help="File format of the variations.")
    ] = "same",
    saved: Annotated[
        Path | None,
        typer.Option(
            "--recipe",
            metavar="FILE",
            help="Saved settings: a run's recipe.yaml, or one of your own. Other flags override it.",
        ),
    ] = None,
    geometry: Annotated[
        GeometryName,
        typer.Option(
            "--geometry",
            "-g",
            help="Move it besides: flip; light: flip, crop, small turn; strong: also perspective. "
            "auto flips photos sorted into classes; choose light if your training does not crop by itself.",
        ),
    ] = "auto",
    mirror: Annotated[
        bool, typer.Option("--flip/--no-flip", help="Geometry may swap left and right; --no-flip where they matter.")
    ] = _DEFAULT.mirror,
    least_visible: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of a labelled thing that geometry must leave, or its label goes."),
    ] = _DEFAULT.least_visible,
    filters: Annotated[
        bool,
        typer.Option(
            "--filters/--no-filters",
            help="Reject and try again what would not help: copies, flat, blurred, duplicates.",
        ),
    ] = _DEFAULT.filters,
    retries: Annotated[
        int, typer.Option(min=0, max=MAX_RETRIES, help="Tries after one that a filter rejected.")
    ] = _DEFAULT.retries,
    paid_retries: Annotated[
        bool, typer.Option("--paid-retries", help="Try again also where the rejected try cost credits.")
    ] = False,
    drift: Annotated[
        DriftName, typer.Option(help="Where an engine has painted over something labelled: reject it, or mark it only.")
    ] = "reject",
    push_to_hub: Annotated[
        str,
        typer.Option(metavar="USER/NAME", help="Send the finished folder to the Hugging Face hub; needs HF_TOKEN."),
    ] = "",
    private: Annotated[bool, typer.Option("--private", help="With --push-to-hub: for your eyes only.")] = False,
    layout: Annotated[
        LayoutName, typer.Option("--layout", help="Dataset format; auto detects it. folders: no labels.")
    ] = "auto",
    to: Annotated[TargetName, typer.Option("--to", help="Format to write; same: as the input.")] = "same",
    originals: Annotated[
        OriginalsName,
        typer.Option(
            "--originals", help="Whether the result holds them too; auto: copied for a set, left out for loose photos."
        ),
    ] = "auto",
    splits: Annotated[
        SplitsName,
        typer.Option("--splits", help="Validation and test pictures are never varied; copy them or leave them out."),
    ] = "copy",
    per_class: Annotated[
        int,
        typer.Option(
            "--per-class", min=0, max=MAX_PER_CLASS, help="Grow each class to so many pictures, in place of -n of each."
        ),
    ] = _DEFAULT.per_class,
    balance: Annotated[bool, typer.Option("--balance", help="Grow all classes to the size of the largest.")] = False,
    most_per_source: Annotated[
        int, typer.Option(min=1, max=MAX_PER_SOURCE, help="Of one picture, with --per-class or --balance.")
    ] = _DEFAULT.most_per_source,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and what it would cost at most; do nothing.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Make synthetic variations of photographs, in the same folders, with a manifest.

    The same command into the same folder goes on with a run that was stopped or killed, and tries what failed again,
    with new seeds where filters left it out.

    Exit status: 0 all done, 1 some files failed, 2 nothing could be done or the command was wrong.
    """
    if out is None and not dry_run:
        raise typer.BadParameter("give a new or empty folder, or a new .zip file", param_hint="'--out' / '-o'")
    if push_to_hub and out is not None and out.suffix.lower() == ".zip":
        raise typer.BadParameter("a folder is sent to the hub, not a ZIP", param_hint="'--out' / '-o'")
    try:
        settings = load_settings()
        recipe = _recipe(context, saved)
        if out is not None:
            recipe = resolve_recipe(out, recipe)
        hub = Hub(push_to_hub, settings, private) if push_to_hub else None
        if hub is not None and not dry_run:
            hub.check()  # before the work, since it would be for nothing
    except (SettingsError, RecipeError, OutputError, HubError) as error:
        leave(str(error))
    gathered = gather(inputs, limits(settings), skip=out, layout=recipe.layout)
    stop = Event()
    try:
        job = Job(gathered, recipe, settings, available(settings), stop)
    except RecipeError as error:
        leave(str(error))
    if not gathered.sources:
        tell(job.report.as_dict(), None)
        leave("there is no picture to work on")
    if dry_run or out is None:
        foretell(job)
        return
    stop_on_signals(stop)
    status = run(job, out, inputs)
    if hub is not None and status != NOTHING_DONE:
        status = max(status, _push(hub, job, out))
    raise typer.Exit(status)


def run(job: Job, out: Path, inputs: list[Path]) -> int:
    """Do a job into `out` with a progress bar, and tell what it came to. Returns the exit status."""
    try:
        with progress() as bar:
            task = bar.add_task(_WORKING, total=job.plan.total)
            job.on_progress = lambda words, share: bar.update(task, description=words or _WORKING)
            missing = 0
            for outcome in run_to_disk(job, out, inputs):
                if not outcome.ok:  # what cannot be made is not waited for: all of a source's, where it cannot be read
                    missing += 1 if outcome.index else job.plan.count(outcome.source)
                done = job.report.variations
                bar.update(task, completed=done, total=max(job.plan.total - missing, done))
    except OutputError as error:
        if not job.report.variations:
            leave(str(error))
        console.print(f"augmentai: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True)
        job.report.stopped = True
    report = job.report.as_dict()
    tell(report, out)
    if not report["variations"]:
        return NOTHING_DONE
    return SOME_FAILED if report["failed"] or report["stopped"] else ALL_DONE


def _push(hub: Hub, job: Job, out: Path) -> int:
    """Send a finished run to the hub. Returns the exit status."""
    if job.report.stopped:
        console.print("not sent to the hub, since it is not finished; run the same again", style="bold red")
        return SOME_FAILED
    try:
        print(hub.push(out))
    except HubError as error:
        console.print(f"augmentai: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True)
        return SOME_FAILED
    return ALL_DONE


def _recipe(context: typer.Context, saved: Path | None) -> Recipe:
    """The saved recipe, or the usual one, with what the flags say in its place. Flags are named as its fields are."""
    flags = {
        field.name: context.params[field.name]
        for field in fields(Recipe)
        if (source := context.get_parameter_source(field.name)) and source.name == "COMMANDLINE"
    }
    return replace(load_recipe(saved) if saved is not None else _DEFAULT, **flags)


def stop_on_signals(stop: Event) -> None:
    """The first Ctrl-C ends the job after the picture in hand and keeps what is finished; the second ends at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)


def main() -> None:
    """`augmentai INPUT...` needs no word for what it does; `augmentai replay RUN` and `augmentai web` do."""
    if sys.argv[1:2] == ["web"]:
        from augmentai.web.launch import main as open_page

        open_page(sys.argv[2:], "augmentai web")
        return
    if sys.argv[1:2] == ["replay"]:
        from augmentai.cli.replay import app as replay_app

        replay_app(sys.argv[2:], prog_name="augmentai replay")
    app(prog_name="augmentai")
