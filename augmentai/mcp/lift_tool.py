"""The tool `lift` of the MCP server: what recipes are worth on a set, measured. On free engines alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from augmentai.dataset.recipe_file import recipe_from_mapping
from augmentai.lift import LiftError, LiftReport
from augmentai.lift.sentences import text
from augmentai.mcp.answers import Answer, Call, ToolError
from augmentai.mcp.schema import PATHS, Schema, of_object, recipe_properties
from augmentai.recipe import Recipe

_MOST_RECIPES = 8
_LONGEST_NAME = 60
_SHARES = 100  # what progress is counted in
DESCRIPTION = (
    "Measure whether variations help a model on this very set: one model is trained on flips and crops, another "
    "with half of them replaced by variations, both tested on images that neither has seen. For each recipe, in the "
    "order asked: verdict (helps, hurts, cannot tell), difference and 95 % interval in points of accuracy (with boxes "
    "or masks, of mean average precision of cells), and how many test images would be needed. A quick look: it sees "
    "effects of about 5 points and more, and is no ranking; do not pick the best of several. Free engines alone; "
    "writes nothing; takes minutes."
)


def lift_schema() -> Schema:
    """The schema of the tool's arguments."""
    apart = {"layout"}  # one for all
    recipe = of_object({name: one for name, one in recipe_properties().items() if name not in apart})
    return of_object(
        {
            "paths": PATHS,
            "recipes": {
                "type": "object",
                "additionalProperties": recipe,
                "propertyNames": {"maxLength": _LONGEST_NAME},
                "minProperties": 1,
                "maxProperties": _MOST_RECIPES,
                "default": {"default": {"variations": 8}},
                "description": "What to measure, by name: fields of a recipe. Each further one widens all intervals.",
            },
            "test": {
                **PATHS,
                "description": "Images to test on. By default the set's own test or validation images, else each image "
                "in turn, by folds.",
            },
            **recipe_properties(["layout"]),
            "seed": {
                "type": "integer",
                "minimum": 0,
                "maximum": 2**32 - 1,
                "default": 1,
                "description": "Of everything that is drawn: the same seed gives the same answer.",
            },
        },
        ["paths"],
    )


def lift(call: Call) -> Answer:
    """The measurement as JSON, and in words."""
    arguments = call.arguments
    layout = arguments.get("layout", "auto")
    asked = arguments.get("recipes", {"default": {"variations": 8}})
    recipes = {name: recipe_from_mapping({**fields, "layout": layout}, name) for name, fields in asked.items()}
    test = [call.reach.existing(path) for path in arguments["test"]] if "test" in arguments else None
    paths = [call.reach.existing(path) for path in arguments["paths"]]
    report = _measured(call, paths, recipes, test)
    return Answer({**report.as_dict(), "words": text(report)})


def _measured(call: Call, paths: list[Path], recipes: dict[str, Recipe], test: list[Path] | None) -> LiftReport:
    from augmentai.lift import measure  # loads what only a measurement needs

    def report_progress(words: str, share: float) -> None:
        call.on_progress(round(_SHARES * share), _SHARES, words)

    options: dict[str, Any] = {"seed": call.arguments.get("seed", 1), "settings": call.settings}
    try:
        return measure(paths, recipes, test, on_progress=report_progress, should_stop=call.stop.is_set, **options)
    except LiftError as error:
        raise ToolError(str(error)) from error
