"""The tools of the MCP server. Each does what the command of the same name does, and gives the same JSON."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.writers.base import OutputError
from augmentai.engines import available, estimate, owner_pays, why_none_can_run, with_limits
from augmentai.engines.base import Engine
from augmentai.inspection import inspect_set
from augmentai.mcp.answers import Answer, Call, ToolError
from augmentai.mcp.lift_tool import DESCRIPTION, lift, lift_schema
from augmentai.mcp.schema import PATHS, Schema, of_object, recipe_properties
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.resolve import resolve_run
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.recipe.fields import FIELDS, recipe_from_form
from augmentai.system.regular_files import read_regular

_PREVIEW_PX = 512  # longest side of a preview: what a model that looks at images can use
_PREVIEWS = 8
_FAILURES = 50  # of a report; the manifest has all
# The fields on which it depends what a run would do, and those by which an image looks different.
_PLANNING = (
    *("variations", "strength", "engine", "geometry", "mirror"),
    *("layout", "to", "per_class", "balance", "most_per_source", "make_split"),
)
_LOOKS = ("prompt", "negative_prompt", "strength", "engine", "seed", "geometry", "mirror", "operations", "filters")


@dataclass(frozen=True)
class Tool:
    """One tool.

    Attributes:
        name, description: what a client shows.
        schema: of its arguments.
        run: serves a call; raises ToolError or RecipeError for one that asks for something impossible.
        reads_only: it changes no file and spends nothing.
    """

    name: str
    description: str
    schema: Schema
    run: Callable[[Call], Answer]
    reads_only: bool = False


def inspect(call: Call) -> Answer:
    """What is in a set, and what a run would make of it."""
    recipe = _recipe(call.arguments)
    gathered = _gathered(call, recipe)
    engines = available(call.settings)
    similarity = bool(call.arguments.get("similarity", False))
    found = inspect_set(
        gathered, recipe, call.settings, engines, lambda done, all_: call.on_progress(done, all_, ""), similarity
    )
    return Answer(found.as_dict())


def preview(call: Call) -> Answer:
    """A few variations of one image, to look at. Writes nothing."""
    recipe = _recipe({"variations": 4, **call.arguments})
    path = call.reach.existing(call.arguments["path"])
    if path.is_dir():
        raise ToolError(f"{call.arguments['path']} is a folder; expected one image. The tool inspect lists examples")
    job = _job(call, recipe, gather([path], limits(call.settings), layout=recipe.layout))
    shown, rows = [_small(path, call)], [{"image": 1, "is": "source"}]
    for outcome in job.run():
        if (made := outcome.variation) is not None:
            shown.append(_jpeg(made.image))
            row = {"engine": made.engine, "strength": made.strength, "prompt": made.prompt, "seed": outcome.seed}
            rows.append({"image": len(shown), "is": "variation", **row})
        call.on_progress(len(shown) - 1, job.plan.total, "augmenting")
    report = _report(job)
    if len(shown) == 1:
        reasons = "; ".join(dict.fromkeys(failure["reason"] for failure in report["failures"]))
        raise ToolError(f"no variation could be made: {reasons or 'the call was cancelled'}")
    return Answer({"images": rows, "seed": report["seed"], "notices": report["notices"]}, tuple(shown))


def augment(call: Call) -> Answer:
    """A larger set, written to a folder or ZIP."""
    out = call.reach.output(call.arguments["out"])
    try:
        asked = _recipe(call.arguments)
        recipe = resolve_run(out, asked, _affordable(available(call.settings), _allowed(call), asked))
        inputs = _inputs(call)
        job = _job(call, recipe, gather(inputs, limits(call.settings), skip=out, layout=recipe.layout))
        if not job.gathered.sources:
            raise ToolError("there is no image to work on: " + "; ".join(_report(job)["notices"] or ["nothing found"]))
        for _ in run_to_disk(job, out, inputs):
            call.on_progress(job.report.variations, job.plan.total, "augmenting")
    except OutputError as error:
        raise ToolError(str(error)) from error
    report = _report(job)
    if not report["variations"] and report["failures"]:
        reasons = "; ".join(f"{one['file']}: {one['reason']}" for one in report["failures"])
        raise ToolError(f"no variation could be made: {reasons}")
    return Answer({"path": str(out), **report})


def _recipe(arguments: Mapping[str, Any]) -> Recipe:
    names = {field.name for field in FIELDS}
    return recipe_from_form({name: value for name, value in arguments.items() if name in names})


def _inputs(call: Call) -> list[Path]:
    return [call.reach.existing(text) for text in call.arguments["paths"]]


def _gathered(call: Call, recipe: Recipe) -> Gathered:
    return gather(_inputs(call), limits(call.settings), layout=recipe.layout)


def _job(call: Call, recipe: Recipe, gathered: Gathered) -> Job:
    """The job, whose engines can spend no more than the call allows."""
    allowed = _allowed(call)
    engines = available(call.settings)
    if reason := why_none_can_run(engines, recipe.engine):
        raise ToolError(reason)
    job = Job(gathered, recipe, call.settings, _affordable(engines, allowed, recipe), call.stop)
    if not any(engine.name == recipe.engine and owner_pays(engine) for engine in engines) or allowed:
        return job
    cost = estimate(engines, recipe, job.plan.total)
    raise ToolError(
        f"engine {recipe.engine} costs credits (1 credit is 0.01 US dollars): {cost or 'the price is not known'}. "
        "Ask the user, and allow that much with max_credits; or use another engine."
    )


def _allowed(call: Call) -> float:
    """Credits that the call may spend."""
    return float(call.arguments.get("max_credits", 0))


def _affordable(engines: Sequence[Engine], credits: float, recipe: Recipe) -> list[Engine]:
    """Without any allowed credits, "auto" uses free engines alone."""
    if credits:
        return with_limits(engines, credits)
    return [engine for engine in engines if not owner_pays(engine) or engine.name == recipe.engine]


def _report(job: Job) -> dict[str, Any]:
    report = job.report.as_dict()
    report["failures"] = report["failures"][:_FAILURES]
    report["fallbacks"] = report["fallbacks"][:_FAILURES]
    return report


def _small(path: Path, call: Call) -> bytes:
    from augmentai.images import ImageError, decode

    try:
        return _jpeg(decode(read_regular(path), path.name, call.settings.max_pixels).rgb)
    except (ImageError, OSError) as error:
        raise ToolError(f"{path.name} cannot be read as an image: {error}") from error


def _jpeg(image: Image.Image) -> bytes:
    small = image.convert("RGB")
    small.thumbnail((_PREVIEW_PX, _PREVIEW_PX))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=85)
    return data.getvalue()


_MAX_CREDITS: Schema = {
    "type": "number",
    "minimum": 0,
    "maximum": 1_000_000,
    "default": 0,
    "description": "The most that hosted engines may spend in this call, in credits (1 credit is 0.01 US dollars). 0: "
    "nothing is spent, and engine auto uses free engines. Ask the user before you allow anything.",
}

_SIMILARITY: Schema = {
    "type": "boolean",
    "default": False,
    "description": "Compare the images by a pretrained network as well, about 10 ms per image: labels that look wrong, "
    "outliers, and training images with a twin in validation or test.",
}

TOOLS: tuple[Tool, ...] = (
    Tool(
        "inspect",
        "Report what is in an image set before anything is made: layout, splits, classes, sizes, missing or broken "
        "labels, duplicates, and what a run with the same settings would do and cost. Changes nothing.",
        of_object({"paths": PATHS, "similarity": _SIMILARITY, **recipe_properties(_PLANNING)}, ["paths"]),
        inspect,
        reads_only=True,
    ),
    Tool(
        "preview",
        "Make a few variations of one image and return them as images, the source first, to judge settings before a "
        "run. Writes no file.",
        of_object(
            {
                "path": {"type": "string", "description": "One image of this computer."},
                **recipe_properties(_LOOKS),
                "variations": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": _PREVIEWS,
                    "default": 4,
                    "description": "How many to make.",
                },
                "max_credits": _MAX_CREDITS,
            },
            ["path"],
        ),
        preview,
    ),
    Tool(
        "augment",
        "Write a larger dataset: variations with valid labels, originals, manifest.jsonl and recipe.yaml. The same "
        "call resumes a run that was interrupted. Returns the path and a report: sources, variations, failed, engines, "
        "seconds, seed, failures, notices.",
        of_object(
            {
                "paths": PATHS,
                "out": {
                    "type": "string",
                    "description": "A new or empty folder, or a new .zip file; or the folder of an interrupted run.",
                },
                **recipe_properties(),
                "max_credits": _MAX_CREDITS,
            },
            ["paths", "out"],
        ),
        augment,
    ),
    Tool("lift", DESCRIPTION, lift_schema(), lift, reads_only=True),
)
