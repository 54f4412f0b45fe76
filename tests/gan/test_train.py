"""The trainer, for a few steps on real photos: it resumes, logs, draws a sheet and exports what the app loads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from augmentai.gan import losses, train
from augmentai.gan import sample_sheet as sheet
from augmentai.gan import weights_file as store
from augmentai.settings import EXAMPLES


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("chelsea.png", "china.jpg", "coffee.png", "flower.jpg"):
        with Image.open(EXAMPLES / name) as photo:
            for i in range(4):
                photo.convert("RGB").crop((40 * i, 0, 40 * i + 200, 200)).save(folder / f"{Path(name).stem}{i}.png")
    return folder


def test_trains_resumes_and_exports(photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_text("no picture")
    words = ["--data", str(photos), "--out", str(tmp_path / "run"), "--batch", "4", "--size", "64", "--device", "cpu"]
    train.main([*words, "--steps", "2"])
    train.main([*words, "--steps", "4"])
    weights = store.load(tmp_path / "run" / "gan.safetensors")
    assert weights.metadata["steps"] == "4"
    assert json.loads(weights.metadata["plan"])["size"] == 64
    assert len(weights.bank) > 4
    with Image.open(tmp_path / "run" / "sheet.jpg") as opened:
        assert opened.width > 1000


def test_sheet_swaps_every_pair_and_leaves_the_diagonal(tmp_path: Path) -> None:
    names = ("chelsea.png", "china.jpg", "flower.jpg")
    sheet.main([*(str(EXAMPLES / name) for name in names), "--out", str(tmp_path / "sheet.png")])
    with Image.open(tmp_path / "sheet.png") as opened:
        tiles = np.asarray(opened).reshape(4, 128, 4, 160, 3).swapaxes(1, 2).astype(int)
    for row in range(1, 4):
        for column in range(1, 4):
            moved = float(np.abs(tiles[row, column] - tiles[row, 0]).mean())
            assert moved < 1 if row == column else moved > 5


def test_log_says_whether_the_discriminators_live(photos: Path) -> None:
    from augmentai.gan.data import Photos

    log = train.Trainer(Photos([photos]), train.Plan(size=64, batch=4), "cpu").step()
    assert {"whole_alive", "patch_alive", "moved", "palette"} <= set(log)
    assert all(0 <= log[name] <= 1 for name in ("whole_alive", "patch_alive"))
    json.dumps({name: float(value) for name, value in log.items()})


def test_too_few_photos_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="training needs 16 or more"):
        train.main(["--data", str(tmp_path), "--out", str(tmp_path / "run")])


@pytest.mark.parametrize("size", ["32", "100"])
def test_crops_of_a_size_that_cannot_be_trained_on_are_refused(
    size: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        train.main(["--data", str(photos), "--out", str(tmp_path / "run"), "--size", size])
    assert f"--size is {size}; expected a multiple of 16 from 64" in capsys.readouterr().err


def test_losses_point_the_right_way() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(4, 3, 32, 32, generator=rng)
    assert float(losses.palette_distance(x, x, rng)) < 1e-6
    assert float(losses.palette_distance(x, x * 0.5, rng)) > 0.05
    assert float(losses.lost_detail(x, x)) < 1e-6
    assert float(losses.lost_detail(x, 1 - x)) > 0.5
    assert float(losses.out_of_range(x)) == 0
    assert float(losses.out_of_range(x + 1)) > 0
    styles = torch.eye(4, 64) * 8
    assert float(losses.tell_apart(styles, styles)) < float(losses.tell_apart(styles.flip(0), styles))
    assert float(losses.roughness(torch.ones(1, 28, 3, 3))) == 0
