"""The command and its commands: dispatch, help, version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from augmentai import __version__
from augmentai.cli.app import app
from augmentai.settings import EXAMPLES
from tests.support.command_line import augmentai

HEAVY = {"torch", "gradio", "diffusers", "transformers"}


def asked(*words: str) -> Result:
    """The answer to a command that makes nothing, in a terminal of 100 columns."""
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, words, prog_name="augmentai", terminal_width=100)


def test_help_is_a_screenful_with_examples_and_every_command() -> None:
    shown = asked("--help")
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) <= 40
    assert "augmentai photos/ -o augmented -n 4" in shown.output
    for command in ("run", "replay", "web", "version"):
        assert f"\n  {command} " in shown.output


def test_without_arguments_the_help_is_shown() -> None:
    shown = asked()
    assert shown.exit_code == 2, "a script whose list of files is empty has done nothing"
    assert shown.output == asked("--help").output


@pytest.mark.parametrize("words", [["run", "--help"], ["photos", "--help"], ["-n", "4", "--help"]])
def test_help_of_run_lists_common_options_on_a_screenful(words: list[str]) -> None:
    shown = asked(*words).output
    assert len(shown.splitlines()) <= 50
    for heading in ("What to make:", "Dataset:", "Engines:", "Output:"):
        assert heading in shown
    assert "--variations" in shown
    assert "--least-visible" not in shown
    assert "more options: augmentai run --help-all" in shown


@pytest.mark.parametrize("words", [["run", "--help-all"], ["--help-all"]])
def test_all_options_are_listed_in_groups(words: list[str]) -> None:
    shown = asked(*words).output
    assert "\nFilters:\n" in shown
    for flag in ("--out", "--recipe", "--dry-run", "--push-to-hub", "--private", "--least-visible", "--no-flip"):
        assert flag in shown
    assert "more options" not in shown


@pytest.mark.parametrize("words", [["version"], ["--version"], ["photos", "--version"]])
def test_version(words: list[str]) -> None:
    shown = asked(*words)
    assert (shown.exit_code, shown.output) == (0, f"augmentai {__version__}\n")


def test_a_near_miss_of_a_flag_is_suggested() -> None:
    shown = asked("photos", "-o", "out", "--variation", "4")
    assert shown.exit_code == 2
    assert "--variations" in shown.output


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("r", ["run", "replay", "run-shards"]),
        ("run photos --thr", ["--threshold"]),
        ("photos -o out --geo", ["--geometry"]),
        ("photos --geometry f", ["flip"]),
        ("photos --engine sta", ["stability"]),
    ],
)
def test_shells_can_complete(words: str, completions: list[str]) -> None:
    complete = ShellComplete(app, {}, "augmentai", "_AUGMENTAI_COMPLETE")
    *before, last = words.split()
    assert [item.value for item in complete.get_completions(before, last)] == completions


@pytest.mark.parametrize("form", [["run"], []], ids=["run", "bare"])
def test_the_word_run_may_be_omitted(form: list[str], tmp_path: Path) -> None:
    done = augmentai(*form, EXAMPLES / "chelsea.png", "-o", tmp_path / "out", "-e", "gan", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "chelsea__v1.png").is_file()


def test_options_may_come_before_inputs(tmp_path: Path) -> None:
    done = augmentai("-n", "1", "--dry-run", EXAMPLES / "chelsea.png")
    assert done.returncode == 0, done.stderr
    assert "1 variation of 1 image" in done.stdout


@pytest.mark.parametrize("words", [["--help"], ["run", "--help-all"], ["replay", "--help"], ["version"]])
def test_help_and_version_load_neither_engines_nor_the_page(words: list[str]) -> None:
    code = f"""import sys
from augmentai.cli.app import app
app({words!r}, prog_name="augmentai", standalone_mode=False)
print(*sys.modules)"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not (HEAVY | {"augmentai.pipeline.job"}) & set(shown.splitlines()[-1].split())


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = "import sys, augmentai, augmentai.cli.app, augmentai.pipeline.job; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "gradio", "diffusers", "transformers"} & set(loaded)
