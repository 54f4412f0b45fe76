"""The small classifier: it learns what is easy, and its accuracy is counted right."""

from __future__ import annotations

import pytest
import torch

from benchmarks.from_scratch.classifier import Classifier, accuracy, train_classifier


def test_it_learns_dark_from_light_and_is_repeatable() -> None:
    torch.manual_seed(0)
    labels = torch.tensor([0, 1] * 8)
    levels = torch.where(labels == 0, 60, 190).view(-1, 1, 1, 1, 1)
    pools = (levels + torch.randint(-20, 20, (16, 2, 3, 64, 64))).byte()
    first, second = (train_classifier(pools, labels, 2, lambda x: x, steps=12, seed=5) for _ in range(2))
    assert accuracy(first, pools[:, 0], labels) == 100
    for name, weights in first.state_dict().items():
        assert torch.equal(weights, second.state_dict()[name])


def test_accuracy_is_in_percent() -> None:
    model = Classifier(3).eval()
    images = torch.randint(0, 255, (9, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        predicted = model(images.float() / 255).argmax(1)
    assert accuracy(model, images, predicted) == 100
    wrong_once = predicted.clone()
    wrong_once[0] = (wrong_once[0] + 1) % 3
    assert accuracy(model, images, wrong_once) == pytest.approx(100 * 8 / 9)
