"""The manifest: one line per variation."""

from __future__ import annotations

import json

from augmentai.dataset.manifest import manifest_line
from augmentai.system.versions import versions
from augmentai.types import Source
from tests.support.written_outputs import failure, outcome


def test_a_line_of_the_manifest() -> None:
    made = outcome(donor="b")
    assert made.variation
    assert json.loads(manifest_line(made)) == {
        "file": "cats/a__v1.jpg",
        "source": "cats/a.jpg",
        "source_sha256": Source.from_bytes("", b"x").sha256,
        "label": "cats",
        "split": None,
        "index": 1,
        "engine": "gan",
        "model": "m",
        "prompt": "p",
        "strength": 0.4,
        "seed": 7,
        "width": 48,
        "height": 32,
        "seconds": 0.1,
        "fallbacks": [{"engine": "stability", "reason": "no key"}],
        "status": "ok",
        "versions": versions(),
        "bytes": [len(made.variation.data)],
        "details": {"donor": "b"},
        "attempts": 1,
        "notices": ["n"],
    }
    failed = json.loads(manifest_line(failure()))
    assert (failed["status"], failed["file"], failed["reason"]) == ("failed", None, "broken")
    assert {"source_sha256", "engine", "seconds", "width"} <= {key for key, value in failed.items() if value is None}
    assert manifest_line(failure("two\nlines")).count("\n") == 1
