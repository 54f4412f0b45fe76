"""A measurement on the page: sentences, bars on one scale, and no text of the set as markup."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from augmentai.web.components.lift_bars import lift_html, lift_report, sentence
from tests.support.lift_reports import REPORT


def test_each_recipe_has_its_answer_in_words() -> None:
    assert [sentence(one) for one in REPORT.recipes] == [
        "Cannot tell with 120 images (about 1,900 would do)",
        "Hurts: -4.0 points (-7.0 to -1.0)",
        "Helps: +4.2 points (+1.1 to +7.3)",
    ]


def test_recipes_are_in_the_order_asked_and_names_are_text() -> None:
    html = lift_html(REPORT)
    assert re.findall(r"<h2>(.*?)</h2>", html) == ["light", "strong | *bold*", "signs"]
    assert "&lt;b&gt;dogs&lt;/b&gt;" in html
    assert "<b>dogs" not in html
    assert "pets: 3 classes, 120 test images (the set&#x27;s test images)" in html
    assert "<li>A quick look: an alarm for effects of about 5 points.</li>" in html


def test_bars_are_on_one_scale_with_a_line_at_zero() -> None:
    html = lift_html(REPORT)
    assert len(set(re.findall(r'class="lift-zero" style="left:([\d.]+)%"', html))) == 1
    (helps,) = re.findall(r'lift-range lift-up" style="left:([\d.]+)%;width:([\d.]+)%"', html)
    (zero,) = set(re.findall(r'class="lift-zero" style="left:([\d.]+)%"', html))
    assert float(zero) < float(helps[0]) < float(helps[0]) + float(helps[1]) <= 100
    assert html.count('class="lift-range') == 5, "three clean ones and two shifted ones"
    assert 'aria-label="Clean: +4.2 (+1.1 to +7.3) points"' in html


@pytest.mark.parametrize(
    "interval", [pytest.param((0.0, 0.0), id="none"), pytest.param((-100.0, 100.0), id="all"), (0.01, 0.02), (-55, -54)]
)
def test_any_interval_is_within_the_scale(interval: tuple[float, float]) -> None:
    one = replace(REPORT.recipes[0], difference=interval[0], interval=interval)
    html = lift_html(replace(REPORT, recipes=(one,)))
    shares = [float(share) for share in re.findall(r"left:(-?[\d.]+)%", html)]
    assert all(0 <= share <= 100 for share in shares)


def test_the_report_of_a_job_says_that_nothing_was_measured() -> None:
    assert "Not measured with these settings" in lift_report(None)
    assert "Helps: +4.2 points" in lift_report(REPORT)


def test_by_cells_points_are_of_average_precision_and_nothing_is_shifted() -> None:
    recipes = tuple(replace(one, shifted=None) for one in REPORT.recipes)
    html = lift_html(replace(REPORT, task="detection", method="cells", recipes=recipes))
    assert "Points of mean average precision of cells, against as many flips and crops" in html
    assert "Shifted" not in html
    assert "Shifted" in lift_html(REPORT)
