"""What stands in place of results before the first job: two photos with variations, and the engines."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from html import escape

from augmentai.engines import is_listed
from augmentai.engines.base import Engine
from augmentai.engines.paid import PaidEngine
from augmentai.plurals import duration
from augmentai.recipe import Recipe
from augmentai.web import texts
from augmentai.web.assets import HERE

_SHOWN = ("abcd", "efgh")  # a photo of the samples and three of its variations, made on any machine
_MEGAPIXEL = 1e6


def first_screen(engines: Sequence[Engine]) -> str:
    """The empty state of the results, as HTML. engines: in order of preference; those worth listing get a card."""
    cards = "".join(_card(engine) for engine in engines if is_listed(engine, engine.readiness()))
    return (
        f'<div class="aug-empty aug-first"><div class="first-photos">{_photos()}</div>'
        "<strong>Your variations appear here</strong>"
        f"<span>Drop photos, or try the samples, then press <b>{texts.START}</b>. You get a ZIP laid out as your set, "
        "with its labels, and a line on every image in manifest.jsonl.</span>"
        f'<ul class="first-engines" aria-label="What each engine does">{cards}</ul></div>'
    )


@cache
def _photos() -> str:
    return "".join(_photo(name, is_source=number == 0) for row in _SHOWN for number, name in enumerate(row))


def _photo(name: str, is_source: bool) -> str:
    data = base64.b64encode((HERE / "first" / f"{name}.webp").read_bytes()).decode()
    alt = "A sample photo" if is_source else "The same photo, as it was varied for nothing"
    image = f'<img src="data:image/webp;base64,{data}" alt="{alt}" width="264" height="176">'
    return f"<figure>{image}<figcaption>Source</figcaption></figure>" if is_source else f"<figure>{image}</figure>"


def _card(engine: Engine) -> str:
    state = engine.readiness()
    facts = [_price(engine), f"about {duration(engine.seconds_per_image(_MEGAPIXEL))} per megapixel image"]
    needs = "Ready" if state.ready else engine.setup_hint or state.reason
    kind = "first-ready" if state.ready else "first-off"
    return (
        f'<li class="{kind}"><h3>{escape(engine.title)}</h3><p>{escape(engine.changes or engine.blurb)}</p>'
        f'<p class="first-facts">{" · ".join(facts)}</p><p class="first-needs">{texts.with_code(needs)}</p></li>'
    )


def _price(engine: Engine) -> str:
    if not isinstance(engine, PaidEngine):
        return "Free"
    try:
        credits = engine.credits_per_image(Recipe())
    except Exception:  # its settings make no valid request, and its readiness says so; or another package's fault
        return "Paid"
    return f"{credits:g} credits ({texts.dollars(credits)}) per image"
