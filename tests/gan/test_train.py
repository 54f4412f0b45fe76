"""The training command for a few steps on real photos: it resumes, logs, draws a sheet and exports weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from augmentai.gan import train, weights_file


def test_trains_resumes_and_exports(photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_text("not an image")
    run = str(tmp_path / "run")
    arguments = ["--data", str(photos), "--out", run, "--batch", "4", "--size", "64", "--device", "cpu"]
    train.main([*arguments, "--steps", "1"])
    train.main([*arguments, "--steps", "2"])
    weights = weights_file.load(tmp_path / "run" / "gan.safetensors")
    assert weights.metadata["steps"] == "2"
    assert json.loads(weights.metadata["plan"])["size"] == 64
    assert len(weights.bank) > 4
    with Image.open(tmp_path / "run" / "sheet.jpg") as opened:
        assert opened.width > 1000


def test_too_few_photos_are_reported(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="training needs 16 or more"):
        train.main(["--data", str(tmp_path), "--out", str(tmp_path / "run")])


@pytest.mark.parametrize("size", ["32", "100"])
def test_unusable_crop_sizes_are_refused(
    size: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        train.main(["--data", str(photos), "--out", str(tmp_path / "run"), "--size", size])
    assert f"--size is {size}; expected a multiple of 16, at least 64" in capsys.readouterr().err
