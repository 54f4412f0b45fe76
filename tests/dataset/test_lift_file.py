"""`lift.json`: what is a measurement, and what a file is told that is none; in the card, the report and the output."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from augmentai.api import run
from augmentai.dataset.lift_file import LIFT_FILE, LiftFile, LiftFileError
from augmentai.dataset.manifest import CARD
from tests.support.command_line import augmentai
from tests.support.lift_reports import REPORT
from tests.support.page_steps import photos

MEASURED = REPORT.as_dict()


def test_a_report_becomes_a_file_and_comes_back(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_bytes(LiftFile.of(MEASURED).data)
    found = LiftFile.read(tmp_path / "own.json")
    assert found.content == MEASURED
    assert [one["recipe"] for one in found.verdicts()] == ["light", "strong | *bold*", "signs"]
    assert found.verdicts()[0] == {
        "recipe": "light",
        "verdict": "cannot tell",
        "difference": 0.4,
        "interval": [-1.2, 2.0],
        "pictures": 120,
    }


def _without(key: str) -> Callable[[Any], Any]:
    return lambda content: {name: value for name, value in content.items() if name != key}


def _with(**changes: Any) -> Callable[[Any], Any]:
    return lambda content: content | changes


def _first(**changes: Any) -> Callable[[Any], Any]:
    def change(content: Any) -> Any:
        content["recipes"][0] |= changes
        return content

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda content: [], "it is not an object", id="a list"),
        pytest.param(_without("recipes"), "`recipes` is not a list of 1 to 100", id="no recipes"),
        pytest.param(_with(recipes=[]), "`recipes` is not a list", id="none of them"),
        pytest.param(_without("set"), "`set` is not text", id="no set"),
        pytest.param(_with(seed="7"), "`seed` is not a number", id="a number as text"),
        pytest.param(_first(recipe=3), "one of `recipes` has no name", id="no name"),
        pytest.param(_first(verdict="great"), "'light' is not one of helps, hurts, cannot tell", id="a verdict"),
        pytest.param(_first(interval=[1]), "'light' has no difference with an interval", id="half an interval"),
        pytest.param(_first(difference=True), "'light' has no difference with an interval", id="no number"),
        pytest.param(_first(difference=1e300), "'light' has no difference", id="too large a number"),
        pytest.param(_first(shifted={"difference": 1}), "`shifted` of 'light'", id="half a shifted one"),
    ],
)
def test_what_is_no_measurement_says_why(change: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(LiftFileError) as raised:
        LiftFile.parse(json.dumps(change(copy.deepcopy(MEASURED))).encode())
    assert message in str(raised.value)
    assert "`augmentai lift SET --json > lift.json` makes one" in str(raised.value)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"{" * 100_000, b" " * 5_000_001], ids=len)
def test_what_is_no_json_says_so(data: bytes) -> None:
    with pytest.raises(LiftFileError, match=r"^lift\.json is not a measurement: it "):
        LiftFile.parse(data)


def test_a_run_without_a_measurement_says_that_nothing_was_measured(tmp_path: Path) -> None:
    photos(tmp_path, "set/cats/a.png", "set/dogs/b.png")
    result = run(tmp_path / "set", tmp_path / "out", filters=False)
    assert result.report["lift"] is None
    assert "## Does it help?\n\nNot measured: nothing is known" in (result.path / CARD).read_text()
    assert not (result.path / LIFT_FILE).exists()


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_a_run_with_a_measurement_keeps_it_and_says_it(tmp_path: Path, name: str) -> None:
    photos(tmp_path, "set/cats/a.png", "set/dogs/b.png")
    (tmp_path / "own.json").write_bytes(LiftFile.of(MEASURED).data)
    done = augmentai(tmp_path / "set", "-o", tmp_path / name, "--no-filters", "--lift", tmp_path / "own.json")
    assert done.returncode == 0, done.stderr
    if name == "out.zip":
        zipfile.ZipFile(tmp_path / name).extractall(tmp_path / "out")
    assert json.loads((tmp_path / "out" / LIFT_FILE).read_bytes()) == MEASURED
    card = (tmp_path / "out" / CARD).read_text()
    assert "Measured on `pets`: 120 test images (of the test split), 60 training images of 3 classes" in card
    assert "| light | cannot tell | +0.4 (-1.2 to +2.0) | not measured | 120 |" in card
    assert r"| strong \| \*bold\* | hurts | -4.0 (-7.0 to -1.0) | -2.0 (-6.0 to +2.0) | 120 |" in card


def test_the_same_command_adds_a_later_measurement(tmp_path: Path) -> None:
    photos(tmp_path, "set/cats/a.png", "set/dogs/b.png")
    for lift in (None, REPORT, None):
        report = run(tmp_path / "set", tmp_path / "out", filters=False, seed=4, lift=lift).report
    assert [one["verdict"] for one in report["lift"]] == ["cannot tell", "hurts", "helps"], "it stays there"
    assert "Measured on `pets`" in (tmp_path / "out" / CARD).read_text()
    (tmp_path / "out" / LIFT_FILE).write_text("{}")
    assert run(tmp_path / "set", tmp_path / "out", filters=False, seed=4).report["lift"] is None
    assert "Not measured" in (tmp_path / "out" / CARD).read_text()


def test_a_file_that_is_none_ends_the_command_before_anything_is_made(tmp_path: Path) -> None:
    photos(tmp_path, "set/cats/a.png")
    (tmp_path / "own.json").write_text("{}")
    done = augmentai(tmp_path / "set", "-o", tmp_path / "out", "--lift", tmp_path / "own.json")
    assert (done.returncode, (tmp_path / "out").exists()) == (2, False)
    assert "own.json is not a measurement" in done.stderr
