"""What README.md and docs/ promise is there: settings, links, images, flags, make targets, examples that run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from augmentai.dataset.recipe_file import load_recipe
from augmentai.operations import BUILT_IN
from augmentai.operations.table import markdown as operations_markdown
from augmentai.pipeline.stages import STAGES
from augmentai.recipe import Recipe
from augmentai.recipe.fields import markdown
from augmentai.settings import DATA, DEFAULT_WEIGHTS, EXAMPLES, ROOT, Settings
from augmentai.settings_table import table

DOCS = ROOT / "docs"
_AT_THE_TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "weights/README.md")
PAGES = sorted([*(ROOT / name for name in _AT_THE_TOP), *DOCS.rglob("*.md")])
_RUN = r"(?P<run><!-- test: run -->\n+)?"
_FENCE = re.compile(_RUN + r"^(?P<indent> *)```(?P<kind>\w+)\n(?P<code>.*?)^ *```$", re.M | re.S)
# Programs of others whose flags are not ours to check.
_STRANGERS = ("pip ", "docker ", "hf ", "apt-get ", "python3 -m venv", "git ", "make ", "curl ", "--build-arg")
# Our programs and the file that declares the flags of each; the command line is asked itself.
_PROGRAMS = {
    r"augmentai web|app\.py": "augmentai/web/launch.py",
    r"augmentai\.gan\.train": "augmentai/gan/train.py",
    r"augmentai\.gan\.sample_sheet": "augmentai/gan/sample_sheet.py",
    r"tests\.emulator": "tests/emulator/__main__.py",
    r"benchmarks/lift\.py": "benchmarks/lift.py",
    r"lift_calibration\.py": "benchmarks/lift_calibration.py",
    r"lift_worth\.py": "benchmarks/lift_worth.py",
    r"benchmarks\.worth\.speed": "benchmarks/worth/speed.py",
}


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(kind: str) -> list[pytest.param]:  # type: ignore[valid-type]
    """The fenced blocks of one kind in all pages: (code, whether it is to be run)."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for block in _FENCE.finditer(text):
            if block["kind"] == kind:
                code = re.sub(rf"^{block['indent']}", "", block["code"], flags=re.M)
                line = text.count("\n", 0, block.start()) + 1
                found.append(pytest.param(code, bool(block["run"]), id=f"{page_id(page)}:{line}"))
    return found


def command_lines() -> Iterator[tuple[str, str]]:
    """(page, command): every line of a shell block, and every piece of inline code."""
    for page in PAGES:
        text = page.read_text()
        for block in _FENCE.finditer(text):
            if block["kind"] == "bash":
                joined = block["code"].replace("\\\n", " ")
                yield from ((page_id(page), line.split(" #")[0].strip()) for line in joined.splitlines())
        prose = _FENCE.sub("", text).replace("\n", " ")
        yield from ((page_id(page), code) for code in re.findall(r"`([^`]+)`", prose))


def flags_of_the_command_line() -> set[str]:
    from augmentai.cli.app import app

    open_ones: list[click.Command] = [app]
    flags = {"-h", "--help"}
    while open_ones:
        command = open_ones.pop()
        open_ones += list(getattr(command, "commands", {}).values())
        flags |= {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    return {flag for flag in flags if flag.startswith("-")}


def test_every_flag_exists() -> None:
    ours = flags_of_the_command_line()
    launch = set(re.findall(r'"(--[a-z-]+)"', (ROOT / "augmentai/web/launch.py").read_text()))
    for page, command in command_lines():
        used = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", command))
        if any(stranger in f"{command} " for stranger in _STRANGERS):
            continue
        program = next((file for pattern, file in _PROGRAMS.items() if re.search(pattern, command)), None)
        if program is not None:
            text = (ROOT / program).read_text()
            missing = {flag for flag in used if flag.startswith("--") and f'"{flag}"' not in text}
        elif re.search(r"(^|[/ ])augmentai ", command) or command.startswith("--"):
            missing = used - ours - (launch if command.startswith("--") else set())
        else:
            missing = {flag for flag in used if flag.startswith("--")} - ours - launch
        assert not missing, f"{page}: {command}"


def test_settings_are_those_of_the_code() -> None:
    text = (DOCS / "settings.md").read_text()
    assert table(Settings.model_fields, DATA) in text, (
        "run `python -m augmentai.settings` and put its table into docs/settings.md"
    )


def test_recipe_fields_are_those_of_the_code() -> None:
    text = (DOCS / "recipe.md").read_text()
    assert text.endswith(markdown()), "run `python -m augmentai.recipe.fields` and put its tables into docs/recipe.md"


@pytest.mark.parametrize(("code", "to_run"), blocks("yaml"))
def test_recipe_examples_can_be_read(code: str, to_run: bool, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(code)
    assert load_recipe(tmp_path / "recipe.yaml") != Recipe()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_and_images_exist(page: Path) -> None:
    text = page.read_text()
    for place in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert page.parent.joinpath(place).exists(), place
    assert not re.search(r"@[A-Z]+@", text), "a place that was never filled in"


def test_links_within_the_readme_meet_a_heading() -> None:
    text = (ROOT / "README.md").read_text()
    heads = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.*)$", text, re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= heads


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in DOCS.rglob("*.md"):
        assert f": {page.relative_to(DOCS).as_posix()}\n" in navigation, page


@pytest.mark.parametrize(("code", "to_run"), blocks("python"))
def test_python_examples_compile_and_those_marked_run(
    code: str, to_run: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compile(code, "example", "exec")
    if to_run:
        (tmp_path / "photos" / "cats").mkdir(parents=True)
        shutil.copy(EXAMPLES / "chelsea.png", tmp_path / "photos" / "cats" / "a.png")
        monkeypatch.chdir(tmp_path)
        exec(program, {"__name__": "example"})


def test_the_stages_are_those_of_the_pipeline() -> None:
    section = (DOCS / "architecture.md").read_text().partition("## The stages")[2].partition("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.M) == [stage.__name__ for stage in STAGES]


def test_operations_are_those_of_the_code() -> None:
    text = (DOCS / "operations.md").read_text()
    assert text.endswith(operations_markdown()), (
        "run `python -m augmentai.operations.table` and put its tables at the end of docs/operations.md"
    )
    missing = [name for name in BUILT_IN if not (DOCS / f"images/operations/{name}.jpg").exists()]
    assert not missing, f"run `python docs/operation_pictures.py {' '.join(missing)}`"


def test_some_examples_are_run() -> None:
    assert sum(block.values[1] for block in blocks("python")) >= 2  # type: ignore[attr-defined]


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page, command in command_lines():
        for target in re.findall(r"(?:^|\s)make (\w+)", command):
            assert re.search(rf"^{target}:", makefile, re.M), f"{page}: {command}"


def test_model_card_is_of_these_weights() -> None:
    from augmentai.gan.weights_file import load

    card = DEFAULT_WEIGHTS.with_name("README.md").read_text()
    assert f"{int(load(DEFAULT_WEIGHTS).metadata['steps']):,}" in card
    assert DEFAULT_WEIGHTS.with_name("train_log.jsonl").exists()


def test_every_example_photo_has_its_licence() -> None:
    licences = (ROOT / "examples" / "LICENCES.txt").read_text()
    photos = [p for p in (ROOT / "examples").iterdir() if p.suffix in {".jpg", ".png"}]
    assert len(photos) >= 6
    assert all(photo.name in licences for photo in photos)


def test_the_changelog_has_this_version() -> None:
    from augmentai import __version__

    number = re.match(r"\d+\.\d+\.\d+", __version__)
    assert number
    assert f"## [{number[0]}]" in (ROOT / "CHANGELOG.md").read_text()
