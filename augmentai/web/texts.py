"""Every word of the page that is longer than a label, and the small pieces of HTML that carry changing ones."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from augmentai.engines.base import Engine

TAGLINE = "More training photos from the ones you have. New light, haze and colours; labels still true."

LOGO = """<svg viewBox="0 0 48 48" width="44" height="44" aria-hidden="true">
<rect x="17" y="3" width="28" height="28" rx="6" fill="#f5b83d" opacity=".55"/>
<rect x="10" y="10" width="28" height="28" rx="6" fill="#3fa796" opacity=".75"/>
<rect x="3" y="17" width="28" height="28" rx="6" fill="#1f5f5b"/>
<circle cx="23.5" cy="24.5" r="3.2" fill="#f5b83d"/>
<path d="M5.5 41 13 30.5l5 6 3.5-4 7 8.5z" fill="#d9f0ea"/></svg>"""

HEADER = f"""<header class="aug-header">{LOGO}<div><h1>AugmentAI</h1><p>{TAGLINE}</p></div></header>"""

EMPTY = """<div class="aug-empty" role="status"><strong>Results appear here.</strong>
<span>Drop photos on the left, or load the samples, and press Augment.</span></div>"""

WAITING = """<div class="aug-progress" role="status"><div class="aug-bar"><i style="width:0"></i></div>
<span>Waiting for its turn</span></div>"""

ENGINE_NAMES = {
    "auto": "Best available",
    "stability": "Stability AI (hosted, paid)",
    "diffusion": "Diffusion (this GPU)",
    "gan": "Local GAN (any computer)",
}

API_DESCRIPTION = (
    "Make synthetic variations of photographs. Returns (gallery, zip_path, report): gallery is a list of "
    "{image, caption}; zip_path a ZIP with every variation in its class folder and manifest.jsonl; report a dict with "
    "sources, variations, failed, engines, seconds, seed, stopped, failures [{file, reason}], fallbacks "
    "[{file, engine, reason}], notices. "
    "files: pictures and ZIPs (class folders inside a ZIP are kept). "
    "prompt: what the variations should show, for the hosted and the diffusion engine; {label} stands for the class "
    "folder's name; empty keeps the subject. negative_prompt: what they should not show. "
    "strength: 0 (the source itself) to 1 (as far from it as the engine goes). variations: 1 to 16 of each picture. "
    "engine: auto (hosted, then GPU, then local, image by image), stability, diffusion or gan (that one alone). "
    "seed: 0 draws one, which the report tells; any other repeats a run exactly. "
    "output_format: same (as the source), png, jpeg or webp. "
    "geometry: none, flip, light (flip, crop, small turn) or strong (also perspective); labels move with the pixels. "
    "mirror: false where left and right matter, so that nothing is flipped."
)


def engine_line(engines: Sequence[Engine]) -> str:
    """One line that says what will do the work, and how to get more."""
    ready = {engine.name: engine.readiness() for engine in engines}
    best = next((engine.name for engine in engines if ready[engine.name].ready), None)
    if best is None:
        reasons = "; ".join(f"{name}: {escape(r.reason)}" for name, r in ready.items())
        return f'<p class="aug-line aug-warn"><b>No engine is ready.</b> {reasons}</p>'
    if best == "stability":
        text = "<b>Stability AI makes the variations</b> (each costs credits); what it cannot do is done here."
    elif best == "diffusion":
        text = "<b>Works on this computer's GPU</b>, with the local GAN as reserve. "
    else:
        text = "<b>Works on this computer</b>, free of charge, sending nothing elsewhere. "
    if best != "stability":
        text += "To use Stability AI, set <code>STABILITY_API_KEY</code> and start again, or paste a key above."
    troubles = [
        f"{escape(ENGINE_NAMES[name])}: {escape(r.reason)}" for name, r in ready.items() if not r.ready and r.configured
    ]
    if troubles:
        text += " " + "; ".join(troubles)
    return f'<p class="aug-line">{text}</p>'


def progress(done: int, failed: int, expected: int, seconds: float) -> str:
    """A progress bar that counts images."""
    share = 100 * min(1.0, done / expected) if expected else 0
    left = ""
    if 4 <= done < expected and seconds > 2:
        left = f" · about {_duration(seconds / done * (expected - done))} left"
    trouble = f" · {failed} could not be done" if failed else ""
    words = (
        f"{done} of {expected} images{trouble}{left}"
        if done or seconds > 1
        else "Reading the files and waking the engine"
    )
    return (
        f'<div class="aug-progress" role="status"><div class="aug-bar" role="progressbar" aria-label="Images done" '
        f'aria-valuemin="0" aria-valuemax="{expected}" aria-valuenow="{done}"><i style="width:{share:.1f}%"></i></div>'
        f"<span>{words}</span></div>"
    )


def summary(report: dict[str, Any]) -> str:
    """What a finished job came to."""
    engines = report["engines"]
    by = ", ".join(f"{count} by {escape(ENGINE_NAMES.get(name, name))}" for name, count in engines.items())
    lead = "Stopped." if report["stopped"] else "Done."
    parts = [f"<b>{lead}</b> {report['headline']}"]
    parts += [by] if len(engines) > 1 or "gan" not in engines else []
    parts += [f"{report['failed']} could not be done"] if report["failed"] else []
    parts += [f"{report['credits']:g} credits"] if report["credits"] else []
    parts += [f"{report['seconds']} s", f"seed {report['seed']}"]
    return f'<div class="aug-progress aug-done" role="status"><span>{" · ".join(p for p in parts if p)}</span></div>'


def failed(message: str) -> str:
    """Why a job could not be done at all."""
    return f'<div class="aug-progress aug-done aug-warn" role="alert"><span>{escape(message)}</span></div>'


def troubles(report: dict[str, Any] | None, failures: Sequence[dict[str, str]]) -> str:
    """Tables: files that could not be done, engines that passed, things to know. Empty where there is nothing."""
    html = _table("Could not be done", ("File", "Why"), [(f["file"], f["reason"]) for f in failures])
    if report:
        fallbacks = report["fallbacks"]
        notices = report["notices"]
        rows = [(f["file"], f"{ENGINE_NAMES.get(f['engine'], f['engine'])}: {f['reason']}") for f in fallbacks]
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


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
