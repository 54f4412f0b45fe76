"""A run written into a ZIP."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from augmentai.dataset.writers.base import OutputError
from augmentai.dataset.writers.zip_file import ZipWriter
from tests.support.written_outputs import FULL_DISK, contents, nothing_else, outcome, run_script


@pytest.mark.parametrize("kind", ["file", "folder", "broken link"])
def test_a_zip_that_exists_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out.zip"
    {
        "file": lambda: path.write_bytes(b"mine"),
        "folder": path.mkdir,
        "broken link": lambda: path.symlink_to(tmp_path / "gone"),
    }[kind]()
    with pytest.raises(OutputError, match="already exists and nothing is overwritten; choose another name"):
        ZipWriter(path)
    assert nothing_else(path)


@pytest.mark.parametrize("limit", [50_000, 52_345, 60_250, 100_500])
def test_a_zip_on_a_full_disk(tmp_path: Path, limit: int) -> None:
    """RLIMIT_FSIZE stands for the disk: what fits is kept, with a manifest and a directory that fit as well."""
    path = tmp_path / "out.zip"
    said = run_script(FULL_DISK, path, str(limit))
    assert f"{path} cannot be written any more (File too large); what was finished before is kept" in said
    files, lines = contents(path)
    assert list(files) == [one["file"] for one in lines]
    assert all(data == bytes([i]) * 10_000 for i, data in enumerate(files.values()))
    assert limit / 10_000 - 2 <= len(files) <= limit / 10_000
    assert path.stat().st_size <= limit
    assert nothing_else(path)


def test_a_disk_with_no_room_at_all(tmp_path: Path) -> None:
    assert "could not be finished (File too large); nothing was kept" in run_script(
        FULL_DISK, tmp_path / "out.zip", "10"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_folder_without_room(tmp_path: Path) -> None:
    """The directory of the ZIP is there: what was finished before is a complete ZIP."""
    with pytest.raises(OutputError, match="temporary folder"), ZipWriter(tmp_path / "out.zip") as writer:  # noqa: PT012
        writer.add(outcome("cats/0.jpg"))
        writer._directory._database.execute("PRAGMA max_page_count = 1")
        for number in range(1, 200):
            writer.add(outcome(f"cats/{number}.jpg"))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        lines = [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]
        assert {line["file"] for line in lines} == set(archive.namelist()) - {"manifest.jsonl"}
