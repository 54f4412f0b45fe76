"""The API endpoint `/augment`, generated from the table of recipe fields.

Its components are never shown: real ones check every uploaded path, and their names and choices are the API's schema.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from augmentai.recipe.fields import FIELDS, RecipeField, api_fields
from augmentai.recipe.kinds import Fraction, Numbers, Switch, WholeNumber
from augmentai.recipe.steps import Steps
from augmentai.web.api_docs import EXAMPLE_FILE, EndpointDocs, KeywordDocs, document, field_docs
from augmentai.web.handlers.api import ApiHandler

_NAME = "augment"
_FILES = KeywordDocs(
    "Images and archives (ZIP, TAR); the layout of a dataset in one is preserved, labels included.",
    "list[filepath]",
    [EXAMPLE_FILE],
)
_ANSWER = (
    "Make synthetic variations of images. Returns (gallery, zip_path, report): gallery is a list of {image, caption}; "
    "zip_path a ZIP of the dataset with its variations, laid out as the input, and manifest.jsonl; report a dict with "
    "sources, variations, failed, engines, seconds, seed, stopped, failures [{file, reason}], fallbacks "
    "[{file, engine, reason}], notices."
)


class Page(gr.Blocks):
    """A page whose endpoints also take calls of older clients, by position and without the keywords that are newer.

    Attributes:
        api_docs: what its API's documentation says, by endpoint.
    """

    api_docs: Mapping[str, EndpointDocs] = {}

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """Gradio's own check; `inputs` is what a call sent, and gets the defaults of what it lacks."""
        if block_fn.api_name in self.api_docs and inputs:
            inputs += [component.value for component in block_fn.inputs[len(inputs) :]]
        super().validate_inputs(block_fn, inputs)

    def get_api_info(self, all_endpoints: bool = False, page: str | None = None) -> Any:
        """Gradio's description of the API, with our own words."""
        return document(super().get_api_info(all_endpoints, page), self.api_docs)


def add_endpoint(
    handler: ApiHandler, turn: dict[str, Any], table: Sequence[RecipeField] = FIELDS
) -> dict[str, EndpointDocs]:
    """Publish the endpoint on the page that is being built.

    Args:
        handler: what runs a call.
        turn: Gradio's options of the queue that calls share with the page's jobs.
        table: the recipe's fields; those with `api` become keywords, in this order.

    Returns:
        Its documentation, for `Page.api_docs`.
    """
    keywords = api_fields(table)
    inputs = [gr.File(label="files", file_count="multiple"), *map(component, keywords)]
    outputs = [gr.Gallery(label="gallery"), gr.File(label="zip_path"), gr.JSON(label="report")]
    call = _with_keywords(handler, [field.name for field in keywords])
    gr.Button().click(call, inputs, outputs, api_name=_NAME, api_description=_ANSWER, **turn)
    return {_NAME: {"files": _FILES, **{field.name: field_docs(field) for field in keywords}}}


def component(field: RecipeField) -> Any:
    """The component of one keyword. Values are checked by the recipe, whose messages name the field."""
    kind, label = field.kind, field.name
    if isinstance(kind, Switch):
        return gr.Checkbox(field.default, label=label)
    if isinstance(kind, WholeNumber) or (isinstance(kind, Fraction) and not kind.words):
        return gr.Number(field.default, label=label)
    if isinstance(kind, Numbers):
        return gr.JSON(label=label)
    names = [name for _, name in kind.titled()]
    if isinstance(kind, Steps):
        return gr.Dropdown(names, value=list(field.default), label=label, multiselect=True, allow_custom_value=True)
    if names:
        return gr.Dropdown(names, value=field.default, label=label, allow_custom_value=True)
    return gr.Textbox(str(field.default), label=label)


def _with_keywords(handler: ApiHandler, names: Sequence[str]) -> Callable[..., Iterator[Any]]:
    """The handler as a function with one parameter per keyword: Gradio reads the API's keywords off its signature."""

    def augment(*values: Any) -> Iterator[Any]:
        files, *settings, request, progress = values
        yield from handler.augment(files, dict(zip(names, settings, strict=True)), request, progress)

    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, either) for name in ("files", *names)]
    parameters += [
        inspect.Parameter("request", either, annotation=gr.Request),
        inspect.Parameter("progress", either, default=gr.Progress()),
    ]
    augment.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    augment.__annotations__ = {"request": gr.Request}
    return augment
