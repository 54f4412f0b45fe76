"""Label files of more than an image can have, or with values that are legal and odd: refused in words, in no time."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from augmentai.annotations import LabelError, LabelReader, Labels
from augmentai.dataset.bounds import MOST_OBJECTS, MOST_POINTS
from augmentai.dataset.formats import detect
from augmentai.dataset.formats.yolo import annotation
from augmentai.dataset.readers.gather import gather
from augmentai.pipeline.job import limits
from augmentai.settings import Settings
from tests.support.call_counts import calls_of
from tests.support.image_files import jpeg
from tests.support.labelled_sets import gathered, write
from tests.support.outlined_sets import SOURCES

BOX = b"0 .5 .5 .1 .1\n"
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],
    "categories": [{"id": 1, "name": "c"}],
}
OBJECT = b"<object><name>c</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"


def coco(segmentation: object) -> bytes:
    one = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "segmentation": segmentation}
    return json.dumps({**COCO, "annotations": [one]}).encode()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.txt": BOX * (MOST_OBJECTS + 1)}, "25,001 objects in one image; expected at most 25,000"),
        ({"data.yaml": b"names: [c]\n", "a.txt": b"0" + b" .5 .5" * (MOST_POINTS + 1)}, "outline of 250,001 points"),
        ({"a.xml": b"<annotation>" + OBJECT * (MOST_OBJECTS + 1) + b"</annotation>"}, "25,001 objects"),
        ({"a.xml": b"<annotation>" + b"<a>" * 4000 + b"</annotation>"}, "elements in elements, 60 deep"),
        ({"coco.json": coco({"size": [32, 48], "counts": "0" * 60_000})}, "more than 3,074 runs"),
        ({"data.yaml": "names: {²: c}\n".encode(), "a.txt": BOX}, "expected a number and a name each"),
        ({"metadata.csv": b"file_name" + b",x" * 10_001 + b"\na.jpg\n"}, "10,002 columns; expected at most 10,000"),
        ({"metadata.jsonl": b'{"": "a.jpg"}\n'}, "no file_name in"),  # an empty key names no image
    ],
    ids=["boxes", "points", "elements", "levels", "runs", "superscript", "columns", "empty key"],
)
def test_what_no_image_has_is_refused(files: dict[str, bytes], words: str, tmp_path: Path) -> None:
    inputs = [write(tmp_path / "in", {"a.jpg": jpeg(), **files})]
    found = gather(inputs, limits(Settings(max_objects=MOST_OBJECTS)))
    said = [f"{one.file}: {one.reason}" for one in found.failures]
    for source in found.sources:
        try:
            _ = source.labels.load() if source.labels is not None else None
        except ValueError as error:
            said.append(str(error))
    assert any(words in one for one in said), said


@pytest.mark.parametrize(
    "files",
    [
        {"data.yaml": b"names: [c]\nkpt_shape: [1, [3]]\n", "a.txt": BOX},
        {"data.yaml": b"names: [c]\nkpt_shape: [9000000000, 3]\nflip_idx: [0]\n", "a.txt": b""},
        {"data.yaml": b"names: [c]\ntrain: train.txt\n", "train.txt": b"a/" * 100_000 + b"x.jpg\n", "a.txt": BOX},
    ],
    ids=["list in kpt_shape", "keypoints", "folders"],
)
def test_what_is_odd_spoils_nothing(files: dict[str, bytes], tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", {"a.jpg": jpeg(), **files}))
    assert [source.path for source in found.sources] == ["a.jpg"]
    assert not found.failures


def test_a_setting_says_how_many_objects_an_image_may_have(tmp_path: Path) -> None:
    inputs = [write(tmp_path / "in", {"a.jpg": jpeg(), "a.txt": BOX * 30})]

    def load(most: int) -> Labels:
        (source,) = gather(inputs, limits(Settings(max_objects=most))).sources
        assert source.labels is not None
        return source.labels.load()

    with pytest.raises(LabelError, match=r"a\.txt: found 30 objects .* at most 29 \(AUGMENTAI_MAX_OBJECTS\)"):
        load(29)
    assert len(load(30).shapes) == 30


@pytest.mark.parametrize("name", ["yolo", "coco"])
def test_a_setting_says_how_many_points_its_outlines_may_have(name: str, tmp_path: Path) -> None:
    labels = {
        "yolo": {"data.yaml": b"names: [c]\n", "a.txt": b"0" + b" .1 .1 .9 .9 .1 .9" * 10 + b"\n"},
        "coco": {"coco.json": coco([[1, 1, 9, 9, 1, 9] * 10])},
    }[name]
    inputs = [write(tmp_path / "in", {"a.jpg": jpeg(), **labels})]

    def load(most: int) -> Labels:
        (source,) = gather(inputs, limits(Settings(max_points=most))).sources
        assert source.labels is not None
        return source.labels.load()

    with pytest.raises(LabelError, match=r"30 points.* expected at most 29 \(AUGMENTAI_MAX_POINTS\)"):
        load(29)
    assert len(load(30).shapes) == 1


def test_what_nobody_expected_names_the_image_and_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = gathered(write(tmp_path / "in", {"a.jpg": jpeg(), "a.txt": BOX}))
    monkeypatch.setattr(annotation, "shape_from_yolo", lambda *_: [][0])
    with caplog.at_level("INFO"), pytest.raises(LabelError, match=r"^a\.jpg: its labels make no sense \(IndexError"):
        _ = found.sources[0].labels and found.sources[0].labels.load()
    assert "IndexError" in caplog.text
    assert "Traceback" in caplog.text


def test_what_nobody_expected_of_a_set_is_said_and_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inputs = write(tmp_path / "in", {"a.jpg": jpeg(), "a.txt": BOX})
    faulty = replace(detect.format_named("yolo"), detect=lambda *_: [][0])
    monkeypatch.setattr(detect, "usable_formats", lambda: ((faulty,), ()))
    with caplog.at_level("INFO"):
        found = gathered(inputs)
    assert not found.sources
    assert "its label files make no sense as YOLO" in str(found.failures)
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in {"masks", "panoptic"}])
def test_more_objects_than_an_image_can_have_are_not_made(name: str, tmp_path: Path) -> None:
    make, objects = SOURCES[name]
    folder = write(tmp_path, make({stem: list(drawn) * 60 for stem, drawn in objects.items()}))

    def load_all(most: int) -> tuple[int, list[str]]:
        """(how many calls that took, what could not be read)."""
        found = gather([folder], limits(Settings(max_objects=most)))
        readers = [source.labels for source in (*found.sources, *found.holdout) if source.labels is not None]
        said = []

        def load(reader: LabelReader) -> None:
            try:
                reader.load()
            except LabelError as error:
                said.append(str(error))

        return sum(calls_of(partial(load, reader)) for reader in readers), said

    calls, said = load_all(1000)
    assert not said
    fewer, said = load_all(50)
    assert any("objects in one image; expected at most 50 (AUGMENTAI_MAX_OBJECTS)" in one for one in said)
    assert fewer < 0.6 * calls
