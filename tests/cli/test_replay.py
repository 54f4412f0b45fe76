"""`augmentai replay`, as a process of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from augmentai.settings import EXAMPLES
from tests.support.command_line import augmentai


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    shutil.copy(EXAMPLES / "chelsea.png", tmp_path / "photos" / "a.png")
    done = augmentai("photos", "-o", "out", "-e", "gan", "--seed", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "out"


def test_the_same_images_come_out_beside_the_run(earlier: Path) -> None:
    done = augmentai("replay", earlier)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 files are identical" in done.stderr
    assert done.stdout.strip() == str(earlier.with_name("out-replay"))
    made = earlier.with_name("out-replay") / "a__v1.png"
    assert made.read_bytes() == (earlier / "a__v1.png").read_bytes()


def test_images_that_differ_are_status_one(earlier: Path, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "flower.jpg", earlier / "a__v1.png")
    done = augmentai("replay", earlier, "-o", tmp_path / "again")
    assert done.returncode == 1
    assert "1 differs (a__v1.png)" in done.stderr


def test_moved_inputs_may_be_named(earlier: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    lost = augmentai("replay", earlier)
    assert lost.returncode == 2
    assert "photos" in lost.stderr
    found = augmentai("replay", earlier, tmp_path / "elsewhere")
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(("words", "said"), [(["photos"], "recipe.yaml"), ([], "Missing argument 'RUN'")])
def test_what_is_not_a_run_is_status_two(words: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    done = augmentai("replay", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
