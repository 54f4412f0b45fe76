"""The settings of the page: a control for each field of the recipe that has one, generated from the table of fields.

Two settings are chosen with two controls each: the strength (automatic, or a number) and class balancing (off, the
largest class, or a target per class).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import gradio as gr

from augmentai.engines import key_engine
from augmentai.engines.base import Engine
from augmentai.recipe import AUTO
from augmentai.recipe.fields import FIELDS, RecipeField, by_name
from augmentai.recipe.kinds import Fraction, Switch, WholeNumber
from augmentai.recipe.steps import Steps

_BALANCING_TITLES = {"": "Off", "balance": "Match largest class", "per_class": "Target per class"}
_MORE_ORDER = ("engine", "geometry", "mirror", "filters", "prompt", "negative_prompt")  # others follow, in pairs
_SLIDER_LIMIT = 100  # larger whole numbers are typed

_KEY_INFO = "Used for your own jobs only; held in this page's memory and never stored."

_AUTOMATIC = "automatic strength"
_BALANCING = "class balancing"

Controls = dict[str, Any]


class Form(NamedTuple):
    """The controls of the page.

    Attributes:
        fields: {field of the recipe, or one of the two extra controls: its control}.
        key: the visitor's own API key, which is no part of a recipe.
        key_state: what its service says of it.
        save: the link that saves the settings.
        load: the button that loads saved ones.
        load_message: whether loading worked.
    """

    fields: Controls
    key: gr.Textbox
    key_state: gr.HTML
    save: gr.HTML
    load: gr.UploadButton
    load_message: gr.HTML


def simple_fields(table: Sequence[RecipeField] = FIELDS) -> Controls:
    """The settings that everybody sees."""
    rows = _on_page(table, "main")
    with gr.Group(elem_classes="aug-card"):
        controls = {name: control(field) for name, field in rows.items() if name != "strength"}
        automatic = gr.Checkbox(
            True,
            label="Automatic strength",
            info="Lower if colour distinguishes your classes or you have many images; higher otherwise.",
            elem_id="auto-strength",
        )
        strength = control(rows["strength"], visible=False)
        _show_if(automatic, lambda on: not on, strength)
    return controls | {_AUTOMATIC: automatic, "strength": strength}


def more_settings(simple: Controls, engines: Sequence[Engine], table: Sequence[RecipeField] = FIELDS) -> Form:
    """The settings that few need, folded away.

    Args:
        simple: the controls of `simple_fields`.
        engines: the first that takes a visitor's key gets a field for it.
        table: the recipe's fields; those with a place on the page get a control.
    """
    dataset = _dataset_fields(_on_page(table, "dataset"))
    with gr.Accordion("More settings", open=False, elem_id="more"):
        rows = _on_page(table, "more")
        more = {name: control(rows[name]) for name in _MORE_ORDER}
        more |= _in_pairs(field for name, field in rows.items() if name not in more)
        taking_key = key_engine(engines)
        key = gr.Textbox(
            label=f"Your own {taking_key.key_title}" if taking_key else "",
            visible=taking_key is not None,
            info=" ".join((_KEY_INFO, taking_key.key_terms if taking_key else "")).strip(),
            type="password",
            max_length=512,
            elem_id="key",
        )
        key_state = gr.HTML("", padding=False, elem_id="key-state")
        with gr.Row():
            save = gr.HTML("", padding=False, min_width=120, elem_id="save")
            load = gr.UploadButton(
                "Load settings", file_types=[".yaml", ".yml"], size="sm", min_width=120, elem_id="load"
            )
        load_message = gr.HTML("", elem_id="load-message")
    controls = simple | more | dataset
    _show_if(controls[_BALANCING], lambda choice: not choice, controls["variations"])  # class balancing decides it
    in_order = {field.name: controls[field.name] for field in table if field.name in controls}
    return Form(in_order | controls, key, key_state, save, load, load_message)


def control(field: RecipeField, **options: Any) -> Any:
    """The control of one field, with its label, the line below it and its choices.

    Args:
        field: a row of the table.
        options: Gradio's own, in place of those that the kind of field has.
    """
    setting, kind = field.setting, field.kind
    common: dict[str, Any] = {
        "label": setting.label or field.name.replace("_", " ").capitalize(),
        "info": setting.info or None,
        "elem_id": field.name.replace("_", "-"),
    }
    if isinstance(kind, Switch):
        return gr.Checkbox(field.page_default, **common | options)
    if isinstance(kind, Fraction):
        return gr.Slider(0, 1, field.page_default, step=0.05, buttons=[], **common | options)
    if isinstance(kind, WholeNumber):
        if kind.high <= _SLIDER_LIMIT:
            return gr.Slider(kind.low, kind.high, field.page_default, step=1, buttons=[], **common | options)
        bounds = {"minimum": kind.low, "maximum": kind.high, "precision": 0, "min_width": 190}
        return gr.Number(field.page_default, **bounds | common | options)
    if isinstance(kind, Steps):
        several = {"multiselect": True, "allow_custom_value": True}  # custom: with parameters
        return gr.Dropdown(kind.titled(), value=list(field.page_default), **several | common | options)
    if kind.choices():
        return gr.Dropdown(kind.titled(), value=field.page_default, min_width=190, **common | options)
    return gr.Textbox(field.page_default, placeholder=setting.placeholder or None, max_lines=6, **common | options)


def as_recipe(form: Mapping[str, Any]) -> dict[str, Any]:
    """What the controls hold, by the recipe's own names."""
    fields = {name: value for name, value in form.items() if name not in (_AUTOMATIC, _BALANCING)}
    if form[_AUTOMATIC]:
        fields["strength"] = AUTO
    if form[_BALANCING] != "per_class":
        fields["per_class"] = 0
    return fields | {"balance": form[_BALANCING] == "balance"}


def as_form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the controls hold for a recipe's fields; nothing for no fields. A hidden control keeps its value."""
    if not fields:
        return {}
    form = {name: _shown(name, value) for name, value in fields.items() if name != "balance"}
    form[_AUTOMATIC] = fields["strength"] == AUTO
    if form[_AUTOMATIC]:
        del form["strength"]
    form[_BALANCING] = "balance" if fields["balance"] else "per_class" if fields["per_class"] else ""
    if not fields["per_class"]:
        del form["per_class"]
    return form


def _shown(name: str, value: Any) -> Any:
    """A field's value as its control shows it: steps as they are typed."""
    kind = by_name(name).kind
    return kind.typed(value) if isinstance(kind, Steps) else value


def _dataset_fields(rows: dict[str, RecipeField]) -> Controls:
    """The settings that only a labelled dataset needs."""
    balance = rows["balance"].setting
    with gr.Accordion("For a dataset", open=False, elem_id="set"):
        with gr.Row():
            balancing = gr.Dropdown(
                [(title, name) for name, title in _BALANCING_TITLES.items()],
                value="",
                label=balance.label,
                info=balance.info,
                min_width=190,
                elem_id="balancing",
            )
            per_class = control(rows["per_class"], minimum=1, visible=False)
        others = _in_pairs(field for name, field in rows.items() if name not in {"balance", "per_class"})
        _show_if(balancing, lambda choice: choice == "per_class", per_class)
    return {_BALANCING: balancing, "per_class": per_class, **others}


def _on_page(table: Iterable[RecipeField], place: str) -> dict[str, RecipeField]:
    return {field.name: field for field in table if field.setting.page == place}


def _in_pairs(fields: Iterable[RecipeField]) -> Controls:
    """Controls in rows of two."""
    rows = list(fields)
    controls: Controls = {}
    for start in range(0, len(rows), 2):
        with gr.Row():
            controls |= {field.name: control(field) for field in rows[start : start + 2]}
    return controls


def _show_if(chooser: Any, when: Callable[[Any], bool], shown: Any) -> None:
    """Show one control for certain values of another only."""
    chooser.change(
        lambda value: gr.update(visible=when(value)),
        chooser,
        shown,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
