"""The prompts that a run will use, before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from augmentai.annotations import LabelError
from augmentai.dataset.formats.masks.companions import caption_of
from augmentai.engines.base import Engine
from augmentai.engines.prompts import preview_prompt
from augmentai.pipeline.plan import RunPlan
from augmentai.recipe.prompt_words import asks_for_caption
from augmentai.types import Source, variation_seed

SHOWN = 5


def preview_prompts(plan: RunPlan, engines: Sequence[Engine], count: int = SHOWN) -> list[tuple[str, int, str]]:
    """The first prompts of a run, as its manifest will have them if no filter rejects anything.

    Args:
        plan: of the run.
        engines: those that it may use; without one that reads prompts and is configured, there are none.
        count: how many.

    Returns:
        (path of the image, number of the variation, prompt) of each.
    """
    recipe = plan.recipe
    asked = (engine for engine in engines if engine.serves(recipe.engine) and engine.reads_prompt)
    if recipe.strength == 0 or not any(engine.readiness().configured for engine in asked):
        return []
    return list(islice(_prompts(plan), count))


def _prompts(plan: RunPlan) -> Iterator[tuple[str, int, str]]:
    for source in plan.sources:
        caption = _caption(source) if asks_for_caption(plan.recipe.prompt) else ""
        for index in plan.indices(source.key):
            seed = variation_seed(plan.recipe.seed, source.sha256, index)
            yield source.path, index, preview_prompt(plan.recipe, source.label, index, seed, caption).text


def _caption(source: Source) -> str:
    try:
        return caption_of(source, None if source.labels is None else source.labels.load())
    except (LabelError, OSError):
        return ""  # reported with the image
