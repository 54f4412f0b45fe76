"""What the page says of files at the drop, before the click."""

from __future__ import annotations

from pathlib import Path

from augmentai.settings import Settings
from augmentai.web.jobs.uploads import inspect_uploads
from tests.support.labelled_sets import as_zip, class_folders, gathered, write

BOXES = {"boxes.csv": b"image;x\none.jpg;1\n", "more/gt.mat": b"MATLAB 5.0"}


def test_labels_that_are_not_understood_are_named_at_the_drop(tmp_path: Path) -> None:
    """Of a ZIP and of a folder, in the words of the job that follows."""
    files = class_folders() | BOXES
    folder = write(tmp_path / "set", files)
    uploads = [(f"set/{name}", str(folder / name)) for name in files]
    for given in (uploads, [("set.zip", str(as_zip(tmp_path / "set.zip", files)))]):
        notices = inspect_uploads(given, Settings()).as_props()["notices"]
        assert [notice.split(":")[0] for notice in notices[:2]] == [
            "1 label file is not understood (.csv files that name images of the set",
            "1 label file is not understood (MATLAB files, which may hold labels",
        ]
    assert notices == list(gathered(tmp_path / "set.zip").unread_labels.notices())
