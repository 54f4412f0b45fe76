"""The page's longer texts, and the small pieces of HTML that show changing ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from augmentai.engines import is_listed, title
from augmentai.engines.base import Engine, Readiness
from augmentai.engines.budget import Estimate
from augmentai.engines.paid import Account
from augmentai.plurals import counted, duration
from augmentai.recipe import Recipe
from augmentai.web.assets import asset
from augmentai.web.jobs.snapshot import seconds_left
from augmentai.web.jobs.visitor_jobs import JobState, VisitorJob
from augmentai.web.result_texts import sentence

TAGLINE = "More training photos from the ones you have. New light, haze and colours; labels stay valid."
START = "Make variations"
NOTIFY = "Notify me when it is done"
EXPIRED = f'These results have expired. Press "{START}" to create them again.'
NOT_YOURS = (
    "This address shows no job here. A job can be opened only in the browser that started it, until its results expire."
)
CUT_OFF = "The job was ended, since its page was closed. Start it again."
NOT_QUEUED = "The job did not reach the queue. Start it again."
NOT_PACKED = "The ZIP could not be created: the server's disk is full, or these results have expired. Try again."
NO_FILES = "No files selected. Choose at least one photo or ZIP, or try the samples."
REJECTED = "The server rejected the job, or the connection was lost. Try again in a minute."

_FILES_NAMED = 3  # of those that share a reason
_EARLIER_JOBS = 5  # of a visitor that are listed

HEADER = f"""<header class="aug-header">{asset("logo.svg")}<div><h1>AugmentAI</h1><p>{TAGLINE}</p></div></header>"""

QUEUED = """<div class="aug-status" role="status"><div class="aug-bar aug-bar-idle"><i style="width:0"></i></div>
<span>Queued</span></div>"""

NO_REPORT = """<div class="aug-empty"><strong>No report yet</strong>
<span>After a job, this tab shows the variations per class, how much they changed, and the engines used.</span></div>"""

CODE_LEAD = """<div class="aug-lead"><p>The page is also an API. These calls run the same job with the current settings
and return the images, the ZIP and the report.</p></div>"""


def forecast(images: int, variations: int, engine: Engine | None, cost: Estimate | None, seconds: float) -> str:
    """What the button will do: how many variations, by which engine, at what cost, in what time.

    Args:
        images: uploaded images that may be augmented.
        variations: how many will be made.
        engine: the engine that runs first; None if none is ready.
        cost: the most that it may cost; None if it is free.
        seconds: estimated run time.
    """
    if engine is None:
        return ""
    name = escape(engine.title)
    if not images:
        price = "uses credits" if engine.paid else "free"
        return f'<p class="aug-line"><b>Ready.</b> Engine: {name} ({price})</p>'
    made = f"<b>{counted(variations, 'variation')}</b> of {counted(images, 'image')} by {name}"
    price = f"{escape(str(cost))} · at most {dollars(cost.credits)}" if cost is not None else "free"
    return f'<p class="aug-line">{made} · {price} · about {duration(seconds)}</p>'


def nothing_to_make(recipe: Recipe) -> str:
    """Why a plan without a single variation has none, and what to do."""
    if recipe.per_class:
        least = counted(recipe.per_class, "image")
        return f"Nothing to make: every class has {least} or more. Raise the target per class."
    return "Nothing to make: all classes are as large as the largest one. Switch class balancing off, or set a target."


def dollars(credits: float) -> str:
    """What credits are in money: one is 0.01 US dollars.

    Example:
        >>> dollars(112), dollars(3.5)
        ('$1.12', '$0.035')
    """
    exact = f"{credits / 100:.4f}".rstrip("0")
    return f"${credits / 100:,.2f}" if credits >= 10 or len(exact) < 5 else f"${exact}"


def start_label(cost: Estimate | None) -> str:
    """Label of the button that starts a job. cost: the most that it may cost; None if it is free."""
    if cost is None or not cost.credits:
        return START
    most = min(cost.credits, cost.affordable * cost.credits_each)
    return f"{START} for up to {most:g} credits ({dollars(most)})"


def key_state(account: Account) -> str:
    """What a service says of a visitor's key."""
    if account.refused:
        why = account.refused[:1].upper() + account.refused[1:]
        return f'<p class="aug-line aug-warn" role="alert">{escape(why)}.</p>'
    if account.credits is None:
        return hint("The key could not be checked now; a job will say whether it is accepted.")
    left = f"{account.credits:,.6g} credits left ({dollars(account.credits)})"
    return f'<p class="aug-line aug-key" role="status">Key accepted: <b>{left}</b></p>'


def place(before: int | None) -> str:
    """Where a job stands in the queue, as HTML; nothing if it does not wait. before: how many start before it."""
    if before is None:
        return ""
    return line(f"{counted(before, 'job')} before yours" if before else "Your job is the next one")


def line(text: str) -> str:
    """One line of text; nothing for empty text."""
    return f'<p class="aug-line">{escape(text)}</p>' if text else ""


def hint(text: str) -> str:
    """A subdued line below the main one."""
    return f'<p class="aug-hint">{escape(text[:1].upper() + text[1:])}</p>'


def warning(text: str) -> str:
    """A line that stands out."""
    return f'<p class="aug-line aug-warn">{escape(text)}</p>'


def engines(ready: Mapping[Engine, Readiness], active: Engine | None, wanted: str) -> str:
    """The engines and their states, and why some cannot run.

    Args:
        ready: readiness of each engine.
        active: the engine that runs first; None if none is ready.
        wanted: the engine of the recipe.
    """
    named = ((one, state) for one, state in ready.items() if one is active or is_listed(one, state))
    chips = "".join(_engine_chip(engine, readiness, active, wanted) for engine, readiness in named)
    html = f'<ul class="engines" aria-label="Engines">{chips}</ul>'
    if active is None:
        asked = {engine.name: readiness for engine, readiness in ready.items() if engine.serves(wanted)}
        why = asked[wanted].reason if wanted in asked else "; ".join(f"{name}: {r.reason}" for name, r in asked.items())
        return warning(f"No engine is ready. {why}") + html
    faults = [f"{engine.title}: {r.reason}" for engine, r in ready.items() if not r.ready and r.configured]
    if faults:
        return html + warning("; ".join(faults))
    hints = [engine.setup_hint for engine, r in ready.items() if not r.ready and engine.serves(wanted)]
    return html + "".join(f'<p class="aug-hint">{with_code(text)}</p>' for text in hints if text)


def with_code(text: str) -> str:
    """A sentence as HTML, with backticked words as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _engine_chip(engine: Engine, readiness: Readiness, active: Engine | None, wanted: str) -> str:
    if engine is active:
        kind = state = "active"
    elif readiness.ready:
        kind, state = "ready", "fallback" if engine.serves(wanted) else "ready"
    else:
        kind, state = "off", "unavailable" if readiness.configured else "not configured"
    reason = f' title="{escape(readiness.reason, quote=True)}"' if readiness.reason else ""
    dot = '<i aria-hidden="true"></i>'
    return f'<li class="engine engine-{kind}"{reason}>{dot}{escape(engine.title)} <span>{state}</span></li>'


def progress(done: int, expected: int, seconds: float, credits: float, failed: int, message: str) -> str:
    """A progress bar with the number of images, the time left and the credits used.

    Args:
        done: finished variations.
        expected: all variations of the job; 0 while its inputs are being read.
        seconds: time since the start.
        credits: credits used so far.
        failed: images that failed so far.
        message: what a slow engine is doing.
    """
    share = 100 * min(1.0, done / expected) if expected else 0
    parts = [f"<b>{done:,} of {counted(expected, 'image')}</b>"]
    if (left := seconds_left(done, expected, seconds)) is not None:
        parts.append(f"about {duration(left)} left")
    if credits:
        parts.append(f"{credits:g} credits used")
    if failed:
        parts.append(f"{failed} failed")
    parts += [escape(message)] if message else []
    started = expected and (done or message or seconds > 1)
    text = " · ".join(parts) if started else "Reading files and loading the model"
    return (
        f'<div class="aug-status" role="status"><div class="aug-bar" role="progressbar" aria-label="Progress" '
        f'aria-valuemin="0" aria-valuemax="{expected}" aria-valuenow="{done}"><i style="width:{share:.1f}%"></i></div>'
        f"<span>{text}</span></div>"
    )


def summary(report: Mapping[str, Any]) -> str:
    """What a finished job made."""
    made = ", ".join(f"{number:,} by {escape(title(name))}" for name, number in report["engines"].items())
    lead = "Stopped." if report["stopped"] else "Done." if report["variations"] else "No variations were made."
    parts = [f"<b>{lead}</b> {report['headline']}"]
    parts += [made] if made else []
    parts += [f"{report['failed']:,} failed"] if report["failed"] else []
    parts += [escape(report["filtered"])] if report["filtered"] else []
    parts += [f"{report['credits']:g} credits"] if report["credits"] else []
    parts += [duration(report["seconds"]), f"seed {report['seed']}"]
    classes = "aug-done" if report["variations"] else "aug-done aug-warn"
    return f'<div class="aug-status {classes}" role="status"><span>{" · ".join(p for p in parts if p)}</span></div>'


def resume_label(stopped: bool, incomplete: int, cost: Estimate | None = None) -> str:
    """Label of the button that makes missing variations.

    Args:
        stopped: the job was stopped, rather than finished with failures.
        incomplete: source images that lack some.
        cost: the most that these may cost; None if nothing.
    """
    label = "Resume" if stopped else f"Retry {counted(incomplete, 'failed image')}"
    return f"{label} (up to {cost.credits:g} credits, {dollars(cost.credits)})" if cost and cost.credits else label


def more_label(cost: float) -> str:
    """Label of the button that makes more variations of a source. cost: the most that these may cost, in credits."""
    return f"More like this (up to {cost:g} credits, {dollars(cost)})" if cost else "More like this"


def nothing_made(report: Mapping[str, Any]) -> str:
    """A job made nothing, and the results of the one before it stay."""
    why = report["failures"][0]["reason"] if report["failures"] else report["filtered"]
    lead = "Stopped before the first variation." if report["stopped"] else "No variations were made."
    return failed(f"{lead} {why[:1].upper() + why[1:]}".strip() + "; the results below are those of the job before it.")


def download_label(included: int, excluded: int, size_bytes: int | None) -> str:
    """Label of the button that downloads the ZIP. size_bytes: None if it is not packed yet."""
    if not included and not excluded:
        return "Download error log (ZIP)"
    parts = [counted(included, "image")]
    parts += [f"{excluded:,} excluded"] if excluded else []
    parts += [f"{size_bytes / 1e6:.1f} MB"] if size_bytes is not None else []
    return f"Download ZIP ({', '.join(parts)})"


def packing_label(done: int, expected: int) -> str:
    """Label of the same button while the ZIP is packed."""
    return f"Packing ZIP: {done:,} of {expected:,}" if expected else "Packing ZIP"


def failed(message: str) -> str:
    """Why a job could not run; a first word that is a file stays as it is."""
    return f'<div class="aug-status aug-done aug-warn" role="alert"><span>{escape(sentence(message))}</span></div>'


def interrupted(answers: int) -> str:
    """A job was interrupted after it had paid for so many images that are in no result."""
    words = (
        f"<b>A job was interrupted.</b> {counted(answers, 'image')} that it paid for "
        f"{'is' if answers == 1 else 'are'} kept for a while: press Resume to finish the job without paying for "
        f"{'it' if answers == 1 else 'them'} again, or download {'it' if answers == 1 else 'them'} as received."
    )
    return f'<div class="aug-status aug-done aug-warn" role="status"><span>{words}</span></div>'


def kept_label(answers: int) -> str:
    """Label of the button that downloads what an interrupted job has paid for."""
    return f"Download ZIP ({counted(answers, 'paid image')})"


def tab_title(job: VisitorJob | None, place: int | None = None) -> str:
    """Title of the tab that shows a job. place: how many start before it."""
    words = {JobState.DONE: "Done", JobState.FAILED: "Failed"}.get(job.state, "") if job else ""
    if job and job.state is JobState.QUEUED:
        words = f"Queued ({place + 1})" if place is not None else "Queued"
    elif job and job.state is JobState.RUNNING:
        done, expected = job.snapshot.done, job.snapshot.expected
        words = f"{100 * done // expected} %" if expected else "Starting"
    return f"{words} · AugmentAI" if words else "AugmentAI"


def earlier_jobs(jobs: Sequence[VisitorJob], shown: VisitorJob | None) -> str:
    """A visitor's latest jobs as a list of links. shown: the one that is open."""
    items = "".join(_earlier_job(job, job is shown) for job in jobs[:_EARLIER_JOBS])
    is_open = shown is None or any(job.is_live and job is not shown for job in jobs)
    summary = f"<summary>Your jobs ({len(jobs[:_EARLIER_JOBS])})</summary>"
    return f'<details class="aug-jobs"{" open" if is_open else ""}>{summary}<ul>{items}</ul></details>'


def _earlier_job(job: VisitorJob, is_open: bool) -> str:
    began = datetime.fromtimestamp(job.started, UTC)
    clock = f'<time datetime="{began:%Y-%m-%dT%H:%M:%SZ}">{began:%d %b, %H:%M} UTC</time>'
    link = f'<a class="aug-link" href="?job={job.id}" data-job="{job.id}"{" aria-current=page" if is_open else ""}>'
    ready = job.finished.ready_zip if job.finished is not None and not job.is_live else None
    save = f'<a class="aug-link" data-file="{escape(str(ready), quote=True)}" download>Download</a>' if ready else ""
    return f"<li>{link}{clock}</a><span>{_job_state(job, is_open)}</span>{save}</li>"


def _job_state(job: VisitorJob, is_open: bool) -> str:
    """Where a job is, in words. is_open: its progress is shown beside the list."""
    if job.is_live and is_open:
        return "In progress"
    if job.state is JobState.RUNNING and job.snapshot.expected:
        return f"Running: {job.snapshot.done:,} of {job.snapshot.expected:,}"
    if job.finished is None:
        return job.state.value.capitalize()
    if job.is_live:
        return "Running"
    made = counted(int(job.finished.report["variations"]), "variation")
    return f"Stopped: {made}" if job.finished.report["stopped"] else made


def problems(failures: Sequence[Mapping[str, str]], report: Mapping[str, Any] | None = None) -> str:
    """Tables of failed files, fallbacks and notes; empty without any. report: of a finished job."""
    html = _table("Failed", ("File", "Reason"), [(f["file"], f["reason"]) for f in failures])
    if report:
        lost = {failure["file"] for failure in failures}  # no other engine made these
        fallbacks = [row for row in report["fallbacks"] if row["file"] not in lost]
        by_reason: dict[str, list[str]] = {}
        for one in fallbacks:
            by_reason.setdefault(f"{title(one['engine'])}: {one['reason']}", []).append(one["file"])
        rows = [(_names(files), reason) for reason, files in by_reason.items()]
        html += _table("Fallbacks", ("File", "Reason"), rows, len(fallbacks))
        html += _table("Notes", ("Note",), [(sentence(notice),) for notice in report["notices"]])
    return html


def _names(files: Sequence[str]) -> str:
    """The first of these files, and how many more there are."""
    more = len(files) - _FILES_NAMED
    return ", ".join(files[:_FILES_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], count: int | None = None) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[:200])
    more = f"<p>{len(rows) - 200:,} more in manifest.jsonl</p>" if len(rows) > 200 else ""
    caption = f"{escape(title)} ({len(rows) if count is None else count:,})"
    table = f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="aug-table" tabindex="0" role="region" aria-label="{caption}">{table}{more}</div>'
