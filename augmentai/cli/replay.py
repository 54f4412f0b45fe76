"""`python -m augmentai replay RUN`: an earlier run made again."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from augmentai.cli.app import ALL_DONE, SOME_FAILED, run, stop_on_signals
from augmentai.cli.console import console, leave
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.base import OutputError
from augmentai.dataset.writers.folder import resolve_recipe
from augmentai.engines import available
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.replay import EarlierRun, ReplayError, check, compare
from augmentai.pipeline.run import run_record_for
from augmentai.recipe import RecipeError
from augmentai.settings import SettingsError, load_settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def replay(
    earlier: Annotated[Path, typer.Argument(metavar="RUN", help="The folder or ZIP of an earlier run.")],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[INPUT]...", help="What it was made from, where that lies elsewhere now."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A new or empty folder; RUN-replay by default.")
    ] = None,
) -> None:
    """Make the pictures of an earlier run again, from its recipe.yaml and the same photographs, and compare.

    The same photographs, settings, models and versions give the same pixels. Engines that cannot promise that are named
    before the run starts.

    Exit status: 0 all the same, 1 some differ or failed, 2 it could not be done.
    """
    try:
        settings = load_settings()
        before = EarlierRun(earlier)
        given = inputs or before.inputs()
        home = earlier.resolve()
        out = out or home.with_name(f"{home.stem if earlier.is_file() else home.name}-replay")
        recipe = resolve_recipe(out, before.record.recipe)
        stop = Event()
        gathered = gather(given, limits(settings), skip=out, layout=recipe.layout)
        job = Job(gathered, recipe, settings, available(settings), stop, retry_round=before.record.retry_round)
        for difference in check(before, run_record_for(job, given, out), gathered.sources, job.engines):
            console.print(f"note: {difference}", markup=False, highlight=False, soft_wrap=True)
    except (SettingsError, RecipeError, ReplayError, OutputError) as error:
        leave(str(error))
    stop_on_signals(stop)
    status = run(job, out, given)
    if status not in {ALL_DONE, SOME_FAILED} or job.report.stopped:
        raise typer.Exit(status)
    comparison = compare(before, EarlierRun(out))
    console.print(str(comparison), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(SOME_FAILED if comparison.different else status)
