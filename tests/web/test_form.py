"""The page's controls, and the two settings that are chosen with two controls each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr
import pytest

from augmentai.engines.stability import StabilityEngine
from augmentai.recipe import Recipe
from augmentai.recipe.fields import FIELDS, recipe_from_form
from augmentai.settings import Settings
from augmentai.web.form import Form, as_form, as_recipe, more_settings, simple_fields

AUTOMATIC, BALANCING = "automatic strength", "class balancing"


@pytest.fixture(scope="module")
def form() -> Form:
    with gr.Blocks():
        return more_settings(simple_fields(), [])


def test_the_terms_of_a_service_are_beside_its_key() -> None:
    with gr.Blocks():
        key = more_settings(simple_fields(), [StabilityEngine(Settings(stability_api_key="sk-1"))]).key
    assert key.info.startswith("Used for your own jobs only; held in this page's memory and never stored.")
    assert "may use what is sent to improve its services, unless you opt out" in key.info


def filled(form: Form, **values: Any) -> dict[str, Any]:
    """What the controls hold when a visitor has changed some."""
    return {name: control.value for name, control in form.fields.items()} | values


def test_untouched_it_asks_for_four_variations_and_else_the_default_recipe(form: Form) -> None:
    assert Recipe(**as_recipe(filled(form))) == Recipe(variations=4)


def test_controls_have_the_field_s_names_in_plain_words(form: Form) -> None:
    labels = {name: control.label for name, control in form.fields.items()}
    assert labels[AUTOMATIC] == "Automatic strength"
    assert labels[BALANCING] == "Class balancing"
    assert {name: labels[name] for name in ("layout", "to", "geometry", "mirror", "filters", "output_format")} == {
        "layout": "Dataset format",
        "to": "Output format",
        "geometry": "Geometric augmentation",
        "mirror": "Allow horizontal flip",
        "filters": "Retry low-quality variations",
        "output_format": "Image format",
    }


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        (BALANCING, ["Off", "Match largest class", "Target per class"]),
        (
            "geometry",
            ["Automatic", "None", "Horizontal flip (50 %)", "Light: flip, crop, rotate", "Strong: plus perspective"],
        ),
        ("originals", ["Automatic (datasets only)", "Always", "Never"]),
        ("splits", ["Copy unchanged", "Exclude"]),
        (
            "to",
            [
                "Same as input",
                "YOLO",
                "COCO",
                "COCO panoptic",
                "Pascal VOC",
                "ImageFolder",
                "CreateML",
                "LabelMe, X-AnyLabeling",
                "CVAT",
                "VGG Image Annotator (VIA)",
                "Supervisely",
                "CSV of boxes",
                "DOTA",
                "Masks",
            ],
        ),
    ],
)
def test_titles_of_choices(form: Form, name: str, titles: list[str]) -> None:
    assert [title for title, _ in form.fields[name].choices] == titles


def test_code_to_copy_has_keywords_in_the_order_of_the_api(form: Form) -> None:
    names = [name for name in as_recipe(filled(form)) if name != "balance"]
    assert names == [field.name for field in FIELDS if field.name in names]


@pytest.mark.parametrize(
    ("values", "recipe"),
    [
        ({AUTOMATIC: False, "strength": 0.7}, {"strength": 0.7}),
        ({AUTOMATIC: True, "strength": 0.7}, {"strength": "auto"}),
        ({BALANCING: "balance", "per_class": 50}, {"balance": True, "per_class": 0}),
        ({BALANCING: "per_class", "per_class": 50}, {"balance": False, "per_class": 50}),
        ({BALANCING: "", "per_class": 50}, {"balance": False, "per_class": 0}),
    ],
)
def test_two_controls_make_one_setting(form: Form, values: dict[str, Any], recipe: dict[str, Any]) -> None:
    assert as_recipe(filled(form, **values)).items() >= recipe.items()


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(strength=0.6, per_class=40, operations=["flip", {"crop": {"scale": [0.5, 1]}}]),
        Recipe(balance=True, prompt="a {label}", to="coco"),
    ],
)
def test_a_loaded_recipe_is_shown_and_comes_back(form: Form, recipe: Recipe) -> None:
    shown = {name: value for name, value in as_form(asdict(recipe)).items() if name in form.fields}
    assert Recipe(**as_recipe(filled(form, **shown))) == recipe


def test_operations_are_shown_as_they_are_typed() -> None:
    steps = ("flip", {"crop": {"scale": [0.5, 1.0]}})
    assert as_form(asdict(Recipe(operations=steps)))["operations"] == ["flip", "crop(scale=0.5..1)"]
    assert recipe_from_form({"operations": ["flip", "crop(scale=0.5..1)"]}).operations == steps


def test_nothing_loaded_changes_nothing() -> None:
    assert as_form({}) == {}
