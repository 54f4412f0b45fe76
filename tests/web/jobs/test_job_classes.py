"""The images per class that a report shows."""

from __future__ import annotations

from pathlib import Path

from augmentai.web.jobs.job_classes import images_per_class
from tests.support.image_files import jpeg
from tests.support.labelled_sets import gathered, write


def test_what_cannot_be_read_is_of_no_class_and_not_without_one(tmp_path: Path) -> None:
    files = {f"images/{name}.jpg": jpeg(seed=number) for number, name in enumerate(("a", "b", "cut", "none"))}
    files |= {f"labels/{name}.txt": b"0 .5 .5 .2 .2\n" for name in ("a", "b", "cut")}
    files |= {"data.yaml": b"names: [cat]\n", "labels/b.txt": b"0 .5 .5\n", "images/cut.jpg": b"\xff\xd8\xff"}
    found = gathered(write(tmp_path / "in", files))
    assert len(found.sources) == 4
    assert images_per_class(found.sources) == {"cat": 1, "": 1}
