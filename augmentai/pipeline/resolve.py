"""The recipe of a run before anything is read: the seed it resumes with, and prompts that say the same as before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from augmentai.dataset.run_record import RunRecord
from augmentai.dataset.writers.folder import resolve_recipe
from augmentai.dataset.writers.store_run import resolve_stored_recipe
from augmentai.engines import model_versions
from augmentai.engines.base import Engine
from augmentai.recipe import Recipe
from augmentai.storage import Place


def say_the_same(engines: Sequence[Engine], before: RunRecord, now: Recipe) -> bool:
    """Whether no engine that was or may be used makes anything else of the prompts of now than of those before."""
    known = {engine.name: engine for engine in engines}
    names = {*before.models, *model_versions(now.engine, engines)}
    return all(followed(known, name, before.recipe) == followed(known, name, now) for name in names)


def resolve_run(out: Place, recipe: Recipe, engines: Sequence[Engine]) -> Recipe:
    """The recipe of a run before anything is read, by which a prompt that no engine follows blocks no resume.

    Args:
        out: the folder, ZIP or URL that the run will write to.
        recipe: what is asked for.
        engines: those that the run has.

    Returns, Raises:
        See `resolve_recipe`.
    """
    same_prompts = partial(say_the_same, engines)
    if isinstance(out, Path):
        return resolve_recipe(out, recipe, same_prompts)
    return resolve_stored_recipe(out, recipe, same_prompts)


def followed(engines: Mapping[str, Engine], name: str, recipe: Recipe) -> str:
    """What an engine makes of a recipe's prompts, as `Engine.follows` says.

    Args:
        engines: those that are installed, by name. To any other one, each prompt says something else.
        name: of the engine.
        recipe: the recipe.
    """
    return engines[name].follows(recipe) if name in engines else f"{recipe.prompt}\n{recipe.negative_prompt}"
