"""What the command line prints: the plan, the progress bar, problems under their headings, the summary."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from augmentai.dataset.file_names import printable
from augmentai.engines.paid import PaidEngine
from augmentai.pipeline.forecast import forecast_time
from augmentai.pipeline.job import Job
from augmentai.pipeline.prompt_preview import preview_prompts
from augmentai.plurals import counted, duration

ALL_DONE, SOME_FAILED, NOTHING_DONE = 0, 1, 2  # exit status
_ROWS_SHOWN = 20
_SKIPPED_SHOWN = 5

console = Console(stderr=True)


def print_error(message: str) -> None:
    """One line in red, with the program's name."""
    console.print(f"augmentai: {message}", style="bold red", markup=False, highlight=False, soft_wrap=True)


def quit_with(message: str) -> NoReturn:
    """Print what was wrong and end the program; nothing was done."""
    print_error(message)
    sys.exit(NOTHING_DONE)


def print_line(words: str) -> None:
    """One line as it is, however long, beside the results that go to standard output."""
    console.print(words, markup=False, highlight=False, soft_wrap=True)


def progress_bar() -> Progress:
    """A bar that counts the variations made so far."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )


def print_plan(job: Job) -> None:
    """What a run would do, which engines are ready, and the maximum cost. Asks a paid account's balance, which is
    free."""
    report, plan = job.report.as_dict(), job.plan
    unusable = [{"file": one.file, "reason": one.reason} for one in plan.unusable.values()]
    print_problems({**report, "failures": [*report["failures"], *unusable]})
    usable = counted(len(plan.sources) - len(unusable), "image")
    lines = [f"{counted(plan.expected, 'variation')} of {usable}"]
    if unusable:
        lines.append(f"{counted(len(unusable), 'image')} will be skipped: see Failed")
    if holdout := job.gathered.holdout:
        apart = sum(source.split is None for source in holdout)
        if len(holdout) > apart:
            lines.append(f"{counted(len(holdout) - apart, 'validation or test image')} will not be augmented")
        if apart:
            lines.append(f"{counted(apart, 'image')} in no split will not be augmented")
        if job.recipe.filters and job.recipe.thresholds.held_out and not job.gathered.made_split:
            lines[0] = f"up to {lines[0]}"
            lines.append("training images nearly the same as one of these will be skipped: see augmentai inspect")
    for engine in job.engines:
        if engine.serves(job.recipe.engine):
            readiness = engine.readiness()
            state = "ready" if readiness.ready else readiness.reason
            lines.append("; ".join((f"{engine.name}: {state}", *engine.unused_settings(job.recipe))))
    lines += _time(job)
    if prompts := preview_prompts(plan, job.engines):
        lines.append(f"prompts ({'all' if len(prompts) == plan.total else f'the first {len(prompts)}'}):")
        lines += [f"  {printable(path)}, variation {index}: {prompt}" for path, index, prompt in prompts]
    lines += _done_before(job)
    cost = job.estimate_of_rest
    if cost is not None:
        charging = (engine for engine in job.engines if engine.name == cost.engine)
        balance = next((engine.balance() for engine in charging if isinstance(engine, PaidEngine)), None)
        left = f"; the account has about {balance:,.0f} credits" if balance is not None else ""
        lines.append(f"cost: {cost}{left}")
    print("\n".join(lines))


def _time(job: Job) -> list[str]:
    """How long the run will take by the first guess of the engine that is asked first."""
    forecast = forecast_time(job)
    if forecast is None or not job.left_to_make:
        return []
    each = duration(forecast.each) if forecast.each >= 1 else "less than 1 s"
    total = duration(forecast.each * job.left_to_make)
    return [f"time: about {total} by {forecast.engine}, by a first guess of {each} an image"]


def _done_before(job: Job) -> list[str]:
    """What an interrupted run has left for this one, in words."""
    left, stored = job.left_to_make, job.left_to_make - job.left_to_buy
    parts = [f"{counted(left, 'variation')} left to make"] if left < job.plan.total or stored else []
    parts += [f"{stored} of them paid for already"] if stored else []
    spent = job.ledger.committed()
    parts += [f"{spent:g} credits were spent before"] if spent else []
    return [f"resumes: {'; '.join(parts)}"] if parts else []


def print_problems(report: dict[str, Any]) -> None:
    """Failures, fallbacks and notes; each file is under one heading only.

    Args:
        report: see `Report.as_dict`.
    """
    failed = {failure["file"] for failure in report["failures"]}
    fallbacks = [row for row in report["fallbacks"] if row["file"] not in failed]  # no other engine made those
    _print_table("Failed", [(row["file"], row["reason"]) for row in report["failures"]])
    _print_table("Fallbacks", [(row["file"], f"{row['engine']}: {row['reason']}") for row in fallbacks])
    print_notes(report["notices"])


def print_notes(notes: Sequence[str]) -> None:
    """Things to know, one per line."""
    if notes:
        print_line("\n".join((f"Notes ({len(notes)})", *(f"- {note}" for note in notes))))


def print_skipped(job: Job) -> None:
    """The images that a run will skip, before it starts; at its end they are listed with everything that failed."""
    reasons = [f"{one.file}: {one.reason}" for one in job.plan.unusable.values()]
    if reasons:
        more = len(reasons) - _SKIPPED_SHOWN
        lines = reasons[:_SKIPPED_SHOWN] + ([f"and {more:,} more"] if more > 0 else [])
        print_line("\n- ".join((f"{counted(len(reasons), 'image')} will be skipped:", *lines)))


def print_summary(report: dict[str, Any], out: str) -> None:
    """The result of a run in one line, what the filters did, and, on standard output, where the result is."""
    parts = [f"{count:,} by {name}" for name, count in report["engines"].items()]
    parts += [f"{report['credits']:g} credits"] if report["credits"] else []
    parts += [f"{report['seconds']} s", f"seed {report['seed']}"]
    print_line(f"{_lead(report)}{report['headline']} ({', '.join(parts)})")
    if report["filtered"]:
        print_line(report["filtered"])
    if report["diversity"]:
        print_line(report["diversity"]["sentence"])
    print(out, file=sys.stdout)


def _lead(report: dict[str, Any]) -> str:
    """How the run ended, if it did not simply finish."""
    resumed, stopped = report["held"], report["stopped"]
    if resumed == report["variations"] > 0 and not (stopped or report["failed"]):
        return "nothing left to do: "
    parts = ["stopped"] if stopped else []
    parts += [f"resumed ({resumed:,} already done)"] if resumed else []
    return f"{', '.join(parts)}: " if parts else ""


def _print_table(title: str, rows: Sequence[tuple[str, str]]) -> None:
    if not rows:
        return
    table = Table("File", "Reason", title=f"{title} ({len(rows)})", title_justify="left")
    for file, why in rows[:_ROWS_SHOWN]:
        table.add_row(Text(file.encode("utf-8", "replace").decode()), Text(why))
    if len(rows) > _ROWS_SHOWN:
        table.add_row("...", f"{len(rows) - _ROWS_SHOWN} more in the manifest")
    console.print(table)
