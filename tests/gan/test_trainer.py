"""One update of the trainer on real photos."""

from __future__ import annotations

import json
from pathlib import Path

from augmentai.gan.data import Photos
from augmentai.gan.trainer import TrainConfig, Trainer


def test_a_step_logs_losses_and_discriminator_accuracy(photos: Path) -> None:
    log = Trainer(Photos([photos]), TrainConfig(size=64, batch=4), "cpu").step()
    assert {"whole_alive", "patch_alive", "moved", "palette"} <= set(log)
    assert all(0 <= log[name] <= 1 for name in ("whole_alive", "patch_alive"))
    json.dumps({name: float(value) for name, value in log.items()})
