"""Reading labelled sets: parts, few-shot draws, and what cannot be measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.from_scratch import LabelledSet, LiftError


def test_a_set_is_read_with_its_parts(stripes: Path) -> None:
    data = LabelledSet.read(stripes)
    assert (data.name, data.classes) == ("stripes", ("lying", "standing"))
    assert (len(data.train), len(data.test)) == (16, 24)
    assert not {s.sha256 for s in data.train} & {s.sha256 for s in data.test}
    few = data.shots(3, seed=1)
    assert [s.label for s in few] == ["lying"] * 3 + ["standing"] * 3
    assert few == data.shots(3, seed=1) != data.shots(3, seed=2)


def test_without_a_test_folder_some_images_are_held_out(stripes: Path) -> None:
    data = LabelledSet.read(stripes / "test")
    assert len(data.train) + len(data.test) == 24
    assert not {s.sha256 for s in data.train} & {s.sha256 for s in data.test}


def test_unusable_sets_are_refused(tmp_path: Path, stripes: Path) -> None:
    with pytest.raises(LiftError, match="no image could be read"):
        LabelledSet.read(tmp_path)
    with pytest.raises(LiftError, match=r"class folders found; a measurement needs two"):
        LabelledSet.read(stripes / "test" / "lying")
