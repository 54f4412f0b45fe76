"""The words of the tab "Does it help?"."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from augmentai.lift import LiftReport
from augmentai.plurals import counted, duration
from augmentai.web import texts
from augmentai.web.lift_time import LiftSize

START = "Measure"
CURRENT = "These settings"
LEAD = """<div class="aug-lead"><p>Measured on your own images: one model is trained on flips and crops of them,
another with half of those replaced by variations; both are tested on images that neither has seen. It is a quick look:
it notices effects of about 5 points and more, and it does not rank recipes.</p></div>"""
EMPTY = """<div class="aug-empty"><strong>Nothing measured yet</strong>
<span>The answer for each recipe appears here: helps, hurts, or cannot tell with so few images.</span></div>"""
QUEUED = texts.QUEUED
STOPPED = '<div class="aug-status aug-done" role="status"><span><b>Stopped.</b> Nothing was measured.</span></div>'
_HALF_INTERVAL = 43.0  # points, with one image; measured with 25 to 200 test images
_MOST_HALF = 50


def forecast(size: LiftSize, seconds: float, class_names: Sequence[str | None]) -> str:
    """What *Measure* will do and how long it takes, or why nothing can be measured, as HTML.

    Args:
        size: how much is to be measured.
        seconds: how long it takes.
        class_names: of the images to train on; None for images without a class.
    """
    if not size.training:
        return texts.line("First drop a set of images with classes on the tab Make, or try the samples there.")
    if reason := _unfit(class_names):
        return texts.warning(f"This set cannot be measured: {reason}")
    if not size.recipes:
        return texts.warning("Choose what to measure.")
    tested = f"{counted(size.held_out, 'held-out image')}" if size.held_out else "each image in turn"
    words = f"{counted(size.recipes, 'recipe')} on {counted(size.training, 'image')}, tested on {tested}"
    line = f'<p class="aug-line"><b>{words}</b> · free · about {duration(seconds)}</p>'
    if size.by_cells:
        return line + texts.hint("Measured by what each part of an image shows: points are of mean average precision.")
    half = min(_MOST_HALF, math.ceil(_HALF_INTERVAL / math.sqrt(size.tested)))
    hint = f"With {counted(size.tested, 'test image')}, expect intervals of about ±{half} points."
    return line + texts.hint(hint)


def _unfit(names: Sequence[str | None]) -> str:
    """Why images of these classes cannot be measured; "" if they can, or it will only be known later."""
    classes = {name for name in names if name is not None}
    if not classes and names:
        return "its images have no classes. Put the images of each class into a folder of its own."
    if len(classes) == 1:
        return f"it has one class ({next(iter(classes))}). Add a folder with images of another one."
    return ""


def progress(words: str, share: float, seconds: float) -> str:
    """A measurement at work. share: of the work that is done. seconds: since the start."""
    left = f" · about {duration(seconds / share * (1 - share))} left" if share > 0.08 and seconds > 3 else ""
    label = escape(words[:1].upper() + words[1:])
    return (
        '<div class="aug-status" role="status"><div class="aug-bar" role="progressbar" aria-label="Progress" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{100 * share:.0f}"><i style="width:{100 * share:.1f}%">'
        f"</i></div><span><b>{100 * share:.0f} %</b> · {label}{left}</span></div>"
    )


def done(report: LiftReport) -> str:
    """A finished measurement in one line."""
    found = f"{counted(len(report.recipes), 'recipe')} measured"
    return (
        f'<div class="aug-status aug-done" role="status"><span><b>Done.</b> {found} · {report.seconds:g} s · seed '
        f"{report.seed}</span></div>"
    )


def save_link(content: Mapping[str, Any]) -> str:
    """A link that saves a measurement as `lift.json`, with the file in the link itself."""
    data = base64.b64encode(json.dumps(content, indent=2, ensure_ascii=False).encode()).decode()
    hint = texts.hint("For the dataset card of a run on the command line: augmentai run ... --lift lift.json")
    link = f'<a class="aug-button" download="lift.json" href="data:application/json;base64,{data}">Save lift.json</a>'
    return link + hint
