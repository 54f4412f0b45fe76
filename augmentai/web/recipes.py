"""The settings of the page as a small YAML file, saved and loaded."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from augmentai.recipe import Recipe, RecipeError
from augmentai.web import texts

_LARGEST_BYTES = 1 << 20


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
    return (
        f'<a class="aug-button" download="recipe.yaml" href="data:application/yaml;base64,{data}">Save these settings</a>'
    )


def loaded(file: str) -> tuple[dict[str, Any], str]:
    """The settings in a saved file, and words on how it went, as HTML."""
    import yaml

    try:
        data = Path(file).read_bytes()
        if len(data) > _LARGEST_BYTES:
            raise RecipeError("it is too large for a recipe")
        content = yaml.safe_load(data.decode("utf-8"))
        inner = content.get("recipe", content) if isinstance(content, dict) else None
        if not isinstance(inner, dict):
            raise RecipeError("it holds no settings; expected lines such as `strength: 0.4`")
        known = set(asdict(Recipe()))
        unknown = [str(name) for name in inner if name not in known]
        if unknown:
            raise RecipeError(f"{', '.join(unknown)} is no setting of a recipe")
        recipe = Recipe(**inner)
    except (RecipeError, OSError, UnicodeDecodeError, TypeError, RecursionError, yaml.YAMLError) as error:
        return {}, texts.warning(f"{Path(file).name} was not loaded: {str(error).splitlines()[0]}")
    return asdict(recipe), '<p class="aug-line" role="status">Settings loaded.</p>'
