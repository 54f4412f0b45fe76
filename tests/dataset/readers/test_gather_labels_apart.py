"""Labels in a folder or an archive of their own, named beside the images."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.settings import Settings
from augmentai.web.jobs.uploads import inspect_uploads
from tests.support.archives import tarred
from tests.support.gathered import LIMITS, reasons
from tests.support.image_files import zipped
from tests.support.labelled_sets import Files, voc, write, yolo


def parts(files: Files) -> tuple[Files, Files]:
    """(images, everything else)."""
    images = {name: data for name, data in files.items() if name.endswith((".jpg", ".png"))}
    return images, {name: data for name, data in files.items() if name not in images}


@pytest.mark.parametrize("files", [yolo(), voc()], ids=["yolo", "voc"])
@pytest.mark.parametrize("kind", ["zip", "tar", "folder"])
def test_labels_apart_are_read_and_are_no_failure(tmp_path: Path, files: Files, kind: str) -> None:
    images, labels = parts(files)
    (tmp_path / "a.zip").write_bytes(zipped(labels))
    (tmp_path / "a.tar.gz").write_bytes(tarred(labels, "gz"))
    write(tmp_path / "a", labels)
    (tmp_path / "images.zip").write_bytes(zipped(images))
    beside = tmp_path / {"zip": "a.zip", "tar": "a.tar.gz", "folder": "a"}[kind]
    whole = gather([write(tmp_path / "whole", files)], LIMITS)
    found = gather([tmp_path / "images.zip", beside], LIMITS)
    assert found.failures == ()
    assert found.layout.name == whole.layout.name
    assert [source.path for source in found.sources] == [source.path for source in whole.sources]
    assert list(reasons(gather([beside], LIMITS))) == [beside.name]  # alone they are labels of nothing


def test_the_page_takes_labels_apart(tmp_path: Path) -> None:
    images, labels = parts(yolo())
    for name, content in (("images.zip", images), ("labels.zip", labels)):
        (tmp_path / name).write_bytes(zipped(content))
    summary = inspect_uploads([(name, str(tmp_path / name)) for name in ("labels.zip", "images.zip")], Settings())
    assert (summary.refused, summary.layout) == ([], "yolo")
    alone = inspect_uploads([("labels.zip", str(tmp_path / "labels.zip"))], Settings())
    assert [one["file"] for one in alone.refused] == ["labels.zip"]
