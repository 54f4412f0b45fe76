"""Every word of the page that is longer than a label, and the small pieces of HTML that carry changing ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from augmentai.engines.base import Estimate, Readiness
from augmentai.web.assets import asset

if TYPE_CHECKING:
    from augmentai.pipeline.merge import Packing
    from augmentai.web.jobs.run import Snapshot

TAGLINE = "More training photos from the ones you have. New light, haze and colours; labels still true."
START = "Make variations"
NOT_PACKED = "The ZIP could not be packed: the server's disk is full, or these results are no longer kept. Try again."
GONE = "These results are no longer kept here. Press the big button to make them again."

HEADER = f"""<header class="aug-header">{asset("logo.svg")}<div><h1>AugmentAI</h1><p>{TAGLINE}</p></div></header>"""

EMPTY = f"""<div class="aug-empty">{asset("empty.svg")}<strong>Your variations appear here</strong>
<span>Drop photos, or try the samples, then press <b>{START}</b>.</span></div>"""

TURNED_AWAY = "The server did not take this job in, or the connection broke off. Try again in a minute."

WAITING = """<div class="aug-status" role="status"><div class="aug-bar aug-bar-idle"><i style="width:0"></i></div>
<span>Waiting for its turn</span></div>"""

NO_REPORT = """<div class="aug-empty"><strong>No report yet</strong>
<span>When a job is done, this tab shows what it made of each class, how far, and by which engine.</span></div>"""

CODE_LEAD = """<div class="aug-lead"><p>The page is an API as well. These calls do what the button would do
with the settings as they are now, and answer with the pictures, the ZIP and the report. Every keyword is explained
under <a href="?view=api">Use via API</a> at the foot of the page.</p></div>"""

ENGINE_NAMES = {
    "auto": "Best available",
    "stability": "Stability AI (hosted, paid)",
    "diffusion": "Diffusion (this GPU)",
    "gan": "Local GAN (any computer)",
}
ENGINE_SHORT = {"stability": "Stability AI", "diffusion": "Diffusion", "gan": "Local GAN"}


def foretold(pictures: int, made: int, engine: str | None, cost: Estimate | None, seconds: float) -> str:
    """What the button would do: how many, by whom, for how much, in what time."""
    if engine is None:
        return ""
    by = f"by {ENGINE_SHORT.get(engine, engine)}"
    if not pictures:
        price = "for credits" if engine == "stability" else "free of charge"
        return f'<p class="aug-line"><b>Ready.</b> Variations are made {by}, {price}.</p>'
    told = f"<b>{count(made, 'variation')}</b> of {count(pictures, 'picture')} {by}"
    price = escape(str(cost)) if cost is not None else "free"
    return f'<p class="aug-line">{told} · {price} · about {duration(seconds)}</p>'


def line(words: str) -> str:
    """One line of text; nothing where there are no words."""
    return f'<p class="aug-line">{escape(words)}</p>' if words else ""


def hint(words: str) -> str:
    """A line beside the main one."""
    return f'<p class="aug-hint">{escape(words[:1].upper() + words[1:])}</p>'


def count(number: int, thing: str) -> str:
    """In words: "1 picture", "2,000 pictures"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def engines(ready: Mapping[str, Readiness], used: str | None, wanted: str) -> str:
    """Which engines are ready, which is used, and why others are not."""
    html = (
        f'<ul class="engines" aria-label="Engines">{"".join(_chip(n, r, used, wanted) for n, r in ready.items())}</ul>'
    )
    if used is None:
        asked = ready.get(wanted)
        why = asked.reason if asked else "; ".join(f"{name}: {r.reason}" for name, r in ready.items())
        return warning(f"No engine is ready. {why}") + html
    faults = [f"{ENGINE_SHORT[name]}: {r.reason}" for name, r in ready.items() if not r.ready and r.configured]
    if faults:
        return html + warning("; ".join(faults))
    if wanted == "auto" and "stability" in ready and not ready["stability"].ready:
        key = "<code>STABILITY_API_KEY</code>"
        html += f'<p class="aug-hint">For Stability AI set {key}, or paste a key under More settings.</p>'
    return html


def _chip(name: str, readiness: Readiness, used: str | None, wanted: str) -> str:
    state = "used" if name == used else "ready" if readiness.ready else "off"
    word = {"used": "used", "ready": "in reserve" if wanted == "auto" else "ready", "off": "not ready"}[state]
    reason = f' title="{escape(readiness.reason, quote=True)}"' if readiness.reason else ""
    dot = '<i aria-hidden="true"></i>'
    return f'<li class="engine engine-{state}"{reason}>{dot}{ENGINE_SHORT[name]} <span>{word}</span></li>'


def warning(words: str) -> str:
    return f'<p class="aug-line aug-warn">{escape(words)}</p>'


def progress(snapshot: Snapshot) -> str:
    """A bar that counts images, the time that is left, the credits used."""
    done, expected = snapshot.done, snapshot.expected
    share = 100 * min(1.0, done / expected) if expected else 0
    parts = [f"<b>{done:,} of {expected:,} images</b>"]
    if 4 <= done < expected and snapshot.seconds > 2:
        parts.append(f"about {duration(snapshot.seconds / done * (expected - done))} left")
    if snapshot.credits:
        parts.append(f"{snapshot.credits:g} credits used")
    if snapshot.failures:
        parts.append(f"{len(snapshot.failures)} could not be done")
    doing = snapshot.doing.words
    parts += [escape(doing)] if doing else []
    begun = expected and (done or doing or snapshot.seconds > 1)
    words = " · ".join(parts) if begun else "Reading the files and waking the engine"
    return (
        f'<div class="aug-status" role="status"><div class="aug-bar" role="progressbar" aria-label="Images done" '
        f'aria-valuemin="0" aria-valuemax="{expected}" aria-valuenow="{done}"><i style="width:{share:.1f}%"></i></div>'
        f"<span>{words}</span></div>"
    )


def summary(report: dict[str, Any]) -> str:
    """What a finished job came to."""
    made = report["engines"]
    by = ", ".join(f"{count} by {escape(ENGINE_SHORT.get(name, name))}" for name, count in made.items())
    lead = "Stopped." if report["stopped"] else "Done." if report["variations"] else "Nothing could be made."
    parts = [f"<b>{lead}</b> {report['headline']}"]
    parts += [by] if by else []
    parts += [f"{report['failed']} could not be done"] if report["failed"] else []
    parts += [escape(report["filtered"])] if report["filtered"] else []
    parts += [f"{report['credits']:g} credits"] if report["credits"] else []
    parts += [f"{report['seconds']} s", f"seed {report['seed']}"]
    look = "aug-done" if report["variations"] else "aug-done aug-warn"
    return f'<div class="aug-status {look}" role="status"><span>{" · ".join(p for p in parts if p)}</span></div>'


def again(report: dict[str, Any], missing: int) -> str:
    """The button that goes on where something is missing."""
    if report["stopped"]:
        return "Go on with the rest"
    return f"Try {'this one' if missing == 1 else f'these {missing}'} again"


def download(kept: int, left_out: int, size_bytes: int | None) -> str:
    """The button that saves the ZIP. size_bytes: None where it is not packed yet."""
    if not kept and not left_out:
        return "Download the list of what failed (ZIP)"
    parts = [count(kept, "image")]
    parts += [f"{left_out:,} left out"] if left_out else []
    parts += [f"{size_bytes / 1e6:.1f} MB"] if size_bytes is not None else []
    return f"Download ZIP ({', '.join(parts)})"


def packing(packing: Packing) -> str:
    """The same button while the ZIP is packed."""
    return f"Packing the ZIP: {packing.done:,} of {packing.expected:,}" if packing.expected else "Packing the ZIP"


def failed(message: str) -> str:
    """Why a job could not be done at all."""
    return f'<div class="aug-status aug-done aug-warn" role="alert"><span>{escape(message)}</span></div>'


def troubles(report: dict[str, Any] | None, failures: Sequence[dict[str, str]]) -> str:
    """Tables: files that could not be done, engines that passed, things to know. Empty where there is nothing."""
    html = _table("Could not be done", ("File", "Why"), [(f["file"], f["reason"]) for f in failures])
    if report:
        lost = {failure["file"] for failure in failures}  # no other engine made these
        fallbacks = [row for row in report["fallbacks"] if row["file"] not in lost]
        notices = report["notices"]
        rows = [(f["file"], f"{ENGINE_SHORT.get(f['engine'], f['engine'])}: {f['reason']}") for f in fallbacks]
        html += _table("Made by another engine", ("File", "Why"), rows)
        html += _table("Good to know", ("Notice",), [(n,) for n in notices])
    return html


def _table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[:200])
    more = f"<p>{len(rows) - 200} more in manifest.jsonl</p>" if len(rows) > 200 else ""
    caption = f"{escape(title)} ({len(rows)})"
    table = f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="aug-table">{table}{more}</div>'


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
