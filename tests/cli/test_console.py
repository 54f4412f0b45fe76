"""What the command line prints of a report."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from augmentai.cli import console as printed

REPORT: dict[str, Any] = {
    "variations": 6, "held": 0, "failed": 0, "engines": {"gan": 6}, "seconds": 1.5, "seed": 3, "stopped": False,
    "headline": "6 variations from 3 files", "filtered": "", "failures": [], "fallbacks": [], "notices": [],
    "credits": 0.0, "diversity": None,
}  # fmt: skip


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    shown = io.StringIO()
    monkeypatch.setattr(printed, "console", Console(file=shown, width=200))
    return shown


def row(file: str, **more: str) -> dict[str, str]:
    return {"file": file, "reason": "why not", **more}


def test_a_file_that_failed_is_listed_once(screen: io.StringIO) -> None:
    """Engines that did not make it are no fallbacks: no other engine made it either."""
    fallbacks = [row("a.png", engine="stability"), row("b.png", engine="stability")]
    printed.print_problems(REPORT | {"failures": [row("a.png")], "fallbacks": fallbacks})
    shown = screen.getvalue()
    assert shown.count("a.png") == shown.count("b.png") == 1
    assert shown.index("Failed (1)") < shown.index("a.png") < shown.index("Fallbacks (1)") < shown.index("b.png")
    assert "stability: why not" in shown


def test_notes_are_listed_whole_and_without_markup(screen: io.StringIO) -> None:
    printed.print_problems(REPORT | {"notices": ["[bold] " + "word " * 60, "second"]})
    lines = screen.getvalue().splitlines()
    assert lines == ["Notes (2)", "- [bold] " + "word " * 60, "- second"]


def test_nothing_is_printed_without_problems(screen: io.StringIO) -> None:
    printed.print_problems(REPORT)
    assert screen.getvalue() == ""


def test_a_long_list_is_cut(screen: io.StringIO) -> None:
    printed.print_problems(REPORT | {"failures": [row(f"{number}.png") for number in range(50)]})
    shown = screen.getvalue()
    assert "Failed (50)" in shown
    assert shown.count(".png") == 20
    assert "30 more in the manifest" in shown


@pytest.mark.parametrize(
    ("report", "line"),
    [
        ({}, "6 variations from 3 files (6 by gan, 1.5 s, seed 3)"),
        ({"credits": 6.0}, "6 variations from 3 files (6 by gan, 6 credits, 1.5 s, seed 3)"),
        ({"engines": {}}, "6 variations from 3 files (1.5 s, seed 3)"),
        ({"held": 2}, "resumed (2 already done): 6 variations from 3 files (6 by gan, 1.5 s, seed 3)"),
        ({"held": 6}, "nothing left to do: 6 variations from 3 files (6 by gan, 1.5 s, seed 3)"),
        ({"held": 6, "failed": 1}, "resumed (6 already done): 6 variations from 3 files (6 by gan, 1.5 s, seed 3)"),
        ({"stopped": True}, "stopped: 6 variations from 3 files (6 by gan, 1.5 s, seed 3)"),
        (
            {"stopped": True, "held": 1200, "variations": 1300},
            "stopped, resumed (1,200 already done): 6 variations from 3 files (6 by gan, 1.5 s, seed 3)",
        ),
    ],
)
def test_summary(
    report: dict[str, Any], line: str, screen: io.StringIO, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    printed.print_summary(REPORT | report, tmp_path)
    assert screen.getvalue().splitlines() == [line]
    assert capsys.readouterr().out == f"{tmp_path}\n", "scripts read the place of the result"


def test_quitting_prints_the_reason_and_is_status_two(screen: io.StringIO) -> None:
    with pytest.raises(SystemExit) as ended:
        printed.quit_with("[no] such thing")
    assert ended.value.code == 2
    assert screen.getvalue() == "augmentai: [no] such thing\n"
