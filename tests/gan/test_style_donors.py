"""Which images lend their style to which."""

from __future__ import annotations

import random

from augmentai.gan.style_donors import MAX_DONORS, StyleDonors, seeded_order
from augmentai.types import Source


def sources_of(label: str | None, count: int) -> list[Source]:
    return [Source.from_bytes(f"{label}/{number}.png", f"{label} {number}".encode(), label) for number in range(count)]


def test_donors_are_of_the_same_class_and_never_the_source_itself() -> None:
    cats, dogs = sources_of("cat", 5), sources_of("dog", 3)
    donors = StyleDonors([*cats, *dogs])
    found = donors.for_source(cats[0])
    assert {donor.label for donor in found} == {"cat"}
    assert {donor.sha256 for donor in found} == {cat.sha256 for cat in cats[1:]}


def test_the_order_of_the_sources_does_not_matter() -> None:
    cats = sources_of("cat", 9)
    mixed = random.Random(3).sample(cats, len(cats))
    assert StyleDonors(cats).for_source(cats[4]) == StyleDonors(mixed).for_source(cats[4])


def test_copies_of_an_image_count_once() -> None:
    copies = [Source.from_bytes(f"cat/{number}.png", b"the same", "cat") for number in range(4)]
    donors = StyleDonors([*copies, *sources_of("cat", 2)])
    assert donors.images_per_class() == 3
    assert len(donors.for_source(copies[0])) == 2


def test_the_number_of_donors_is_bounded() -> None:
    many = sources_of(None, 3 * MAX_DONORS)
    assert len(StyleDonors(many).for_source(many[0])) == MAX_DONORS


def test_samples_take_the_same_number_per_class() -> None:
    donors = StyleDonors([*sources_of("cat", 40), *sources_of("dog", 5), *sources_of(None, 9)])
    labels = [label for _, label in donors.sample(20)]
    assert (labels.count("cat"), labels.count("dog")) == (10, 5)
    assert set(labels) == {"cat", "dog"}


def test_seeded_order_is_a_permutation() -> None:
    assert sorted(seeded_order(50, "a")) == list(range(50))
    assert seeded_order(50, "a") == seeded_order(50, "a") != seeded_order(50, "b")
