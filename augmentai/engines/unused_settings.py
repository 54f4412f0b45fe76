"""What a recipe asks for and an engine cannot follow, in words that the user reads before the run."""

from __future__ import annotations

from typing import Protocol

from augmentai.recipe import Recipe
from augmentai.recipe.prompt_words import unknown_placeholders


class Capable(Protocol):
    """What an engine states of itself; see `augmentai.engines.base.Engine`."""

    name: str
    title: str
    reads_prompt: bool
    paints: bool
    repaints: bool
    repaints_in_part: bool


def ignored_prompt(engine: Capable, recipe: Recipe) -> tuple[str, ...]:
    """What of a prompt an engine does not follow: all of it, or placeholders that stand for nothing."""
    asks = bool(recipe.prompt.strip() or recipe.negative_prompt.strip())
    if not engine.reads_prompt:
        return (f"{_name(engine)} does not read the prompt",) if asks else ()
    unknown = [f"{{{name}}}" for name in unknown_placeholders(f"{recipe.prompt}\n{recipe.negative_prompt}")]
    return (f"the prompt has {', '.join(unknown)}, which stands for nothing and is sent as it is",) if unknown else ()


def ignored_repaint(engine: Capable, recipe: Recipe) -> tuple[str, ...]:
    """What becomes of a wish to repaint a part of each image, if an engine does not simply follow it."""
    if recipe.repaint == "all":
        return ()
    if not engine.paints:
        return (f"nothing is repainted without AI: repaint {recipe.repaint} has no effect",)
    if not engine.repaints:
        changes = "changes whole images and cannot repaint a part"
        return (f"{_name(engine)} {changes}: repaint {recipe.repaint} has no effect",)
    if not engine.repaints_in_part:
        return (f"{_name(engine)} repaints whole images; what is to stay is laid back afterwards: edges may show",)
    return ()


def _name(engine: Capable) -> str:
    return engine.title or engine.name
