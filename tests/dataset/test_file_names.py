"""Names: safe on every system, never twice the same, whatever the order."""

from __future__ import annotations

import random
import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from augmentai.dataset.file_names import Names, printable, safe_path
from augmentai.types import Source


def source(path: str, data: bytes = b"x") -> Source:
    return Source.from_bytes(path, data)


def named(*sources: Source, file_format: str = "JPEG") -> list[str]:
    names = Names(sources)
    return [names.variation(one, 1, file_format) for one in sources]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", "a.jpg"),
        ("cats/a b.jpg", "cats/a b.jpg"),
        ("./cats//a.jpg", "cats/a.jpg"),
        ("猫/ねこ é.jpg", "猫/ねこ é.jpg"),
        ("cats\\a.jpg", "cats/a.jpg"),  # as Windows programs write them into ZIPs
        ("..a/b..jpg", "..a/b..jpg"),
        ("../a.jpg", None),
        ("cats/../../a.jpg", None),
        ("cats/..", None),
        ("..\\a.jpg", None),
        ("/etc/a.jpg", None),
        ("\\\\server\\share\\a.jpg", None),
        ("C:\\a.jpg", None),
        ("c:/a.jpg", None),
        ("", None),
        (".", None),
        ("a:b.jpg", "a_b.jpg"),  # no drive: a colon in a name
        ("a\x00b\n\x1b[31m.jpg", "a_b__[31m.jpg"),
        ('a<b>"c|d?e*.jpg', "a_b__c_d_e_.jpg"),
        ("a.jpg. .", "a.jpg"),
        ("cats./a.jpg", "cats/a.jpg"),
        (".. /a.jpg", "_/a.jpg"),
        ("con.jpg", "_con.jpg"),
        ("LPT1/nul", "_LPT1/_nul"),
        ("console.jpg", "console.jpg"),
        ("\udcff.jpg", "_udcff.jpg"),  # a byte that is no letter
    ],
)
def test_safe_path(name: str, expected: str | None) -> None:
    assert safe_path(name) == expected


@given(st.text(max_size=300))
@example("a" * 300 + "/" + "é" * 300 + ".jpeg")
@example("😀" * 90 + ".jpg")
def test_a_safe_path_is_safe_and_stays_so(name: str) -> None:
    safe = safe_path(name)
    if safe is None:
        return
    path = PurePosixPath(safe)
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert all(0 < len(part.encode()) <= 255 for part in path.parts)
    assert not any(ord(letter) < 32 or letter in '<>:"|?*\\' for letter in safe)
    assert safe_path(safe) == safe


def test_long_names_stay_apart() -> None:
    first, second = (safe_path("é" * 200 + end + ".jpg") for end in "ab")
    assert first is not None
    assert second is not None
    assert first != second
    assert first.endswith(".jpg")


def test_printable_names_can_be_printed_and_written() -> None:
    assert printable("a\n\x1b[31m\udcff") == "a__[31m\\udcff"
    assert printable("ねこ é.jpg") == "ねこ é.jpg"


@pytest.mark.parametrize(
    ("path", "file_format", "expected"),
    [
        ("cats/a.jpg", "JPEG", "cats/a__v1.jpg"),
        ("a.JPG", "JPEG", "a__v1.JPG"),
        ("a.jpg", "PNG", "a__v1.png"),
        ("a.tar.png", "PNG", "a.tar__v1.png"),
        ("frame.001", "PNG", "frame.001__v1.png"),  # no ending: a number
        ("0001", "PNG", "0001__v1.png"),
        (".hidden.jpg", "JPEG", ".hidden__v1.jpg"),
        ("a.jpeg_large", "JPEG", "a__v1.jpg"),
        ("a.jpg_w=640", "JPEG", "a__v1.jpg"),
        ("a.pjpeg", "JPEG", "a__v1.jpg"),
        ("a.tmp", "PNG", "a__v1.png"),
        ("a.jpgs", "JPEG", "a.jpgs__v1.jpg"),
        (".jpg", "JPEG", ".jpg__v1.jpg"),
        ("really a picture.zip", "JPEG", "really a picture__v1.jpg"),
        ("manifest.jsonl/a.jpg", "JPEG", "_manifest.jsonl/a__v1.jpg"),
    ],
)
def test_the_name_of_a_variation(path: str, file_format: str, expected: str) -> None:
    assert named(source(path), file_format=file_format) == [expected]


@pytest.mark.parametrize("length", [200, 250, 255])
@pytest.mark.parametrize("letter", ["a", "é", "猫", "😀"])
def test_long_names_become_names_that_can_be_written(length: int, letter: str) -> None:
    name = letter * ((length - 4) // len(letter.encode())) + ".jpg"
    (made,) = named(source(name))
    assert len(made.encode()) <= 255
    assert made.startswith(letter * 45)
    assert made.endswith("__v1.jpg")
    first, second = (source(name[:-5] + end + ".jpg", end.encode()) for end in "ab")
    assert len(set(named(first, second))) == 2


@pytest.mark.parametrize(
    "paths",
    [
        ("a.jpg", "a.png"),
        ("a.jpg", "A.JPG"),
        ("Cats/a.jpg", "cats/A.jpg"),
        (unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg")),
        ("straße.jpg", "STRASSE.jpg"),
    ],
)
def test_names_that_collide_on_some_system_are_distinguished(paths: tuple[str, str]) -> None:
    sources = [source(path, path.encode()) for path in paths]
    made = named(*sources)
    folded = {unicodedata.normalize("NFC", name).casefold() for name in made}
    assert len(folded) == 2
    digits = [one.sha256[:8] for one in sources]
    assert sum(digit in name for digit, name in zip(digits, made, strict=True)) == 1


def test_a_name_that_looks_like_a_distinguished_one() -> None:
    twin = source("a.jpg", b"second")
    first = source("a.jpg", b"first")
    cheat = source(f"a__{max(twin.sha256, first.sha256)[:8]}.jpg", b"third")
    assert len(set(named(first, twin, cheat))) == 3


def test_a_folder_named_as_a_variation() -> None:
    """On a disk a file and a folder of one name cannot both be."""
    made = named(source("a.jpg", b"1"), source("a__v1.jpg/b.jpg", b"2"), source("A__V2.JPG/b.jpg", b"3"))
    assert made[0] == f"a__{source('a.jpg', b'1').sha256[:8]}__v1.jpg"
    assert made[1] == "a__v1.jpg/b__v1.jpg"


@pytest.mark.parametrize(
    ("paths", "folders", "distinguished"),
    [
        # Label files named after images of two folders meet in one folder.
        (("left/a.jpg", "right/a.jpg"), {"left/a.jpg": ["xml"], "right/a.jpg": ["xml"]}, True),
        # Each folder of images has one for its labels.
        (("left/a.jpg", "right/a.jpg"), {"left/a.jpg": ["left/xml"], "right/a.jpg": ["right/xml"]}, False),
        # One of several folders is enough.
        (("left/a.jpg", "right/a.jpg"), {"left/a.jpg": ["x", "masks"], "right/a.jpg": ["y", "masks"]}, True),
        # The second has no labels that could be overwritten.
        (("left/a.jpg", "right/a.jpg"), {"left/a.jpg": ["xml"]}, False),
        # Names that some system treats as one.
        (("left/a.jpg", "right/A.jpg"), {"left/a.jpg": ["xml"], "right/A.jpg": ["XML"]}, True),
        # A label file that is there already has the name that a variation's would get.
        (("left/a.jpg", "right/a__v1.jpg"), {"left/a.jpg": ["xml"], "right/a__v1.jpg": ["xml"]}, True),
        # An image may have the name of a label file but for its ending.
        (("a.jpg", "xml/a.jpg"), {"a.jpg": ["xml"]}, False),
    ],
)
def test_label_files_of_a_folder_are_distinguished_too(
    paths: tuple[str, str], folders: dict[str, list[str]], distinguished: bool
) -> None:
    sources = [source(path, path.encode()) for path in paths]
    names = Names(sources, label_folders=lambda one: folders.get(one.path, []))
    made = [PurePosixPath(names.variation(one, 1, "JPEG")).stem for one in sources]
    assert any(one.sha256[:8] in name for one, name in zip(sources, made, strict=True)) is distinguished
    if distinguished:
        assert len({name.casefold() for name in made}) == 2


_PATHS = st.text("aAbéß._~1/ v", min_size=1, max_size=12).map(safe_path).filter(bool)


@given(st.lists(st.tuples(_PATHS, st.sampled_from([b"1", b"2", b"3"])), min_size=1, max_size=12), st.randoms())
def test_whatever_the_names_no_two_variations_meet_in_any_order(
    given_sources: list[tuple[str, bytes]], shuffler: random.Random
) -> None:
    sources = [source(path, data) for path, data in sorted(set(given_sources))]
    names = Names(sources)
    every = {(one.path, one.sha256, i): names.variation(one, i, "PNG") for one in sources for i in (1, 2)}
    keys = [unicodedata.normalize("NFC", name).casefold() for name in every.values()]
    assert len(set(keys)) == len(keys)
    folders = {str(parent) for key in keys for parent in PurePosixPath(key).parents}
    assert not folders & set(keys)
    shuffler.shuffle(sources)
    again = Names(sources)
    assert all(again.variation(one, 1, "PNG") == every[one.path, one.sha256, 1] for one in sources)
