"""The plot: well-formed, in the order asked, with zero and every interval on its scale."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from augmentai.lift import LiftReport, RecipeLift
from augmentai.lift.plot import svg


def plotted(*recipes: RecipeLift) -> ElementTree.Element:
    report = LiftReport("pets & co", "classification", "probe", "test", 3, 120, 60, 10, 7, "tiny", 21.0, recipes)
    return ElementTree.fromstring(svg(report))


@pytest.mark.parametrize(
    "interval",
    [
        pytest.param((-1.2, 2.0), id="around-zero"),
        pytest.param((3.0, 61.5), id="far-above"),
        pytest.param((-80.0, -79.0), id="far-below"),
        pytest.param((0.0, 0.0), id="nothing"),
    ],
)
def test_the_bar_and_zero_are_inside(interval: tuple[float, float]) -> None:
    root = plotted(RecipeLift("a", "cannot tell", sum(interval) / 2, interval, 120))
    width = float(root.attrib["viewBox"].split()[2])
    [bar] = root.findall(".//{*}rect")
    [zero] = [line for line in root.findall(".//{*}line") if line.attrib["class"] == "zero"]
    assert 0 < float(bar.attrib["x"]) <= float(bar.attrib["x"]) + float(bar.attrib["width"]) < width
    assert 0 < float(zero.attrib["x1"]) < width


def test_names_are_text_and_in_order() -> None:
    root = plotted(
        RecipeLift("<b>first</b>", "hurts", -3.0, (-5.0, -1.0), 120),
        RecipeLift("n" * 90, "helps", 3.0, (1.0, 5.0), 120),
    )
    words = [text.text or "" for text in root.findall(".//{*}text")]
    assert words.index("<b>first</b>") < words.index("hurts: -3.0 (-5.0 to -1.0)") < words.index("n" * 29 + "…")
    assert not any(re.fullmatch("n{31,}", text) for text in words)
