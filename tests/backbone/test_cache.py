"""The feature cache: nothing is computed twice, nothing depends on it, and it stays within its limit."""

from __future__ import annotations

import logging
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from augmentai.backbone.cache import CachedBackbone, FeatureFile, cached
from augmentai.settings import Settings


class Counted:
    """A backbone of sums that counts what it computes."""

    name, side_px, width = "sums", 4, 3

    def __init__(self) -> None:
        self.computed = 0

    def features(self, images: np.ndarray) -> np.ndarray:
        self.computed += len(images)
        return images.astype(np.float32).sum((1, 2))

    def cells(self, images: np.ndarray) -> np.ndarray:
        return images.astype(np.float32)


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), np.uint8)


def test_an_image_is_computed_once(tmp_path: Path) -> None:
    images, counted = noise(5), Counted()
    backbone = cached(counted, Settings(cache=tmp_path, cache_mb=1))
    expected = Counted().features(images)
    np.testing.assert_array_equal(backbone.features(images), expected)
    np.testing.assert_array_equal(backbone.features(images[[3, 0, 3]]), expected[[3, 0, 3]])
    assert counted.computed == 5
    again = Counted()
    mixed = np.concatenate([images[:2], noise(2, seed=9), noise(2, seed=9)])
    found = cached(again, Settings(cache=tmp_path, cache_mb=1)).features(mixed)
    np.testing.assert_array_equal(found, Counted().features(mixed))
    assert again.computed == 2
    assert [path.name for path in tmp_path.iterdir()] == ["features.sqlite"]


def test_no_images_no_features(tmp_path: Path) -> None:
    assert cached(Counted(), Settings(cache=tmp_path, cache_mb=1)).features(noise(0)).shape == (0, 3)


def test_backbones_and_sizes_are_kept_apart(tmp_path: Path) -> None:
    file = FeatureFile(tmp_path / "f.sqlite", 1_000_000)
    first, second = Counted(), Counted()
    second.name = "other"
    CachedBackbone(first, file).features(noise(1))
    CachedBackbone(second, file).features(noise(1))
    assert (first.computed, second.computed) == (1, 1)


def test_it_stays_within_its_limit(tmp_path: Path) -> None:
    file = FeatureFile(tmp_path / "f.sqlite", 300_000)
    for number in range(20):
        file.write({f"{number} {i}".encode(): np.zeros(1280, np.float32) for i in range(10)})
    assert (tmp_path / "f.sqlite").stat().st_size < 400_000
    assert len(file.read([f"19 {i}".encode() for i in range(10)], 1280)) == 10  # the newest are there
    assert not file.read([f"0 {i}".encode() for i in range(10)], 1280)


def damaged(path: Path) -> None:
    path.write_bytes(b"not a database, however long it may be" * 1000)


def in_the_way(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("a file where the folder should be")


@pytest.mark.parametrize("spoil", [damaged, in_the_way])
def test_a_cache_that_cannot_be_used_costs_no_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: object
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    spoil(folder / "features.sqlite")  # type: ignore[operator]
    with caplog.at_level(logging.WARNING):
        found = cached(Counted(), Settings(cache=folder, cache_mb=1)).features(noise(3))
    np.testing.assert_array_equal(found, Counted().features(noise(3)))
    assert "features" in caplog.text


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    damaged(tmp_path / "features.sqlite")
    for expected in (2, 0):
        counted = Counted()
        cached(counted, Settings(cache=tmp_path, cache_mb=1)).features(noise(2))
        assert counted.computed == expected


def fill(path: Path, number: int) -> None:
    file = FeatureFile(path, 10_000_000)
    for i in range(20):
        file.write({f"{number} {i}".encode(): np.full(1280, number, np.float32)})
        file.read([f"{other} {i}".encode() for other in range(4)], 1280)


def test_processes_share_it(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=fill, args=(path, number)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    keys = [f"{number} {i}".encode() for number in range(3) for i in range(20)]
    found = FeatureFile(path, 10_000_000).read(keys, 1280)
    assert {key: values[0] for key, values in found.items()} == {key: float(key.split()[0]) for key in keys}
