"""What the page says of the preview of settings, as HTML."""

from __future__ import annotations

from html import escape

from augmentai.engines.base import Engine
from augmentai.engines.prompts import preview_prompt
from augmentai.inspection.setting_preview import PREVIEW_SEED, other_operations, own_operations
from augmentai.recipe import AUTO, Recipe
from augmentai.types import Source, variation_seed
from augmentai.web import texts

READING = "Making the preview …"
SLOW_OPERATIONS = texts.warning("These operations take too long to be shown here. A job applies them all the same.")
_PROMPTS_SHOWN = 3


def not_made(error: Exception) -> str:
    """Why there is none."""
    return f"The preview cannot be made: {error}"


def variations(engine: Engine, recipe: Recipe, strength: float, is_exact: bool) -> str:
    """What is said above variations.

    Args:
        engine: what made them.
        recipe: what was asked for.
        strength: the one that is used.
        is_exact: whether the preview knows all images that the engine may borrow from.
    """
    these = "these" if is_exact and not other_operations(recipe) else "similar ones"
    seed = recipe.seed or PREVIEW_SEED
    how = f"With seed {seed} a run makes {these} at full size, unless a filter rejects one."
    if not recipe.seed:
        how += " Without a seed its variations differ in detail."
    lead = _strength(recipe, strength) if engine.paints else _status("Geometry and operations alone")
    return lead + _hint(f"{how} {_left_out(recipe)}")


def strengths(recipe: Recipe, strength: float) -> str:
    """What is said above strengths."""
    return _strength(recipe, strength) + _hint(f"Variation 1 at five strengths. {_left_out(recipe)}")


def operations(recipe: Recipe) -> str:
    """What is said above operations."""
    if not own_operations(recipe):
        lead = "No operation is chosen" if not recipe.operations else "None of the operations works on one image"
        return _status(lead) + _hint(_left_out(recipe) or "Choose operations under More settings.")
    how = "Each operation alone; a run applies them in order, each as often as its probability says."
    return _status("Operations one by one") + _hint(f"{how} {_left_out(recipe)}")


def no_strength(engine: Engine) -> str:
    """An engine that does not paint has no strength."""
    return _status(f"{engine.title} uses no strength")


def no_preview(engine: Engine | None, recipe: Recipe, source: Source) -> str:
    """Why nothing is made without being asked: it costs credits, or takes too long; and what will be sent."""
    if engine is None:
        return texts.warning("No engine is ready, so only operations can be shown.")
    cost = engine.estimate(recipe, 1)
    price = f"{cost.credits_each:g} credits ({texts.dollars(cost.credits_each)})" if cost else ""
    why = f"one image costs {price}" if cost else "one image takes too long"
    lead = _status(f"No preview by {engine.title}: {why}")
    lead += _hint("Choose another engine under More settings to see its variations, or look at each operation.")
    return lead + _prompts(engine, recipe, source)


def _prompts(engine: Engine, recipe: Recipe, source: Source) -> str:
    """The prompts of the first variations of an image, for an engine that reads them."""
    if not engine.reads_prompt or recipe.strength == 0:
        return ""
    numbers = range(1, min(recipe.variations, _PROMPTS_SHOWN) + 1)
    seeds = ((number, variation_seed(recipe.seed or PREVIEW_SEED, source.sha256, number)) for number in numbers)
    texts_sent = [preview_prompt(recipe, source.label, number, seed).text for number, seed in seeds]
    example = "" if recipe.seed else " (examples: each run without a seed draws other words)"
    items = "".join(f"<li>{escape(text)}</li>" for text in texts_sent)
    return f'{_hint(f"What {engine.title} will be asked for{example}:")}<ul class="preview-asked">{items}</ul>'


def _strength(recipe: Recipe, strength: float) -> str:
    kind = "Automatic strength" if recipe.strength == AUTO else "Strength"
    return f'<p class="aug-line" role="status">{kind}: <b>{strength:g}</b></p>'


def _left_out(recipe: Recipe) -> str:
    names = list(dict.fromkeys(one.title or one.name for one in other_operations(recipe)))
    return f"Not shown, since they use other images: {', '.join(names)}." if names else ""


def _status(text: str) -> str:
    return f'<p class="aug-line" role="status">{escape(text)}</p>'


def _hint(text: str) -> str:
    return f'<p class="aug-hint">{escape(text.strip())}</p>' if text.strip() else ""
