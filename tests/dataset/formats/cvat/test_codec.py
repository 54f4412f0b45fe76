"""CVAT's files: which image an element means, what is written for a variation, and files that are broken."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augmentai.dataset.formats.cvat.codec import open_cvat
from tests.support.dataset_runs import failures, notices
from tests.support.labelled_sets import IMAGES, SIZE_WH, augmented, contents, gathered, photo, write
from tests.support.list_sets import cvat
from tests.support.listed_files import assert_read_or_reported
from tests.support.memory_file import MemoryFile, mutated

SET = cvat(IMAGES, SIZE_WH, photo)
XML = SET["annotations.xml"]


def one_image(inside: str, **attributes: str) -> bytes:
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<annotations><image id='0' width='64' height='48'{written}>{inside}</image></annotations>".encode()


BOX = '<box label="bus" occluded="0" xtl="4" ytl="6" xbr="24" ybr="20" z_order="0"/>'


def test_a_variation_is_an_image_of_its_own(tmp_path: Path) -> None:
    inside = BOX + '<tag label="night" source="manual"/><comment>look</comment>'
    files = {"data/a.jpg": photo(IMAGES[0][2]), "a.xml": one_image(inside, name="data/a.jpg", task_id="9")}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=4, geometry="flip", seed=1)
    first, *made = ElementTree.fromstring(contents(tmp_path / "out")["a.xml"])
    assert (first.get("name"), first.get("id"), len(first)) == ("data/a.jpg", "0", 3)
    assert [(image.get("name"), image.get("id"), image.get("task_id")) for image in made] == [
        (f"data/a__v{number}.jpg", str(number), "9") for number in (1, 2, 3, 4)
    ]
    boxes = [[(box.get("xtl"), box.get("ytl")) for box in image.iter("box")] for image in made]
    assert {place for (place,) in boxes} == {("4", "6"), ("40", "6")}
    assert all(image.find("tag") is not None for image in made)
    comments = [image.find("comment") is not None for image in made]
    assert comments == [box == [("4", "6")] for box in boxes]  # what nobody understands stays where nothing moved
    assert "<comment> is removed from geometrically transformed images" in notices(job)


def test_subsets_are_splits_and_tell_images_of_one_name_apart(tmp_path: Path) -> None:
    images = "".join(
        f'<image id="{i}" name="a.jpg" subset="{subset}" width="64" height="48">{BOX.replace("bus", subset)}</image>'
        for i, subset in enumerate(("train", "Validation"))
    )
    files = {
        f"images/{subset}/a.jpg": photo([("bus", i, 6, 24, 20)]) for i, subset in enumerate(("train", "Validation"))
    }
    found = gathered(
        write(tmp_path / "in", {**files, "annotations.xml": f"<annotations>{images}</annotations>".encode()})
    )
    seen = {
        source.path: (source.split, source.labels.load().shapes[0].category)
        for source in (*found.sources, *found.holdout)
    }  # type: ignore[union-attr]
    assert seen == {"images/train/a.jpg": ("train", "train"), "images/Validation/a.jpg": ("val", "Validation")}


def test_missing_images_are_named_and_images_without_an_element_have_no_labels(tmp_path: Path) -> None:
    files = {name: data for name, data in SET.items() if "two" not in name} | {"images/train/other.jpg": photo([])}
    found = gathered(write(tmp_path / "in", files))
    assert any("annotations.xml lists 1 image (two ü.jpg) that the set does not have" in one for one in found.notices)
    assert next(source for source in found.sources if "other" in source.path).labels is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (XML[:-200], "not valid XML ("),
        (XML.replace(b"</image>", b"</picture>", 1), "not valid XML (mismatched tag"),
        (
            b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>' + XML.split(b"\n", 1)[1].replace(b"ours", b"&b;"),
            "XML of an unsafe kind (EntitiesForbidden)",
        ),
        (one_image("<a>" * 5000 + "</a>" * 5000, name="one.jpg"), "XML that cannot be read (RecursionError"),
    ],
    ids=["cut off", "tags", "entities", "deep"],
)
def test_a_broken_file(text: bytes, message: str, tmp_path: Path) -> None:
    """Its images are not augmented without their labels."""
    found, job = failures(SET | {"annotations.xml": text}, tmp_path)
    assert list(found) == ["annotations.xml"]
    assert message in found["annotations.xml"]
    assert job.gathered.layout.name == "cvat"
    assert job.report.variations == 0
    assert "skipped 5 images without labels, since a label file is broken" in notices(job)


def test_an_image_without_a_name_and_the_tracks_of_a_video_are_reported(tmp_path: Path) -> None:
    text = XML.replace(b' name="two \xc3\xbc.jpg"', b"").replace(b"</annotations>", b'<track id="3"/></annotations>')
    found, job = failures(SET | {"annotations.xml": text}, tmp_path)
    reasons = [row["reason"] for row in job.report.failures]
    assert any("image 2: it has no name" in reason for reason in reasons)
    assert any("track 3: tracks are of videos" in reason for reason in reasons)
    assert set(found) == {"annotations.xml"}


def test_plain_declarations_and_other_encodings_are_read(tmp_path: Path) -> None:
    """A DTD without entities, and UTF-16."""
    text = XML.decode().replace('encoding="utf-8"?>', 'encoding="utf-16"?>\n<!DOCTYPE annotations>')
    found = gathered(write(tmp_path / "in", SET | {"annotations.xml": text.encode("utf-16")}))
    assert (found.layout.name, len(found.sources), found.failures) == ("cvat", 3, ())


@given(st.integers(0, 2**32), st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_mutated_files_are_read_or_reported(seed: int, count: int) -> None:
    pieces = [b"", b"<", b'"', b"nan", b"-", b"\xff", b"&lt;", b"1e99", b"</image>", b",;", "²".encode()]
    assert_read_or_reported(
        lambda: open_cvat(MemoryFile("a.xml", mutated(XML, seed, count, pieces))), "a.xml", "image ", SIZE_WH
    )
