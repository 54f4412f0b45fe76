"""Label files that are named by themselves, beside the images that they describe."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import gather
from tests.support.gathered import LIMITS, paths
from tests.support.image_files import zipped
from tests.support.labelled_sets import coco, write


@pytest.mark.parametrize("kind", ["folder", "ZIP", "files"])
def test_a_label_file_may_be_named_beside_the_images(tmp_path: Path, kind: str) -> None:
    files = coco()
    labels = {name for name in files if name.endswith(".json")}
    images = {name.rpartition("/")[2]: data for name, data in files.items() if name not in labels}
    write(tmp_path / "set", images)
    (tmp_path / "set.zip").write_bytes(zipped(images))
    (tmp_path / "boxes.json").write_bytes(files[min(labels)])
    beside = {
        "folder": [tmp_path / "set"],
        "ZIP": [tmp_path / "set.zip"],
        "files": [tmp_path / "set" / name for name in images],
    }
    gathered = gather([*beside[kind], tmp_path / "boxes.json"], LIMITS)
    assert gathered.layout.name == "coco"
    assert not gathered.failures
    alone = gather([tmp_path / "boxes.json"], LIMITS)  # without images it is taken for one, and refused as such
    assert paths(alone) == ["boxes.json"]
