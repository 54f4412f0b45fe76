"""Recipes in YAML files: loaded, checked setting by setting, and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from augmentai.dataset.bounded_yaml import YamlError, load_yaml
from augmentai.recipe import AUTO, Recipe, RecipeError
from augmentai.recipe.steps import format_steps
from augmentai.system.regular_files import open_regular

_LARGEST_RECIPE_BYTES = 1 << 20


def load_recipe(path: Path) -> Recipe:
    """Load saved settings.

    Args:
        path: the `recipe.yaml` of a run, or a YAML file of nothing but settings.

    Returns:
        The recipe; settings that the file does not name have their defaults.

    Raises:
        RecipeError: the file cannot be read, a setting is unknown or out of range, or an engine, operation or dataset
            format is not installed. The message begins with the path.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "mine.yaml")
        ...     _ = path.write_text("strength: 0.4\\nvariations: 3")
        ...     recipe = load_recipe(path)
        >>> recipe.strength, recipe.variations, recipe.engine
        (0.4, 3, 'auto')
    """
    content = parse_mapping(_read_text(path), str(path))
    recipe = content.get("recipe", content)
    if not isinstance(recipe, dict):
        raise RecipeError(f"{path}: `recipe` is {type(recipe).__name__}; expected settings, one per line")
    return recipe_from_mapping(recipe, str(path))


def recipe_from_mapping(content: Mapping[str, Any], where: str) -> Recipe:
    """Build a recipe from its settings by name.

    Args:
        content: {name: value}; what is missing has its default.
        where: the name of the file they were read from, for messages.

    Returns:
        The recipe.

    Raises:
        RecipeError: a setting is unknown or out of range, or what it names is not installed. The message begins with
            `where`.

    Example:
        >>> recipe_from_mapping({"strength": 0.4, "variations": 3}, "mine.yaml").variations
        3
    """
    known = [one.name for one in fields(Recipe)]
    unknown = [str(name) for name in content if name not in known]
    if unknown:
        settings = "setting" if len(unknown) == 1 else "settings"
        raise RecipeError(f"{where}: unknown {settings} {', '.join(unknown)}; valid settings: {', '.join(known)}")
    try:
        return Recipe(**content)
    except (RecipeError, TypeError) as error:
        raise RecipeError(f"{where}: {error}") from error


def recipe_differences(before: Recipe, now: Recipe) -> list[str]:
    """The settings that differ between two recipes.

    A seed of 0 asks for no seed in particular, so it differs from none. Geometry "auto" does not differ from "none",
    which was the default before there was "auto".

    Args:
        before: the recipe of the run in the output folder.
        now: the recipe that is asked for.

    Returns:
        One phrase per setting, for the user.

    Example:
        >>> recipe_differences(Recipe(seed=5, strength=0.4), Recipe(strength=0.5))
        ['strength was 0.4, now 0.5']
    """
    old, new = asdict(before), asdict(now)
    if not now.seed:
        new["seed"] = old["seed"]
    if now.geometry == AUTO and before.geometry == "none":
        new["geometry"] = old["geometry"]
    return [f"{name} was {_quoted(old[name])}, now {_quoted(new[name])}" for name in new if old[name] != new[name]]


def _quoted(value: object) -> str:
    if isinstance(value, tuple):
        return format_steps(value) or "none"
    return repr(value) if isinstance(value, str) else str(value)


def _read_text(path: Path) -> str:
    try:
        with open_regular(path) as file:
            data = file.read(_LARGEST_RECIPE_BYTES + 1)
        if len(data) > _LARGEST_RECIPE_BYTES:
            raise RecipeError(f"{path} is too large for a recipe; expected a YAML file of settings")
        return data.decode("utf-8")
    except OSError as error:
        raise RecipeError(f"{path} cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not a text file; expected a recipe in YAML") from error


def parse_mapping(text: str, where: str) -> dict[str, Any]:
    """Parse YAML whose top level is a mapping. Raises RecipeError, which begins with `where`."""
    try:
        content = load_yaml(text)
    except YamlError as error:
        raise RecipeError(f"{where} is not valid YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{where} has no settings; expected lines such as `strength: 0.4`")
    return content
