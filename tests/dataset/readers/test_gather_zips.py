"""ZIPs as inputs, honest and not."""

from __future__ import annotations

import random
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import Gathered, Limits, gather
from augmentai.settings import Settings
from augmentai.web.jobs.uploads import inspect_uploads
from tests.support import image_files as makers
from tests.support.archives import tarred
from tests.support.gathered import LIMITS, paths, reasons
from tests.support.image_files import jpeg, png, zipped
from tests.support.labelled_sets import write


def from_zip(tmp_path: Path, data: bytes, limits: Limits = LIMITS) -> Gathered:
    (tmp_path / "in.zip").write_bytes(data)
    return gather([tmp_path / "in.zip"], limits)


def test_names_that_lead_out(tmp_path: Path) -> None:
    bad = [
        "../a.jpg",
        "x/../../b.jpg",
        "/etc/c.jpg",
        "\\\\host\\share\\d.jpg",
        "..\\e.jpg",
        "C:\\f.jpg",
        "d:/g.jpg",
    ]
    gathered = from_zip(tmp_path, zipped([*((name, jpeg()) for name in bad), ("fine.jpg", jpeg())]))
    assert paths(gathered) == ["fine.jpg"]
    assert {failure.file for failure in gathered.failures} == set(bad)
    assert set(reasons(gathered).values()) == {"its path in in.zip points outside the folder; skipped"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.zip"]


def test_names_with_control_characters_and_nul(tmp_path: Path) -> None:
    names = ["a\nb.jpg", "c\x1b[31m.jpg", "d\x00.jpg", "e:f.jpg", "dogs\\g.jpg", "nul.jpg", "h.jpg."]
    gathered = from_zip(tmp_path, zipped([(name, jpeg(seed=i)) for i, name in enumerate(names)]))
    assert not any(ord(letter) < 32 for path in paths(gathered) for letter in path)
    assert {"a_b.jpg", "c_[31m.jpg", "e_f.jpg", "dogs/g.jpg", "_nul.jpg"} <= set(paths(gathered))


def test_names_in_utf8_that_do_not_say_so(tmp_path: Path) -> None:
    """As macOS's own Archive Utility writes them."""
    data = zipped({"ねこ/é.jpg": jpeg()})
    quiet = bytearray(data)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        quiet[quiet.index(signature) + place + 1] &= ~0x08
    assert paths(from_zip(tmp_path, bytes(quiet))) == ["ねこ/é.jpg"]
    assert paths(from_zip(tmp_path, data)) == ["ねこ/é.jpg"]


def test_two_entries_of_one_name(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zipped([("a.jpg", jpeg(seed=1)), ("a.jpg", jpeg(seed=2)), ("a.jpg", jpeg(seed=1)), ("A.jpg", jpeg())])
    gathered = from_zip(tmp_path, data)
    assert paths(gathered) == ["A.jpg", "a.jpg", "a.jpg"]
    assert {source.read() for source in gathered.sources} == {jpeg(seed=1), jpeg(seed=2), jpeg()}


def test_a_huge_entry(tmp_path: Path) -> None:
    bomb = zipped({"bomb.jpg": b"\0" * 50_000_000, "a.jpg": jpeg()}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    gathered = from_zip(tmp_path, bomb, Limits(1_000_000, 10**9))
    assert paths(gathered) == ["a.jpg"]
    assert (
        reasons(gathered)["bomb.jpg"]
        == "50.0 MB is over the limit of 1.0 MB per file (AUGMENTAI_MAX_FILE_MB); make it smaller"
    )


def test_an_entry_that_misstates_its_size(tmp_path: Path) -> None:
    bomb = zipped({"bomb.jpg": b"\0" * 50_000_000}, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    gathered = from_zip(tmp_path, makers.zip_claiming(bomb, 1000))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert "corrupt inside in.zip" in reasons(gathered)["bomb.jpg"]
    gathered = from_zip(tmp_path, makers.zip_claiming(zipped({"a.jpg": jpeg()}, zipfile.ZIP_DEFLATED), 900_000))
    assert set(reasons(gathered)) == {"a.jpg"} or paths(gathered) == ["a.jpg"]


def test_entries_that_are_too_much_together(tmp_path: Path) -> None:
    data = zipped({f"{i}.jpg": b"\0" * 900_000 for i in range(5)}, zipfile.ZIP_DEFLATED)
    assert reasons(from_zip(tmp_path, data)) == {
        "in.zip": "would extract to 4.5 MB; the limit is 4.0 MB (AUGMENTAI_MAX_ZIP_GB); split it"
    }


def test_what_is_not_read_does_not_count(tmp_path: Path) -> None:
    data = zipped({"film.mp4": b"\0" * 9_000_000, "a.jpg": jpeg()}, zipfile.ZIP_DEFLATED)
    assert paths(from_zip(tmp_path, data)) == ["a.jpg"]


def test_entries_that_lie_over_each_other(tmp_path: Path) -> None:
    data = makers.zip_overlapping("a.jpg", b"\0" * 900_000, copies=4)
    assert "its entries overlap, as in a ZIP bomb" in reasons(from_zip(tmp_path, data))["in.zip"]


def test_very_many_entries(tmp_path: Path) -> None:
    """The list of contents alone would fill the memory: it is measured before it is read."""
    end = zipped({"a.jpg": b""})
    entry = end[end.index(b"PK\x01\x02") : end.index(b"PK\x05\x06")]
    count = 800_000
    tail = b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff" + (len(entry) * count).to_bytes(4, "little") + b"\0" * 6
    tracemalloc.start()
    gathered = from_zip(tmp_path, entry * count + tail)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reasons(gathered) == {
        "in.zip": "it has too many files for one ZIP (more than 250,000, AUGMENTAI_MAX_ARCHIVE_FILES); split it"
    }
    assert peak < 3 * len(entry) * count


def test_a_zip_beside_images_is_not_opened(tmp_path: Path) -> None:
    """It mostly holds the same images: somebody has unpacked it."""
    write(tmp_path / "set", {"inner.zip": zipped({"a.jpg": jpeg()}), "inner.tar.gz": b"x", "a.jpg": jpeg()})
    gathered = gather([tmp_path / "set"], LIMITS)
    assert paths(gathered) == ["a.jpg"]
    assert gathered.notices == (
        "Archives beside images, or in other archives, are not opened; name them separately: inner.tar.gz, inner.zip",
    )


# (files of a folder without images of its own, the images, the split of each)
ARCHIVES = [
    (
        {"train.zip": zipped({"cats/a.jpg": jpeg()}), "test.zip": zipped({"cats/b.jpg": jpeg(seed=1)})},
        {"train/cats/a.jpg": "train", "test/cats/b.jpg": "test"},
    ),
    # the folder that is in the archive already is not repeated
    (
        {"data/train.tar.gz": tarred({"train/a.jpg": jpeg()}, "gz"), "data/val.zip": zipped({"b.jpg": jpeg(seed=1)})},
        {"data/train/a.jpg": "train", "data/val/b.jpg": "val"},
    ),
    (
        {"images.zip": zipped({"a.jpg": jpeg()}), "labels.zip": zipped({"a.txt": b"0 0.5 0.5 0.2 0.2\n"})},
        {"images/a.jpg": None},
    ),
    ({"all.zip": zipped({"a.jpg": jpeg()}), "code.zip": zipped({"a.py": b""})}, {"all/a.jpg": None}),
    ({"all.zip": zipped({"a.jpg": jpeg()}), "broken.zip": b"PK"}, {"all/a.jpg": None}),
]


@pytest.mark.parametrize(("files", "images"), ARCHIVES)
def test_archives_in_a_folder_are_folders_of_their_names(
    files: dict[str, bytes], images: dict[str, str | None], tmp_path: Path
) -> None:
    write(tmp_path / "set", files)
    gathered = gather([tmp_path / "set"], LIMITS)
    assert {source.path: source.split for source in (*gathered.sources, *gathered.holdout)} == images
    assert set(reasons(gathered)) == {name for name in files if "broken" in name}
    assert (gathered.layout.name == "yolo") == ("labels.zip" in files)
    summary = inspect_uploads([(f"set/{name}", str(tmp_path / "set" / name)) for name in files], Settings())
    assert summary.images + summary.holdout == len(images)
    assert summary.holdout == len(gathered.holdout)


def test_archives_in_a_folder_share_its_limit(tmp_path: Path) -> None:
    photos = {f"{name}.zip": zipped({f"{name}.jpg": jpeg((400, 400))}) for name in "abc"}
    write(tmp_path / "set", photos)
    size = len(jpeg((400, 400)))
    gathered = gather([tmp_path / "set"], Limits(file_bytes=10**9, zip_bytes=2 * size, files=10))
    assert paths(gathered) == ["a/a.jpg", "b/b.jpg"]
    assert "would extract to more than" in reasons(gathered)["c.zip"]


def test_a_password(tmp_path: Path) -> None:
    gathered = from_zip(tmp_path, makers.zip_with_flags(zipped({"a.jpg": jpeg(), "notes.txt": b"x"}), 1))
    assert reasons(gathered) == {"a.jpg": "the ZIP is encrypted with a password; remove the password first"}


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (14, "LZMA"), (12, "bzip2"), (99, "method 99")])
def test_other_ways_of_packing(tmp_path: Path, method: int, name: str) -> None:
    gathered = from_zip(tmp_path, makers.zip_with_method(zipped({"a.jpg": jpeg()}), method))
    assert f"compressed with {name}, which is not supported; create the ZIP with Deflate" in reasons(gathered)["a.jpg"]


def test_bzip2_is_never_unpacked(tmp_path: Path) -> None:
    """Forty-five bytes of it become 45 MB in one step, whatever size the header tells."""
    bomb = makers.zip_claiming(zipped({"a.jpg": b"\0" * 45_000_000}, zipfile.ZIP_BZIP2), 1000)
    assert len(bomb) < 500
    tracemalloc.start()
    assert set(reasons(from_zip(tmp_path, bomb))) == {"a.jpg"}
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_zip64(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "in.zip", "w") as archive,
        archive.open("a.jpg", "w", force_zip64=True) as entry,
    ):
        entry.write(jpeg())
    gathered = gather([tmp_path / "in.zip"], LIMITS)
    assert [source.read() for source in gathered.sources] == [jpeg()]


def test_zip64_of_more_than_65535_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for number in range(66_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.txt"), b"")
        archive.writestr("a.jpg", jpeg())
    gathered = gather([tmp_path / "in.zip"], LIMITS)
    assert paths(gathered) == ["a.jpg"]
    assert gathered.notices == (
        "Skipped 66,000 non-image files (0.txt, 1.txt, 10.txt, 100.txt, 1000.txt and 65995 more)",
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"not a zip", b"PK\x03\x04 and no more", zipped({"a.jpg": jpeg()})[:-10], b"PK\x05\x06" + b"\xff" * 18],
)
def test_a_broken_zip(tmp_path: Path, data: bytes) -> None:
    assert "create it again" in reasons(from_zip(tmp_path, data))["in.zip"]


def test_a_damaged_entry_spoils_no_other(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.jpg": jpeg(), "b.jpg": jpeg(seed=1)}))
    data[200] ^= 0xFF
    gathered = from_zip(tmp_path, bytes(data))
    assert paths(gathered) == ["b.jpg"]
    assert "corrupt inside in.zip" in reasons(gathered)["a.jpg"]


def test_flipped_bytes_never_raise(tmp_path: Path) -> None:
    whole = zipped({"a.jpg": jpeg(), "cats/b.png": png()}, zipfile.ZIP_DEFLATED)
    chance = random.Random(5)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        gathered = from_zip(tmp_path, bytes(data[: chance.randint(10, len(data))]))
        for source in gathered.sources:
            assert zlib.crc32(source.read()) is not None


def test_names_lie_about_what_a_file_is(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "picture.zip": jpeg(),
            "archive.jpg": zipped({"b.jpg": jpeg()}),
            "archive.docx": zipped({"c.jpg": jpeg()}),
        },
    )
    gathered = gather([tmp_path / "picture.zip", tmp_path / "archive.jpg", tmp_path / "archive.docx"], LIMITS)
    assert paths(gathered) == ["archive.jpg", "c.jpg", "picture.zip"]  # archive.jpg is refused when it is decoded
