"""Pascal VOC's XML: broken files are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dataset_runs import failures
from tests.support.labelled_sets import (
    voc,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"<annotation><object><name>bus</name></annotation>", "line 1: not valid XML (mismatched tag"),
        (b"<annotation>\n<object>\n<name>bus</name></object></annotation>", "object 1: bus has no <bndbox>"),
        (
            b"<annotation><object><name>b</name><bndbox><xmin>1</xmin><ymin>x</ymin></bndbox></object></annotation>",
            'object 1: ymin of b is "x"; expected a number of pixels',
        ),
        (b"<annotation><object><bndbox/></object></annotation>", "object 1: it has no <name>"),
        (
            b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>'
            b"<annotation><object><name>&b;</name></object></annotation>",
            "XML of an unsafe kind (EntitiesForbidden)",
        ),
    ],
)
def test_broken_xml(text: bytes, message: str, tmp_path: Path) -> None:
    found, job = failures(voc() | {"VOC/Annotations/one.xml": text}, tmp_path)
    assert list(found) == ["VOC/JPEGImages/one.jpg"]
    assert found["VOC/JPEGImages/one.jpg"].startswith("VOC/Annotations/one.xml")
    assert message in found["VOC/JPEGImages/one.jpg"]
    assert job.report.variations == 2
