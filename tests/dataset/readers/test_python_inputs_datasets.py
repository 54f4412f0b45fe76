"""Datasets of torch and of `datasets`: the names of their classes, and rows that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai import augment
from augmentai.dataset.readers.python_inputs import to_inputs
from augmentai.types import Source
from tests.support.image_files import png

COUNT = 4


def labels_of(dataset: Any) -> list[str | None]:
    return [source.label for source in to_inputs(dataset) if isinstance(source, Source)]


def reasons(dataset: Any) -> list[str]:
    """Why images could not be used; "" for each variation that was made."""
    return sorted(outcome.reason for outcome in augment(dataset, engine="gan", seed=7, filters=False))


class TestTorch:
    @pytest.fixture
    def dataset(self) -> Any:
        from torch.utils.data import Dataset

        class Animals(Dataset):  # type: ignore[type-arg]
            classes = ("cats", "dogs")
            broken: int | None = None

            def __len__(self) -> int:
                return COUNT

            def __getitem__(self, number: int) -> tuple[Image.Image, int]:
                if number == self.broken:
                    raise OSError("no such tape")
                return Image.fromarray(np.full((32, 48, 3), 20 * number, np.uint8)), number % 2

        return Animals()

    def test_a_part_has_the_classes_of_the_whole(self, dataset: Any) -> None:
        from torch.utils.data import Subset

        assert labels_of(Subset(dataset, [1, 3])) == ["dogs", "dogs"]
        assert labels_of(Subset(Subset(dataset, [0, 3]), [0])) == ["cats"]

    def test_several_of_the_same_classes(self, dataset: Any) -> None:
        from torch.utils.data import ConcatDataset, Subset

        assert labels_of(ConcatDataset([dataset, Subset(dataset, [1])])) == ["cats", "dogs", "cats", "dogs", "dogs"]

    def test_several_of_other_classes_have_numbers(self, dataset: Any) -> None:
        from torch.utils.data import ConcatDataset

        other = type(dataset)()
        other.classes = ("mice", "rats")
        assert labels_of(ConcatDataset([dataset, other])) == ["0", "1"] * COUNT

    def test_an_item_that_raises_fails_alone(self, dataset: Any) -> None:
        dataset.broken = 1
        assert reasons(dataset) == ["", "", "", "could not be read (OSError: no such tape)"]


class TestHub:
    def test_any_format_keeps_the_names_of_classes(self) -> None:
        datasets = pytest.importorskip("datasets")
        features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cats", "dogs"])})
        rows = {"image": [{"bytes": png(seed=seed), "path": None} for seed in range(2)], "label": [0, 1]}
        dataset = datasets.Dataset.from_dict(rows, features=features)
        for format_name in (None, "numpy", "torch"):
            assert labels_of(dataset.with_format(format_name)) == ["cats", "dogs"]

    def test_a_row_without_a_readable_image_fails_alone(self, tmp_path: Path) -> None:
        datasets = pytest.importorskip("datasets")
        good = tmp_path / "a.png"
        good.write_bytes(png())
        rows = {"image": [str(good), str(tmp_path / "missing.png"), None], "label": ["cats", "cats", None]}
        dataset = datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())
        found = reasons(dataset)
        assert found[0] == ""
        assert "FileNotFoundError" in found[1]
        assert found[2] == "could not be read (ValueError: the row has no image)"
