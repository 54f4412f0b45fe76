"""Options generated from the recipe's fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from augmentai.cli.app import app, run
from augmentai.cli.options import FieldOption, GroupedCommand, recipe_options, typed_fields
from augmentai.recipe.fields import FIELDS, by_name
from augmentai.recipe.setting import GROUPS

# Spellings of earlier versions, which scripts rely on.
FLAGS = {
    "-n": "variations", "--variations": "variations", "-s": "strength", "--strength": "strength", "-e": "engine",
    "--engine": "engine", "-p": "prompt", "--prompt": "prompt", "--negative-prompt": "negative_prompt",
    "--seed": "seed", "-f": "output_format", "--format": "output_format", "-g": "geometry", "--geometry": "geometry",
    "--flip": "mirror", "--no-flip": "mirror", "--least-visible": "least_visible", "--filters": "filters",
    "--no-filters": "filters", "--retries": "retries", "--paid-retries": "paid_retries", "--drift": "drift",
    "--layout": "layout", "--to": "to", "--originals": "originals", "--splits": "splits", "--per-class": "per_class",
    "--balance": "balance", "--most-per-source": "most_per_source",
}  # fmt: skip
OTHERS = {"-o", "--out", "--recipe", "--push-to-hub", "--private", "--dry-run", "--version"}


def typed(*words: str) -> dict[str, Any]:
    """The recipe fields that a command line asks for."""
    found: dict[str, Any] = {}
    command = GroupedCommand("probe", "", params=recipe_options())
    command.callback = lambda **_: found.update(typed_fields(click.get_current_context()))
    answer = CliRunner().invoke(command, words, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return found


def refused(*words: str) -> str:
    answer = CliRunner().invoke(app, ["photos", "-o", "out", *words])
    assert answer.exit_code == 2
    return answer.output


def test_flags_of_earlier_versions_are_there() -> None:
    found = {flag: option.name for option in run.params for flag in (*option.opts, *option.secondary_opts)}
    assert {flag: found[flag] for flag in FLAGS} == FLAGS
    assert found.keys() >= OTHERS


def test_every_option_has_a_group_and_the_default_of_its_field() -> None:
    options = {option.field.name: option for option in run.params if isinstance(option, FieldOption)}
    assert options.keys() == {field.name for field in FIELDS}
    for name, option in options.items():
        assert option.group in GROUPS
        if not option.multiple:
            assert option.default == by_name(name).default


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ([], {}),
        (["-n", "4", "--strength", "auto"], {"variations": 4, "strength": "auto"}),
        (["-s", "0.25"], {"strength": 0.25}),
        (["--no-flip", "--filters", "--balance"], {"mirror": False, "filters": True, "balance": True}),
        (["-p", "--help", "-f", "webp"], {"prompt": "--help", "output_format": "webp"}),
        (["--threshold", "flat=0", "--threshold", "drift=0.5"], {"thresholds": {"flat": 0.0, "drift": 0.5}}),
    ],
)
def test_only_what_was_typed_is_in_the_recipe(words: list[str], fields: dict[str, Any]) -> None:
    assert typed(*words) == fields


@pytest.mark.parametrize(
    ("words", "flag", "reason"),
    [
        (["-n", "17"], "'-n' / '--variations'", "variations is 17; expected a whole number from 1 to 16"),
        (["-n", "many"], "'-n' / '--variations'", "variations is 'many'; expected a whole number from 1 to 16"),
        (["-s", "nan"], "'-s' / '--strength'", "strength is nan; expected a number from 0 to 1, or auto"),
        (["-g", "twist"], "'-g' / '--geometry'", "expected one of auto, none, flip, light, strong"),
        (
            ["--to", "folders"],
            "'--to'",
            "to is 'folders'; expected one of same, yolo, coco, panoptic, voc,",
        ),
        (["--threshold", "flat"], "'--threshold'", "the threshold flat is ''; expected a number from 0"),
    ],
)
def test_errors_name_the_flag_and_what_was_expected(words: list[str], flag: str, reason: str) -> None:
    shown = refused(*words)
    assert f"Invalid value for {flag}: " in shown
    assert reason in shown


def test_a_threshold_leaves_those_of_a_saved_recipe_as_they_are(tmp_path: Path) -> None:
    from augmentai.cli.run import recipe_of

    (tmp_path / "mine.yaml").write_text("thresholds: {near_copy: 2, flat: 0.2}\nvariations: 3\n")
    recipe = recipe_of(typed("--threshold", "flat=0"), tmp_path / "mine.yaml")
    assert (recipe.thresholds.near_copy, recipe.thresholds.flat, recipe.variations) == (2, 0, 3)
