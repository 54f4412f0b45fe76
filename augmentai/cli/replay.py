"""`augmentai replay`: an earlier run repeated and compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from augmentai.cli.console import ALL_DONE, SOME_FAILED, print_line, print_notes, quit_with
from augmentai.cli.run import run_job
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.base import OutputError
from augmentai.engines import available
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.replay import EarlierRun, ReplayError, check, compare
from augmentai.pipeline.resolve import resolve_run
from augmentai.pipeline.run import run_record_for
from augmentai.recipe import RecipeError
from augmentai.settings import SettingsError, load_settings
from augmentai.storage import Place, Store


def replay(earlier: Place, inputs: Sequence[Place] = (), out: Place | None = None) -> int:
    """Repeat an earlier run and compare.

    Args:
        earlier: its folder or ZIP, by path or URL.
        inputs: what it was made from; by default the inputs that its recipe names.
        out: the output; by default a folder beside the run, or in the current one if the run is at a URL.

    Returns:
        The exit status: 1 if images differ.
    """
    try:
        settings = load_settings()
        before = EarlierRun(earlier)
        sources = list(inputs) or before.inputs()
        out = out or _beside(earlier)
        recipe = resolve_run(out, before.record.recipe, available(settings))
        gathered = gather(sources, limits(settings), skip=out, layout=recipe.layout)
        job = Job(gathered, recipe, settings, available(settings), retry_round=before.record.retry_round)
        now, gathered = run_record_for(job, sources, out), job.gathered
        print_notes(check(before, now, gathered.sources, job.engines, gathered.holdout))
    except (SettingsError, RecipeError, ReplayError, OutputError) as error:
        quit_with(str(error))
    status = run_job(job, out, sources)
    if status not in {ALL_DONE, SOME_FAILED} or job.report.stopped:
        return status
    comparison = compare(before, EarlierRun(out))
    print_line(str(comparison))
    return SOME_FAILED if comparison.different else status


def _beside(earlier: Place) -> Path:
    if isinstance(earlier, Store):
        return Path.cwd() / f"{PurePosixPath(earlier.url).name}-replay"
    home = earlier.resolve()
    return home.with_name(f"{home.stem if earlier.is_file() else home.name}-replay")
