"""The settings of the page as a recipe, and as a small YAML file, saved and loaded."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from typing import Any

import gradio as gr

from augmentai.recipe import Recipe, RecipeError
from augmentai.recipe.fields import FIELDS, recipe_from_form
from augmentai.web import texts


def recipe_of(form: Mapping[str, Any]) -> Recipe:
    """The recipe that a form asks for; what was left empty has its default. Raises gr.Error."""
    try:
        return recipe_from_form(form)
    except RecipeError as error:
        raise wrong_setting(error) from error


def wrong_setting(error: RecipeError) -> gr.Error:
    """The error as the page and the API show it."""
    return gr.Error(str(error), title="Invalid setting", print_exception=False)


def saved(form: Mapping[str, Any]) -> str:
    """A link that saves these settings as `recipe.yaml`, as HTML, with the file in the link itself.

    Empty if the settings cannot be used.
    """
    import yaml

    try:
        recipe = recipe_from_form(form)
    except RecipeError:
        return ""
    text = yaml.safe_dump({"recipe": asdict(recipe)}, sort_keys=False, allow_unicode=True)
    data = base64.b64encode(text.encode()).decode()
    link = f"data:application/yaml;base64,{data}"
    return f'<a class="aug-button" download="recipe.yaml" href="{link}">Save settings</a>'


def as_settings(recipe: Recipe, shown: Collection[str]) -> tuple[dict[str, Any], str]:
    """A saved recipe as settings of the page.

    Args:
        recipe: what the file says.
        shown: the fields that the page has controls for.

    Returns:
        The fields of the recipe, and a message, as HTML.
    """
    if recipe.originals == "link":
        recipe = replace(recipe, originals="copy")  # nothing in a ZIP can be a link
    others = [f.name for f in FIELDS if f.name not in shown and getattr(recipe, f.name) != f.default]
    message = '<p class="aug-line" role="status">Settings loaded.</p>'
    if others:
        message += texts.warning(f"Ignored, since only the command line has them: {', '.join(others)}.")
    return asdict(recipe), message
