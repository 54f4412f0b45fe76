"""One table of fields: each appears on the command line, in the API, on the page and in the docs, with its default."""

# ruff: noqa: RUF009 (`setting` returns what `dataclasses.field` does)

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import click
import gradio as gr
import pytest
from click.testing import CliRunner

from augmentai.cli.options import FieldOption, GroupedCommand, recipe_options, typed_fields
from augmentai.recipe import Recipe, RecipeError, Thresholds
from augmentai.recipe.fields import FIELDS, RecipeField, api_fields, by_name, fields_of, markdown, recipe_from_form
from augmentai.recipe.kinds import Choice, Fraction, Numbers, Switch, Text, WholeNumber
from augmentai.recipe.setting import GROUPS, setting
from augmentai.recipe.steps import Steps
from augmentai.web.endpoint import Page, add_endpoint
from augmentai.web.form import Form, more_settings, simple_fields
from augmentai.web.handlers.api import ApiHandler

Weave = Literal["plain", "twill"]


@dataclass(frozen=True)
class Wider(Recipe):
    """A recipe with a field of each kind more, and nothing else changed anywhere."""

    grain: float = setting(0.2, Fraction(), "filters", "How grainy.", "--grain", label="Grain")
    weave: Weave = setting("plain", Choice(Weave, ("Plain weave", "Twill")), "dataset", "How woven.", "--weave")
    threads: int = setting(7, WholeNumber(1, 5000), "output", "How many threads.", "--threads", "-t", label="Threads")
    dyed: bool = setting(False, Switch(), "what to make", "Dye it.", "--dyed", label="Dyed", info="All of it.")
    name: str = setting("", Text(20), "engines", "What to call it.", "--name", label="Name", page="dataset")
    steps: tuple[Any, ...] = setting((), Steps("operations", 3), "what to make", "What to do.", "--step", label="Steps")
    cuts: Thresholds = setting(Thresholds, Numbers(Thresholds, "cut"), "filters", "Cuts.", "--cut", api=False, page="")


WIDER = fields_of(Wider)
NEW = ("grain", "weave", "threads", "dyed", "name", "steps", "cuts")


def form_of(table: tuple[RecipeField, ...]) -> Form:
    with gr.Blocks():
        return more_settings(simple_fields(table), [], table)


def endpoint_of(table: tuple[RecipeField, ...]) -> dict[str, dict[str, Any]]:
    """{keyword: what the API's schema says of it}."""
    with Page() as page:
        page.api_docs = add_endpoint(ApiHandler.__new__(ApiHandler), {}, table)
    parameters = page.get_api_info()["named_endpoints"]["/augment"]["parameters"]
    return {parameter["parameter_name"]: parameter for parameter in parameters}


def help_of(table: tuple[RecipeField, ...]) -> str:
    command = GroupedCommand("probe", "", params=recipe_options(table))
    return CliRunner().invoke(command, ["--help-all"], terminal_width=200).output


EVERY_FIELD = pytest.mark.parametrize("field", WIDER, ids=lambda field: field.name)


@pytest.fixture(scope="module")
def wider_form() -> Form:
    return form_of(WIDER)


@pytest.fixture(scope="module")
def wider_endpoint() -> dict[str, dict[str, Any]]:
    return endpoint_of(WIDER)


def test_the_table_is_the_recipe() -> None:
    assert [field.name for field in FIELDS] == [field.name for field in dataclasses.fields(Recipe)]
    assert {field.name: field.default for field in FIELDS} == vars(Recipe())
    assert [field.name for field in WIDER] == [*(field.name for field in FIELDS), *NEW]


@EVERY_FIELD
def test_a_field_says_all_that_front_ends_need(field: RecipeField) -> None:
    setting = field.setting
    assert setting.group in GROUPS
    assert setting.help.endswith(".")
    assert setting.flags[0].startswith("--"), "the long flag comes first"
    assert field.kind.check(field.name, field.default) == field.default
    assert field.kind.values()
    if field.kind.choices():
        assert {name for _, name in field.kind.titled()} <= set(field.kind.choices())


def test_no_two_fields_share_a_flag() -> None:
    flags = [flag for field in FIELDS for long in field.setting.flags for flag in long.split("/")]
    assert len(flags) == len(set(flags))


@EVERY_FIELD
def test_every_field_is_an_option_with_its_default(field: RecipeField) -> None:
    option = FieldOption(field)
    assert option.name == field.name
    assert {flag for flags in field.setting.flags for flag in flags.split("/")} == {
        *option.opts,
        *option.secondary_opts,
    }
    if not field.kind.repeatable:
        assert option.default == field.default
    row = " ".join(help_of(WIDER).split())
    assert field.setting.flags[0] in row
    assert field.setting.help in row


@EVERY_FIELD
def test_every_field_of_the_api_is_a_keyword_with_its_default(
    field: RecipeField, wider_endpoint: dict[str, dict[str, Any]]
) -> None:
    if not field.setting.api:
        assert field.name not in wider_endpoint
        return
    found = wider_endpoint[field.name]
    assert found["parameter_has_default"]
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    assert found["parameter_default"] == default
    assert found["label"] == field.name
    assert found["python_type"]["description"].startswith(field.setting.help.removesuffix("."))
    names = [name for _, name in field.kind.titled()]
    schema = found["type"].get("items", found["type"])
    assert schema.get("enum", []) == names


def test_keywords_are_in_the_order_of_the_recipe(wider_endpoint: dict[str, dict[str, Any]]) -> None:
    assert [*wider_endpoint] == ["files", *(field.name for field in api_fields(WIDER))]


@EVERY_FIELD
def test_every_field_of_the_page_is_a_control(field: RecipeField, wider_form: Form) -> None:
    if not field.setting.page or field.name == "balance":  # that one is a choice of another control
        assert field.name not in wider_form.fields
        return
    control = wider_form.fields[field.name]
    assert control.label == (field.setting.label or field.name.capitalize())
    assert (control.info or "") == field.setting.info
    default = list(field.page_default) if isinstance(field.page_default, tuple) else field.page_default
    assert control.value == default
    assert getattr(control, "choices", []) == field.kind.titled()


def test_page_defaults_are_the_recipe_s_but_for_three() -> None:
    differing = {field.name for field in FIELDS if field.page_default != field.default}
    assert differing == {"strength", "variations", "per_class"}


@EVERY_FIELD
def test_every_field_is_in_the_docs_table_once(field: RecipeField) -> None:
    rows = [line for line in markdown(WIDER).splitlines() if line.startswith(f"| `{field.name}` |")]
    assert len(rows) == 1
    for flag in field.setting.flags:
        assert f"`{flag}`" in rows[0]
    assert field.setting.help in rows[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--grain", "0.5"], {"grain": 0.5}),
        (["--weave", "twill", "--dyed"], {"weave": "twill", "dyed": True}),
        (["-t", "9", "--name", "a name"], {"threads": 9, "name": "a name"}),
        (["--step", "flip", "--step", "rotate"], {"steps": ["flip", "rotate"]}),
        (["--cut", "flat=1", "--cut", "drift=0"], {"cuts": {"flat": 1.0, "drift": 0.0}}),
    ],
)
def test_a_new_field_can_be_typed(words: list[str], expected: dict[str, Any]) -> None:
    found: dict[str, Any] = {}
    command = GroupedCommand("probe", "", params=recipe_options(WIDER))
    command.callback = lambda **_: found.update(typed_fields(click.get_current_context()))
    answer = CliRunner().invoke(command, words, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    assert found == expected
    Wider(**found)
    rows = {field.name: field for field in WIDER}
    retyped = [word for name, value in found.items() for word in rows[name].words(getattr(Wider(**found), name))]
    assert CliRunner().invoke(command, retyped).exit_code == 0


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("grain", 2, "grain is 2; expected a number from 0 to 1"),
        ("weave", "satin", "weave is 'satin'; expected one of plain, twill"),
        ("threads", 0, "threads is 0; expected a whole number from 1 to 5000"),
        ("dyed", "yes", "dyed is 'yes'; expected True or False"),
        ("name", "x" * 21, "name has 21 characters; at most 20 are allowed"),
        ("steps", ["weave"], "steps: there is no operation 'weave'; installed: "),
        ("cuts", {"deep": 1}, "there is no cut deep; there are near_copy, "),
        ("cuts", 3, "cuts is 3; expected numbers by name"),
    ],
)
def test_a_new_field_is_validated(field: str, value: Any, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Wider(**{field: value})


def test_what_a_form_sends_becomes_a_recipe() -> None:
    form = {"strength": "0.25", "variations": 4.0, "seed": None, "per_class": "3", "mirror": False, "engine": "gan"}
    assert recipe_from_form(form) == Recipe(strength=0.25, variations=4, per_class=3, mirror=False, engine="gan")
    assert recipe_from_form({"strength": "auto"}) == Recipe()
    with pytest.raises(RecipeError, match="strength is 'strong'; expected a number from 0 to 1, or auto"):
        recipe_from_form({"strength": "strong"})


def test_words_of_the_command_line() -> None:
    assert by_name("mirror").words(False) == ["--no-flip"]
    assert by_name("balance").words(True) == ["--balance"]
    assert by_name("balance").words(False) == []
    assert by_name("output_format").words("png") == ["--format", "png"]
    assert by_name("thresholds").words(Thresholds(flat=0)) == ["--threshold", "flat=0"]
    assert by_name("thresholds").words(Thresholds()) == []
