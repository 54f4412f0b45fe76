"""Only files are opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from augmentai.system.regular_files import open_regular, read_regular


def test_a_file_and_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read_regular(tmp_path / "a") == read_regular(tmp_path / "b") == b"text"


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "/dev/zero"])
def test_nothing_else_is_opened(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to a pipe").symlink_to(tmp_path / "pipe")
    path = tmp_path / kind
    with pytest.raises(OSError, match="a device or a pipe, not a file"):
        open_regular(path)


def test_folders_and_missing_files_are_what_they_always_were(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "missing")
