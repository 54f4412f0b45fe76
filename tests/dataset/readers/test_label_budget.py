"""All label files of a job together: the largest are left out, and named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.pipeline.job import limits
from augmentai.settings import Settings
from tests.support.image_files import jpeg
from tests.support.labelled_sets import write

BOX = b"0 .5 .5 .1 .1\n"


@pytest.mark.parametrize(
    ("most_mb", "failed"),
    [
        (None, []),
        (0.01, []),
        (0.005, ["b.txt"]),  # 140 boxes are 1,960 bytes of text, which counts four times
        (0.00005, ["a.txt", "b.txt"]),
    ],
)
def test_the_largest_are_left_out(most_mb: float | None, failed: list[str], tmp_path: Path) -> None:
    folder = write(tmp_path / "in", {"a.jpg": jpeg(), "a.txt": BOX, "b.jpg": jpeg(seed=1), "b.txt": BOX * 140})
    found = gather([folder], limits(Settings(max_labels_mb=most_mb)))
    assert [one.file for one in found.failures] == failed
    assert all("AUGMENTAI_MAX_LABELS_MB" in one.reason for one in found.failures)
    assert [source.path for source in found.sources] == ["a.jpg", "b.jpg"]


def test_a_setting_says_how_many_files_an_archive_may_have(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.jpg", jpeg(seed=number))
    assert len(gather([tmp_path / "in.zip"], limits(Settings(max_archive_files=3))).sources) == 3
    found = gather([tmp_path / "in.zip"], limits(Settings(max_archive_files=2)))
    assert [one.reason for one in found.failures] == [
        "it has too many files for one ZIP (more than 2, AUGMENTAI_MAX_ARCHIVE_FILES); split it"
    ]
