"""The settings of the page as a small YAML file, saved and loaded."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from augmentai.recipe import Recipe, RecipeError
from augmentai.web import texts


def saved(form: Mapping[str, Any]) -> str:
    """A link that saves these settings as `recipe.yaml`, as HTML; the file is in the link itself. Empty where they
    cannot be used."""
    import yaml

    try:
        recipe = Recipe(**{name: value for name, value in form.items() if value is not None})
    except RecipeError:
        return ""
    text = yaml.safe_dump({"recipe": asdict(recipe)}, sort_keys=False, allow_unicode=True)
    data = base64.b64encode(text.encode()).decode()
    link = f"data:application/yaml;base64,{data}"
    return f'<a class="aug-button" download="recipe.yaml" href="{link}">Save these settings</a>'


def loaded(file: str) -> tuple[dict[str, Any], str]:
    """The settings in a saved file, and words on how it went, as HTML."""
    from augmentai.dataset.record import load_recipe

    try:
        recipe = load_recipe(Path(file))
    except RecipeError as error:
        return {}, texts.warning(str(error).replace(file, Path(file).name))
    return asdict(recipe), '<p class="aug-line" role="status">Settings loaded.</p>'
