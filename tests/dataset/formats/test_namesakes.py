"""Paths of one name: what is meant is what a comparison of all finds, without comparing all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augmentai.dataset.formats import namesakes
from augmentai.dataset.formats.image_list import ImagePaths
from augmentai.dataset.formats.namesakes import Namesakes

FOLDERS = st.lists(st.sampled_from("abc"), max_size=4)


@settings(max_examples=200, deadline=None, database=None)
@given(st.lists(FOLDERS, min_size=1, max_size=12), FOLDERS, FOLDERS)
def test_the_same_as_comparing_all(folders: list[list[str]], written: list[str], list_folder: list[str]) -> None:
    paths = sorted({"/".join((*one, "1.jpg")) for one in folders})

    def shared(path: str) -> int:
        count, own = 0, path.split("/")[-2::-1] if "/" in path else []
        for first, second in zip(own, written[::-1], strict=False):
            if first != second:
                break
            count += 1
        return count

    best = [path for path in paths if shared(path) == max(map(shared, paths))]
    near = best
    for depth in range(len(list_folder), 0, -1):
        found = [path for path in best if path.startswith("/".join(list_folder[:depth]) + "/")]
        if found:
            near = found
            break
    assert sorted(Namesakes(paths).meant([*written, "1.jpg"], "/".join(list_folder))) == near


def test_a_list_of_thousands_of_one_name_compares_few(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    shared_parts = namesakes.shared_parts

    def counting(one: list[str], other: list[str]) -> int:
        compared.append(one)
        return shared_parts(one, other)

    monkeypatch.setattr(namesakes, "shared_parts", counting)
    paths = ImagePaths([f"{number}/a.jpg" for number in range(2000)])
    assert all(paths.find(f"q/{number}/a.jpg", "") == f"{number}/a.jpg" for number in range(0, 2000, 100))
    assert all(paths.find(f"q{number}/a.jpg", "") is None for number in range(2000))
    assert len(compared) < 3 * 2000


def test_all_names_of_a_folder_are_answered_by_one_list() -> None:
    paths = ImagePaths([f"frames/bear/{number}.jpg" for number in range(3)])
    first = paths.below("bear", "")
    assert first == [f"frames/bear/{number}.jpg" for number in range(3)]
    assert paths.below("x/bear", "") is first
