"""The settings of a job, in plain words: one control for each field of the recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

from augmentai.recipe import AUTO, GEOMETRIES, MAX_PER_CLASS, MAX_VARIATIONS, OUTPUT_FORMATS, SEED_LIMIT
from augmentai.recipe_fields import by_name
from augmentai.web import texts

_GEOMETRY_NAMES = {
    "auto": "As the set bears it",
    "none": "No",
    "flip": "Mirror half of them",
    "light": "A little: mirror, crop, turn",
    "strong": "A lot: also perspective",
}
_FORMAT_NAMES = {"same": "Same as the source", "png": "PNG", "jpeg": "JPEG", "webp": "WebP"}
_ORIGINALS_NAMES = {"auto": "If it is a dataset", "copy": "Always", "none": "Never"}
_SPLITS_NAMES = {"copy": "Copied as they are", "leave-out": "Left out"}
_SIZES_NAMES = {"": "Every picture alike", "balance": "As many as the largest", "per_class": "A number of my own"}

_AUTOMATIC = "automatic strength"
_SIZES = "sizes of the classes"


class Form(NamedTuple):
    """fields: by the recipe's own names. The rest is beside the recipe."""

    fields: dict[str, Any]
    key: gr.Textbox
    save: gr.HTML
    load: gr.UploadButton
    told: gr.HTML


def simple_fields() -> dict[str, Any]:
    """What everybody looks at."""
    with gr.Group(elem_classes="aug-card"):
        variations = gr.Slider(
            1, MAX_VARIATIONS, 4, step=1, label="Variations of each picture", buttons=[], elem_id="variations"
        )
        automatic = gr.Checkbox(
            True,
            label="Choose the strength for me",
            info="Gentle where colour tells your classes apart or photos are many, else further.",
            elem_id="auto-strength",
        )
        strength = gr.Slider(
            0,
            1,
            0.4,
            step=0.05,
            label="How strong the change is",
            info="0 is the photo itself; 0.4 is safe for most sets; 1 is as far as the engine goes.",
            buttons=[],
            visible=False,
            elem_id="strength",
        )
        _shows(automatic, lambda on: not on, strength)
    return {"variations": variations, _AUTOMATIC: automatic, "strength": strength}


def as_recipe(form: dict[str, Any]) -> dict[str, Any]:
    """What the controls hold, by the recipe's own names: some fields are told by two controls."""
    fields = {name: value for name, value in form.items() if name not in (_AUTOMATIC, _SIZES)}
    if form[_AUTOMATIC]:
        fields["strength"] = AUTO
    if form[_SIZES] != "per_class":
        fields["per_class"] = 0
    return fields | {"balance": form[_SIZES] == "balance"}


def as_form(fields: dict[str, Any]) -> dict[str, Any]:
    """The way back, for settings that were loaded."""
    if not fields:
        return {}
    form = {name: value for name, value in fields.items() if name != "balance"}
    form[_AUTOMATIC] = fields["strength"] == AUTO
    if form[_AUTOMATIC]:
        del form["strength"]
    form[_SIZES] = "balance" if fields["balance"] else "per_class" if fields["per_class"] else ""
    if not fields["per_class"]:
        del form["per_class"]
    return form


def _set_fields() -> dict[str, Any]:
    """What only somebody with a labelled dataset needs."""
    with gr.Accordion("For a dataset", open=False, elem_id="set"):
        with gr.Row():
            sizes = gr.Dropdown(
                [(words, name) for name, words in _SIZES_NAMES.items()],
                value="",
                label="How far classes grow",
                info="Small ones get more variations, at most 16 of each picture.",
                min_width=190,
                elem_id="sizes",
            )
            per_class = gr.Number(
                100,
                label="Pictures of each class",
                info="Originals counted. No class is made smaller.",
                precision=0,
                minimum=1,
                maximum=MAX_PER_CLASS,
                visible=False,
                min_width=190,
                elem_id="per-class",
            )
        with gr.Row():
            layout = gr.Dropdown(
                by_name("layout").kind.titled(),
                value="auto",
                label="How it is laid out",
                info="Only where it is not recognised by itself.",
                min_width=190,
                elem_id="layout",
            )
            to = gr.Dropdown(
                by_name("to").kind.titled(),
                value="same",
                label="Labels are written as",
                info="Another layout converts the whole set.",
                min_width=190,
                elem_id="to",
            )
        with gr.Row():
            splits = gr.Dropdown(
                [(words, name) for name, words in _SPLITS_NAMES.items()],
                value="copy",
                label="Validation and test pictures",
                info="They are never varied.",
                min_width=190,
                elem_id="splits",
            )
            originals = gr.Dropdown(
                [(words, name) for name, words in _ORIGINALS_NAMES.items()],
                value="auto",
                label="Originals in the ZIP",
                info="Beside their variations.",
                min_width=190,
                elem_id="originals",
            )
        _shows(sizes, lambda choice: choice == "per_class", per_class)
    return {_SIZES: sizes, "per_class": per_class, "layout": layout, "to": to, "splits": splits, "originals": originals}


def _shows(control: Any, when: Callable[[Any], bool], shown: Any) -> None:
    """One control is there for a value of another only."""
    control.change(
        lambda value: gr.update(visible=when(value)),
        control,
        shown,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def more_settings(simple: dict[str, Any]) -> Form:
    """What few need, folded away."""
    of_set = _set_fields()
    with gr.Accordion("More settings", open=False, elem_id="more"):
        engines = [(texts.ENGINE_NAMES[name], name) for name in by_name("engine").kind.choices()]
        engine = gr.Dropdown(engines, value="auto", label="Made by", elem_id="engine")
        geometry = gr.Dropdown(
            [(_GEOMETRY_NAMES[name], name) for name in GEOMETRIES],
            value="auto",
            label="Mirror, crop and turn them as well",
            info="By itself it mirrors half of the photos sorted into classes. A little, if your training does not "
            "crop by itself. Boxes and masks move along.",
            elem_id="geometry",
        )
        mirror = gr.Checkbox(
            True,
            label="Left and right may be swapped",
            info="Not for text, road signs or hands.",
            elem_id="mirror",
        )
        filters = gr.Checkbox(
            True,
            label="Make poor variations again",
            info="Near-copies of the photo or of each other, flat and blurred ones.",
            elem_id="filters",
        )
        prompt = gr.Textbox(
            label="Prompt",
            info="For Stability AI and Diffusion. {label} stands for the class; one prompt a line, taken in turn.",
            placeholder="a photo of a {label} at dusk",
            max_lines=6,
            elem_id="prompt",
        )
        negative_prompt = gr.Textbox(
            label="Negative prompt", info="What should not be in it.", placeholder="blurred, text", elem_id="negative"
        )
        with gr.Row():
            seed = gr.Number(
                0,
                label="Seed",
                info="The same one gives the same pixels; 0 draws one.",
                precision=0,
                minimum=0,
                maximum=SEED_LIMIT,
                min_width=190,
                elem_id="seed",
            )
            output_format = gr.Dropdown(
                [(_FORMAT_NAMES[name], name) for name in OUTPUT_FORMATS],
                value="same",
                label="Files are saved as",
                info="PNG loses nothing; JPEG and WebP are smaller.",
                min_width=190,
                elem_id="format",
            )
        key = gr.Textbox(
            label="Your own Stability AI key",
            info="Used for your own jobs only, kept in this page's memory, and never stored.",
            type="password",
            max_length=512,
            elem_id="key",
        )
        with gr.Row():
            save = gr.HTML("", padding=False, min_width=120, elem_id="save")
            load = gr.UploadButton(
                "Load settings", file_types=[".yaml", ".yml"], size="sm", min_width=120, elem_id="load"
            )
        told = gr.HTML("", elem_id="recipe-told")
    fields = {
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        **simple,
        "engine": engine,
        "seed": seed,
        "output_format": output_format,
        "geometry": geometry,
        "mirror": mirror,
        "filters": filters,
        **of_set,
    }
    return Form(fields, key, save, load, told)
