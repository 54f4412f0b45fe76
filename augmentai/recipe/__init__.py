"""The recipe: what the user asks for. `recipe` declares its fields, `kinds` and `steps` say which values they accept,
and `fields` is the table of them that the command line, the API, the page and the docs are generated from."""

from augmentai.recipe.kinds import RecipeError
from augmentai.recipe.recipe import (
    AUTO,
    GEOMETRIES,
    MAX_OPERATIONS,
    MAX_PER_CLASS,
    MAX_PER_SOURCE,
    MAX_PROMPT_CHARS,
    MAX_RETRIES,
    MAX_VARIATIONS,
    OUTPUT_FORMATS,
    SEED_LIMIT,
    Drift,
    Geometry,
    Originals,
    OutputFormat,
    Recipe,
    Repaint,
    Splits,
)
from augmentai.recipe.thresholds import Thresholds

__all__ = [
    "AUTO",
    "GEOMETRIES",
    "MAX_OPERATIONS",
    "MAX_PER_CLASS",
    "MAX_PER_SOURCE",
    "MAX_PROMPT_CHARS",
    "MAX_RETRIES",
    "MAX_VARIATIONS",
    "OUTPUT_FORMATS",
    "SEED_LIMIT",
    "Drift",
    "Geometry",
    "Originals",
    "OutputFormat",
    "Recipe",
    "RecipeError",
    "Repaint",
    "Splits",
    "Thresholds",
]
