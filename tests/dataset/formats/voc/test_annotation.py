"""Pascal VOC's XML: broken files are reported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.dataset_runs import failures, notices
from tests.support.expected_boxes import assert_boxes
from tests.support.labelled_sets import augmented, contents, gathered, voc, write
from tests.support.voc_files import annotation, photos


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


def xml(change: tuple[bytes, bytes], more: bytes = b"") -> bytes:
    return annotation("a.jpg").replace(*change).replace(b"</object>", more + b"</object>")


@pytest.mark.parametrize(
    "data",
    [
        xml((b"<width>32<", b"<width>1e400<")),  # a size that is none
        xml((b"<width>32<", "<width>³²<".encode())),
        xml((b"<width>32</width>", b"<width/>")),
        xml((b"", b""), "<difficult>²</difficult><pose>1</pose>".encode()),
        xml((b"", b""), b"<id>" + b"9" * 6000 + b"</id>"),
        xml((b"", b""), b"<note>" + b"<b>" * 40 + b"</b>" * 40 + b"</note>"),
        xml((b"<xmin>3<", b"<xmin> 3.0 <")),
        xml((b"<xmin>3<", b"<xmin>+3e0<")),
    ],
)
def test_odd_values_are_carried(data: bytes, tmp_path: Path) -> None:
    job = augmented([write(tmp_path / "in", photos("a.jpg") | {"a.xml": data})], tmp_path / "out", geometry="light")
    assert not job.report.failures
    labels = gathered(tmp_path / "in").sources[0].labels
    assert labels is not None
    found = [(shape.category, shape.box) for shape in labels.load().shapes if shape.box]
    assert_boxes({"a": found}, {"a": [("cup", (2, 2, 12, 10))]})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (xml((b"<xmin>3<", b"<xmin>nan<")), 'xmin of cup is "nan"; expected a number of pixels'),
        (xml((b"<xmin>3<", b"<xmin>1e400<")), 'xmin of cup is "1e400"'),
        (xml((b"<xmin>3<", "<xmin>²<".encode())), 'xmin of cup is "²"'),
        (xml((b"<xmin>3<", b"<xmin>" + b"9" * 6000 + b"<")), "xmin of cup is"),
        (xml((b"", b""), b"<polygon><x1>1</x1><y1>inf</y1><x2>2</x2><y2>2</y2></polygon>"), "not a number of pixels"),
        (xml((b"", b""), b"<robndbox><cx>1</cx><cy>x</cy></robndbox>"), 'cy of cup is "x"; expected a number'),
        (xml((b"", b""), b"<b>" * 5000 + b"</b>" * 5000), "elements in elements, 60 deep and more"),
    ],
)
def test_odd_values_are_refused_with_their_file(data: bytes, words: str, tmp_path: Path) -> None:
    found, _ = failures(photos("a.jpg", "b.jpg") | {"a.xml": data, "b.xml": annotation("b.jpg")}, tmp_path)
    assert list(found) == ["a.jpg"]
    assert found["a.jpg"].startswith("a.xml")
    assert words in found["a.jpg"]


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        # xmin, xmax of an image 32 px wide, and what they are in its mirror image
        (("3.25", "12.75"), ("20.25", "29.75")),
        (("3", "12.5"), ("20.5", "30")),
        (("3.0", "12.0"), ("21", "30")),
        (("3", "12"), ("21", "30")),
    ],
)
def test_fractions_of_pixels_are_kept(given: tuple[str, str], moved: tuple[str, str], tmp_path: Path) -> None:
    data = annotation("a.jpg")
    for tag, value in zip(("xmin", "xmax"), given, strict=True):
        data = re.sub(f"<{tag}>.*?<".encode(), f"<{tag}>{value}<".encode(), data)
    files = write(tmp_path / "in", photos("a.jpg") | {"a.xml": data})
    augmented([files], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    text = contents(tmp_path / "out")["a__v1.xml"].decode()
    assert (text.partition("<xmin>")[2].partition("<")[0], text.partition("<xmax>")[2].partition("<")[0]) == moved


def test_a_rotated_box_moves_with_its_object(tmp_path: Path) -> None:
    """As roLabelImg writes it; in a mirrored image it is turned the other way."""
    rotated = b"<robndbox><cx>12</cx><cy>10</cy><w>8</w><h>4</h><angle>0.5</angle></robndbox>"
    rest = b"<lm><x1>5</x1><y1>6</y1></lm><attributes><attribute><name>rotation</name><value>30</value></attribute>"
    given = write(tmp_path / "in", photos("a.jpg") | {"a.xml": xml((b"", b""), rotated + rest + b"</attributes>")})
    job = augmented([given], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    text = contents(tmp_path / "out")["a__v1.xml"].decode()
    angle = float(text.partition("<angle>")[2].partition("<")[0])
    assert [text.count(f"<{tag}>") for tag in ("robndbox", "bndbox", "lm", "attribute")] == [1, 1, 0, 0]
    assert "<cx>20</cx>" in text
    assert "<w>8</w>" in text
    assert abs(angle - (3.141593 - 0.5)) < 1e-3
    for tag in ("lm", "attributes.rotation"):
        assert f"`{tag}` is removed from geometrically transformed images" in notices(job)
