"""What the command line says: what would be done, how far it is, and what it came to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from augmentai.engines.paid import PaidEngine
from augmentai.pipeline.job import Job

NOTHING_DONE = 2  # exit status
_ROWS_SHOWN = 20

console = Console(stderr=True)


def leave(message: str) -> NoReturn:
    """Say what was wrong and end the program."""
    console.print(f"augmentai: {message}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(NOTHING_DONE)


def foretell(job: Job) -> None:
    """What a run would do, engine by engine, and its price; asks the hosted account's balance, which is free."""
    tell(job.report.as_dict(), None)
    lines = [f"{job.plan.total} variations of {len(job.gathered.sources)} pictures"]
    if job.gathered.holdout:
        lines.append(f"{len(job.gathered.holdout)} pictures for validation and test are not varied")
    for engine in job.engines:
        if job.recipe.engine in {"auto", engine.name}:
            readiness = engine.readiness()
            lines.append(f"{engine.name}: {'ready' if readiness.ready else readiness.reason}")
    if job.plan.estimate is not None:
        charging = (engine for engine in job.engines if engine.name == job.plan.estimate.engine)
        balance = next((engine.balance() for engine in charging if isinstance(engine, PaidEngine)), None)
        lines.append(
            f"cost: {job.plan.estimate}" + (f"; the account holds about {balance:,.0f}" if balance is not None else "")
        )
    print("\n".join(lines))


def progress() -> Progress:
    """A bar of what is made so far."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )


def tell(report: dict[str, Any], out: Path | None) -> None:
    """The summary: what was made, by whom, what was not and why, and where it lies."""
    _rows("Could not be done", [(f["file"], f["reason"]) for f in report["failures"]])
    _rows("Made by another engine", [(f["file"], f"{f['engine']}: {f['reason']}") for f in report["fallbacks"]])
    for notice in report["notices"]:
        console.print(f"note: {notice}", markup=False, highlight=False, soft_wrap=True)
    if out is None:
        return
    engines = ", ".join(f"{count} by {name}" for name, count in report["engines"].items()) or "none"
    lead = "stopped: " if report["stopped"] else ""
    credits = f", {report['credits']:g} credits" if report["credits"] else ""
    if report["held"] == report["variations"] > 0 and not report["stopped"]:
        lead = "nothing left to do: "
    elif report["held"]:
        lead += f"went on after {report['held']} made before: "
    console.print(
        f"{lead}{report['headline']} ({engines}), "
        f"{report['failed']} failed{credits}, {report['seconds']} s, seed {report['seed']}",
        markup=False,
        soft_wrap=True,
    )
    if report["filtered"]:
        console.print(report["filtered"], markup=False, highlight=False, soft_wrap=True)
    print(out, file=sys.stdout)


def _rows(title: str, rows: list[tuple[str, str]]) -> None:
    if not rows:
        return
    table = Table("File", "Why", title=f"{title} ({len(rows)})", title_justify="left")
    for file, why in rows[:_ROWS_SHOWN]:
        table.add_row(Text(file.encode("utf-8", "replace").decode()), Text(why))
    if len(rows) > _ROWS_SHOWN:
        table.add_row("...", f"{len(rows) - _ROWS_SHOWN} more in the manifest")
    console.print(table)
