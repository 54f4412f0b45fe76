"""The report: what was lost and spent is in it, and the file that is saved needs nothing else."""

from __future__ import annotations

import base64
import re
from typing import Any

from augmentai.web.components.report_details import ReportDetails, details_html
from augmentai.web.components.report_file import with_save_link

REPORT: dict[str, Any] = {
    "filtered": "filters rejected 3 attempts (2 duplicate, 1 flat); 1 skipped; 4 objects left the frame",
    "credits": 30.0,
    "failures": [{"file": "<b>.jpg", "reason": "not an image"}],
    "fallbacks": [{"file": "a.jpg", "engine": "stability", "reason": "moderated"}],
    "notices": ["half are flipped"],
}


def test_everything_that_a_reader_asks_for_is_there() -> None:
    html = details_html(ReportDetails(REPORT, {0.4: 3, 0.9: 1}, {"cat": 12}, {"cat": 1, "dog": 4}))
    text = re.sub(r"<[^>]+>", " ", html)
    for words in ("Filters rejected 3 attempts", "1 skipped", "30 credits ($0.30)", "not an image", "moderated"):
        assert words in text
    assert "Half are flipped" in text
    assert re.search(r"0\.4\s+3\s+0\.9\s+1", text)
    assert re.search(r"cat\s+12\s+1", text)
    assert re.search(r"dog\s+0\s+4", text)
    assert "&lt;b&gt;.jpg" in html


def test_the_saved_file_needs_nothing_else() -> None:
    html = with_save_link('<div class="report"><section class="plot">16</section></div>', "16 variations")
    (link,) = re.findall(r'href="data:text/html;base64,([^"]+)"', html)
    page = base64.b64decode(link).decode()
    assert "<title>16 variations</title>" in page
    assert ".plot" in page
    assert "--block-background-fill: light-dark" in page, "it has colours of its own"
    assert not re.search(r"(src|href)=.?(https?:|/)|url\(|<script|Save as", page)
