"""What a recipe asks for and an engine cannot follow, in words that the user reads before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augmentai.engines.base import Engine
    from augmentai.recipe import Recipe


def ignored_prompt(engine: Engine, recipe: Recipe) -> tuple[str, ...]:
    """That an engine does not read the prompt, if there is one."""
    asks = bool(recipe.prompt.strip() or recipe.negative_prompt.strip())
    return (f"{_name(engine)} does not read the prompt",) if asks and not engine.reads_prompt else ()


def ignored_repaint(engine: Engine, recipe: Recipe) -> tuple[str, ...]:
    """What becomes of a wish to repaint a part of each image, if an engine does not simply follow it."""
    if recipe.repaint == "all":
        return ()
    if not engine.repaints:
        changes = "changes whole images and cannot repaint a part" if engine.paints else "repaints nothing"
        return (f"{_name(engine)} {changes}: repaint {recipe.repaint} has no effect",)
    if not engine.repaints_in_part:
        return (f"{_name(engine)} repaints whole images; what is to stay is laid back afterwards: edges may show",)
    return ()


def _name(engine: Engine) -> str:
    return engine.title or engine.name
