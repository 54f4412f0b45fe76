"""data.yaml: broken ones, and the lists of images that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import trainers
from tests.support.expected_boxes import assert_boxes, expected_boxes
from tests.support.labelled_sets import (
    augmented,
    gathered,
    write,
    yolo,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"names: [a, b", "data.yaml: not valid YAML"),
        (b"names: 7\ntrain: images/train\n", "names is int; expected a list"),
        (b"names: {a: b}\ntrain: images/train\n", "names has 'a'"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b]\n", "names has 0: list"),
    ],
)
def test_a_broken_data_yaml_is_reported(text: bytes, message: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", yolo() | {"data.yaml": text}))
    assert message in f"{found.failures[0].file}: {found.failures[0].reason}"


def test_lists_of_images(tmp_path: Path) -> None:
    files = {name: data for name, data in yolo().items() if name != "data.yaml"}
    for split in ("train", "val"):
        names = [n for n in files if n.startswith(f"images/{split}/")]
        files[f"{split}.txt"] = "".join(f"./{name}\n" for name in names).encode()
    yaml = "path: /home/somebody/sets/mine\ntrain: train.txt\nval: val.txt\nnames: [red car, bus, 車]\n"
    augmented([write(tmp_path / "in", {**files, "data.yaml": yaml.encode()})], tmp_path / "out")
    for split in ("train", "val"):
        assert_boxes(trainers.ultralytics(tmp_path / "out/data.yaml", split), expected_boxes(split))
