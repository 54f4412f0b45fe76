"""The speed of a variation is printed for every way to make it."""

from __future__ import annotations

import pytest

from augmentai.settings import EXAMPLES
from benchmarks.worth.speed import main
from benchmarks.worth.techniques import techniques


def test_every_change_of_colour_and_the_gan(capsys: pytest.CaptureFixture[str]) -> None:
    main([str(EXAMPLES / "flower.jpg"), "--side", "64"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [one.name for one in techniques("colour")]
