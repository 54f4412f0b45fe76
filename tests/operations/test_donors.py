"""Donors: drawn by the seed from the training images, decoded once, found again by what the manifest says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.images import decode
from augmentai.operations import Donor, DonorError, DonorPool, apply_operations, build_operations
from augmentai.types import Source
from tests.support.image_files import png

SIZE_WH = (48, 32)


def sources(count: int = 12) -> list[Source]:
    """Images of three classes."""
    return [Source.from_bytes(f"{n:02}.png", png(SIZE_WH, seed=n), "abc"[n % 3]) for n in range(count)]


class Loader:
    """Decodes and counts; refuses what it is asked to refuse."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.refused = refused
        self.loaded: Counter[str] = Counter()

    def __call__(self, source: Source) -> Donor:
        self.loaded[source.path] += 1
        if source.path in self.refused:
            raise LabelError("line 3 is broken")
        photo = decode(source.read(), source.path, 1_000_000)
        return Donor(source.path, source.sha256, source.label, photo, Labels())


def chosen(pool: DonorPool, source: Source, seed: int, count: int = 3, **which: Any) -> list[str]:
    return [donor.path for donor in pool.beside(source).choose(Random(seed), count, **which)]


def boxed(source: Source) -> Source:
    """The same image, with labels."""
    reader = Constant(Labels((Shape("cat", (8, 6, 20, 20), (((8, 6), (20, 6), (20, 20), (8, 20)),)),)))
    return Source(source.path, None, source.sha256, source.size_bytes, source.read, labels=reader)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Constant:
    labels: Labels

    def load(self) -> Labels:
        return self.labels


def load_boxed(source: Source) -> Donor:
    assert source.labels is not None
    photo = decode(source.read(), source.path, 1_000_000)
    return Donor(source.path, source.sha256, source.label, photo, source.labels.load())


class TestChoice:
    def test_depends_on_the_seed_and_not_on_the_order_of_the_files(self) -> None:
        files = sources()
        expected = [chosen(DonorPool(files, Loader()), files[0], seed) for seed in range(20)]
        random.Random(1).shuffle(files)
        first = next(source for source in files if source.path == "00.png")
        pool = DonorPool(files, Loader())
        assert [chosen(pool, first, seed) for seed in reversed(range(20))] == expected[::-1]
        assert len({tuple(names) for names in expected}) > 15

    def test_everybody_lends_alike_and_nobody_to_itself(self) -> None:
        files = sources(6)
        copy = Source.from_bytes("renamed.png", files[0].read(), "b")
        pool = DonorPool([*files, copy], Loader())
        counts = Counter(name for seed in range(600) for name in chosen(pool, files[0], seed, 1))
        assert set(counts) == {f"{n:02}.png" for n in range(1, 6)}
        assert min(counts.values()) > 70

    def test_each_donor_once(self) -> None:
        files = sources(5)
        assert sorted(chosen(DonorPool(files, Loader()), files[2], 1, 99)) == ["00.png", "01.png", "03.png", "04.png"]

    def test_a_file_that_is_there_twice_lends_once(self) -> None:
        files = sources(3)
        twice = Source.from_bytes("again.png", files[1].read(), files[1].label)
        assert len(chosen(DonorPool([*files, twice], Loader()), files[0], 1, 99)) == 2

    def test_of_the_same_class(self) -> None:
        files = sources()
        assert sorted(chosen(DonorPool(files, Loader()), files[0], 1, 99, same_class=True)) == [
            "03.png",
            "06.png",
            "09.png",
        ]

    def test_with_an_object_of_a_class(self) -> None:
        @dataclass(frozen=True)
        class Reader:
            load: Callable[[], Labels]

        def broken() -> Labels:
            raise LabelError("line 3 is broken")

        files = []
        for source, names in zip(sources(5), ("", "cat", "cat dog dog", "dog", "broken"), strict=True):
            labels = Labels(tuple(Shape(name, (1, 1, 9, 9)) for name in names.split()))
            reader = Reader(broken if names == "broken" else lambda labels=labels: labels)  # type: ignore[misc]
            files.append(Source(source.path, None, source.sha256, 0, source.read, labels=reader))
        pool = DonorPool(files, Loader())
        assert pool.categories() == {"cat": 2, "dog": 3}
        assert sorted(chosen(pool, files[0], 1, 9, category="cat")) == ["01.png", "02.png"]
        assert sorted(chosen(pool, files[1], 1, 9, category="cat")) == ["02.png"]
        assert chosen(pool, files[0], 1, 9, category="cow") == []

    def test_what_cannot_be_read_is_passed_over_and_not_read_again(self) -> None:
        files = sources(6)
        loader = Loader(refused=("01.png", "02.png"))
        pool = DonorPool(files, loader)
        for seed in range(20):
            assert set(chosen(pool, files[0], seed, 9)) == {"03.png", "04.png", "05.png"}
        assert loader.loaded["01.png"] == loader.loaded["02.png"] == 1

    def test_a_set_that_cannot_be_read_is_not_read_through(self) -> None:
        files = sources(60)
        loader = Loader(refused=tuple(source.path for source in files))
        assert chosen(DonorPool(files, loader), files[0], 1) == []
        assert loader.loaded.total() == 16

    def test_a_set_of_one_image(self) -> None:
        (only,) = sources(1)
        assert chosen(DonorPool([only], Loader()), only, 1) == []


class TestMemory:
    def test_each_is_decoded_once_while_there_is_room(self) -> None:
        files, loader = sources(), Loader()
        pool = DonorPool(files, loader)
        for seed in range(50):
            chosen(pool, files[0], seed)
        assert set(loader.loaded.values()) == {1}

    @pytest.mark.parametrize("room", [0, 1, 3])
    def test_no_more_than_the_limit_is_kept_and_the_result_is_the_same(self, room: int) -> None:
        files, loader = sources(), Loader()
        size_bytes = SIZE_WH[0] * SIZE_WH[1] * 4  # Pillow keeps colours in 4 bytes
        small, large = DonorPool(files, loader, most_bytes=room * size_bytes), DonorPool(files, Loader())
        for seed in range(30):
            assert chosen(small, files[seed % 12], seed) == chosen(large, files[seed % 12], seed)
        assert len(small.decoded) == max(1, room)
        assert small.decoded.size_bytes == max(1, room) * size_bytes
        assert loader.loaded.total() > 30

    def test_what_is_worked_out_about_donors_is_bounded_too(self) -> None:
        """Objects cut out and grounds filled in: as much for many images as for few, and the same pixels."""
        most_bytes = 40_000
        operations = build_operations(
            [
                {"copy_paste": {"probability": 1.0, "objects": (1, 3)}},
                "background",
                {"mosaic": {"probability": 0.3}},
            ]
        )
        held = {}
        for count in (8, 48):
            files = [boxed(source) for source in sources(count)]
            narrow, wide = DonorPool(files, load_boxed, most_bytes), DonorPool(files, load_boxed)
            for seed, source in enumerate(files):
                own = load_boxed(source)
                made = [
                    apply_operations(own.photo.rgb, own.labels, operations, seed, donors=pool.beside(source)).image
                    for pool in (narrow, wide)
                ]
                assert made[0].tobytes() == made[1].tobytes()
                assert narrow.decoded.size_bytes <= most_bytes
                assert narrow.worked_out.size_bytes <= most_bytes / 4
            held[count] = narrow.decoded.size_bytes, narrow.worked_out.size_bytes, wide.worked_out.size_bytes
        assert held[48][:2] == pytest.approx(held[8][:2], rel=0.3)
        assert held[48][2] > 4 * held[8][2] > 4 * 10_000  # without a limit it grows with the set


class TestReplay:
    def test_a_donor_is_found_by_its_record_also_if_it_was_renamed(self) -> None:
        files = sources(4)
        record = DonorPool(files, Loader()).open(files[2]).as_record()
        assert DonorPool(files, Loader()).find(record).path == "02.png"
        renamed = Source.from_bytes("other.png", files[2].read())
        assert DonorPool([files[0], renamed], Loader()).find(record).path == "other.png"

    def test_one_that_is_missing_is_named(self) -> None:
        files = sources(4)
        record = DonorPool(files, Loader()).open(files[2]).as_record()
        words = f"02.png (SHA-256 {files[2].sha256[:12]}...), which it borrows from, is not among the training images"
        with pytest.raises(DonorError) as caught:
            DonorPool(files[:2], Loader()).find(record)
        assert str(caught.value).startswith(words)

    def test_one_that_is_broken_is_named_with_its_fault(self) -> None:
        files = sources(4)
        record = DonorPool(files, Loader()).open(files[2]).as_record()
        with pytest.raises(DonorError, match=r"02.png, which it borrows from, cannot be used: line 3 is broken"):
            DonorPool(files, Loader(refused=("02.png",))).find(record)
