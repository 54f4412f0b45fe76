"""The API endpoint `/lift`: what recipes are worth on a set, measured. Its components are never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.recipe_file import recipe_from_mapping
from augmentai.recipe import Recipe, RecipeError
from augmentai.recipe.fields import by_name
from augmentai.web.api_docs import EXAMPLE_FILE, EndpointDocs, KeywordDocs
from augmentai.web.endpoint import component
from augmentai.web.handlers.job_runner import no_files, refuse_folders
from augmentai.web.handlers.lift_runner import MOST_RECIPES, LiftRunner
from augmentai.web.jobs.lift_job import LiftRequest
from augmentai.web.recipe_files import wrong_setting

_NAME = "lift"
_DEFAULT_VARIATIONS = 8
_LONGEST_NAME = 60
_MOST_SEED = 2**32 - 1
_DOCS: EndpointDocs = {
    "files": KeywordDocs(
        "The set: images and archives (ZIP, TAR) with a class for each image, by folders or by labels.",
        "list[filepath]",
        [EXAMPLE_FILE],
    ),
    "recipes": KeywordDocs(
        f"What to measure: {{name: {{field of the recipe: value}}}}, at most {MOST_RECIPES}; null: the default "
        "settings. The fields are the keywords of /augment.",
        "dict[str, dict[str, Any]] | None",
        {"light": {"geometry": "light"}, "strong": {"geometry": "strong"}},
    ),
    "test": KeywordDocs(
        "Images to test on; null: the set's own test or validation images, else each image in turn, by folds.",
        "list[filepath] | None",
        [EXAMPLE_FILE],
    ),
    "layout": KeywordDocs("Dataset format of the input; auto detects it, folders ignores label files."),
    "seed": KeywordDocs("Of everything that is drawn: the same seed gives the same answer.", "int"),
}
_ANSWER = (
    "Measure what recipes are worth on a set: a small classifier is trained with as many flips and crops as with "
    "variations, and tested on images that neither has seen. A quick look: it sees effects of about 5 points and more, "
    "and is no ranking. Nothing is spent. Returns report: a dict with recipes [{recipe, verdict (helps, hurts, cannot "
    "tell), difference, interval [low, high], pictures, needs, per_class, shifted, accuracy, baseline, failed, "
    "notes}] in the order asked, in points of accuracy (with boxes or masks, of mean average precision of cells), and "
    "set, task, method, split, classes, pictures, training, repeats, seed, seconds, notes."
)


def add_lift_endpoint(runner: LiftRunner, turn: Mapping[str, Any]) -> dict[str, EndpointDocs]:
    """Publish the endpoint on the page that is being built.

    Args:
        runner: what runs a call.
        turn: Gradio's options of the queue that calls share with the page's jobs.

    Returns:
        Its documentation, for `Page.api_docs`.
    """

    def lift(
        files: list[str] | None,
        recipes: Any = None,
        test: list[str] | None = None,
        layout: str = "auto",
        seed: float = 1,
        request: gr.Request = None,  # Gradio gives it
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio's way of asking for one)
    ) -> Iterator[Any]:
        wanted = _request(runner, files, recipes, test, layout, seed, request)
        for snapshot in runner.run(wanted, Event(), request):
            if snapshot.report is not None:
                yield snapshot.report.as_dict()
            else:
                at = snapshot.progress
                progress((round(100 * at.share), 100), desc=at.words, unit="%")
                yield gr.skip()

    inputs = [
        gr.File(label="files", file_count="multiple"),
        gr.JSON(label="recipes"),
        gr.File(label="test", file_count="multiple"),
        component(by_name("layout")),
        gr.Number(1, label="seed"),
    ]
    gr.Button().click(lift, inputs, gr.JSON(label="report"), api_name=_NAME, api_description=_ANSWER, **turn)
    return {_NAME: _DOCS}


def _request(
    runner: LiftRunner,
    files: list[str] | None,
    recipes: Any,
    test: list[str] | None,
    layout: str,
    seed: float,
    request: gr.Request,
) -> LiftRequest:
    """What a call asks for. Raises gr.Error."""
    if not files:
        raise no_files()
    refuse_folders([*files, *(test or ())])
    if not isinstance(seed, int | float) or not 0 <= seed <= _MOST_SEED or seed != int(seed):
        raise _wrong(f"seed is {seed!r:.60}; expected a whole number from 0 to {_MOST_SEED}")
    named = _recipes(recipes, layout)

    def read(paths: list[str]) -> Any:
        return lambda folder, stop: _read(runner, paths, layout, stop, request)

    return LiftRequest(
        read(files),
        named,
        Path(files[0]).stem if len(files) == 1 else "the uploaded images",
        read(test) if test else None,
        int(seed),
        [*files, *(test or ())],
    )


def _read(runner: LiftRunner, paths: list[str], layout: str, stop: Event, request: gr.Request) -> Gathered:
    return runner.jobs.read([Path(path) for path in paths], layout, stop, request)


def _recipes(recipes: Any, layout: str) -> dict[str, Recipe]:
    if recipes is None:
        recipes = {"default": {"variations": _DEFAULT_VARIATIONS}}
    if not isinstance(recipes, dict) or not all(isinstance(one, dict) for one in recipes.values()):
        raise _wrong(
            'recipes is not understood; expected {name: {field: value}}, such as {"light": {"geometry": "light"}}'
        )
    if len(recipes) > MOST_RECIPES:  # before any of them is looked at, which takes its time
        raise _wrong(f"{len(recipes)} recipes are sent; at most {MOST_RECIPES} are measured at once")
    try:
        return {
            str(name)[:_LONGEST_NAME]: recipe_from_mapping({**one, "layout": layout}, str(name)[:_LONGEST_NAME])
            for name, one in recipes.items()
        }
    except RecipeError as error:
        raise wrong_setting(error) from error


def _wrong(message: str) -> gr.Error:
    return gr.Error(message, title="Invalid setting", print_exception=False)
