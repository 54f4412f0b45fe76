"""`augmentai inspect`, as a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command_line import augmentai
from tests.support.labelled_sets import write, yolo


def test_tables_and_json_say_the_same(tmp_path: Path) -> None:
    place = write(tmp_path / "set", yolo() | {"labels/train/one.txt": b"0 0.5\n", "gt.mat": b"MATLAB"})
    shown = augmentai("inspect", place, "--variations", "2")
    found = augmentai("inspect", place, "--variations", "2", "--json")
    assert (shown.returncode, found.returncode) == (1, 1)
    content = json.loads(found.stdout)
    assert content["status"] == 1
    assert content["plan"]["variations"] == 4
    for words in (
        "Layout: YOLO (data.yaml",
        "Images: 5 (3 train, 1 val, 1 test); 2 are augmented",
        "A run: 4 variations by gan, geometry none",
        "Labels that cannot be read (1)\n- labels/train/one.txt, line 1: found 1 numbers",
        "Label files that are not understood (1)\n- gt.mat: MATLAB files",
    ):
        assert words in shown.stdout
    assert {one["kind"] for one in content["findings"]} == {"unread_labels", "broken_labels", "images_without_labels"}
    assert not list(tmp_path.glob("set/*__v*"))


def test_what_cannot_be_read_ends_with_status_two(tmp_path: Path) -> None:
    missing = augmentai("inspect", tmp_path / "nowhere")
    assert missing.returncode == 2
    assert "nowhere: no such file or folder" in missing.stdout
    assert "there is no image that can be read" in missing.stderr
    assert augmentai("inspect", tmp_path, "--layout", "nothing").returncode == 2
