"""Files that appear complete or not at all, and never replace another: also where there are no hard links."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from augmentai.dataset.writers.base import FolderWriter, OutputError, ZipWriter, writer_for
from tests.support.written_outputs import contents, nothing_else, outcome


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """exFAT, network drives and some containers have no hard links. A test machine need not have any of them: the one
    call that they refuse is made to fail as it does there."""

    def link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


@pytest.fixture(params=["links", "no links"])
def any_file_system(request: pytest.FixtureRequest) -> None:
    if request.param == "no links":
        request.getfixturevalue("no_links")


@pytest.mark.parametrize("name", ["out", "out.zip"])
@pytest.mark.usefixtures("no_links")
def test_the_output_is_the_same_without_links(tmp_path: Path, name: str) -> None:
    out = tmp_path / "new" / name
    with writer_for(out) as writer:
        writer.add(outcome("cats/a__v1.jpg"))
    files, lines = contents(out)
    assert list(files) == ["cats/a__v1.jpg"] == [one["file"] for one in lines]
    assert nothing_else(out)


@pytest.mark.usefixtures("any_file_system")
def test_a_zip_that_appears_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    said = r"appeared meanwhile; the result is in .*\.part"
    with pytest.raises(OutputError, match=said), ZipWriter(path) as writer:  # noqa: PT012
        writer.add(outcome())
        path.write_bytes(b"mine")
    assert path.read_bytes() == b"mine"
    (part,) = (one for one in tmp_path.iterdir() if one != path)
    assert list(contents(part)[0]) == ["cats/a__v1.jpg"]


@pytest.mark.usefixtures("any_file_system")
def test_an_image_that_appears_meanwhile(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists already"), FolderWriter(tmp_path) as writer:  # noqa: PT012
        (tmp_path / "a__v1.jpg").write_bytes(b"mine")
        writer.add(outcome("a__v1.jpg"))
    files, lines = contents(tmp_path)
    assert files == {"a__v1.jpg": b"mine"}
    assert lines == []
