"""No key, and no part of one, in what a service says."""

from __future__ import annotations

from augmentai.engines.redaction import redacted
from tests.support.hosted_job import KEY


def test_redaction() -> None:
    assert redacted(f"no {KEY} here", KEY) == "no [key] here"
    assert redacted(f"cut {KEY[:12]}... and {KEY[-9:]}", KEY) == "cut [key]... and [key]"
    assert redacted("sk-abcd****wxyz", KEY) == "[key]"
    assert redacted("sk-other1234", "") == "[key]"
    assert redacted("a\n  b\t c", KEY) == "a b c"
    assert len(redacted("x" * 5000, KEY)) == 300
