"""TARs, archives in archives, and names in the encodings of other systems."""

from __future__ import annotations

import gzip
import itertools
import random
import struct
import tarfile
import threading
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from augmentai.dataset.archive import ArchiveError
from augmentai.dataset.readers.gather import Gathered, Limits, gather
from augmentai.dataset.tar_archive import spool
from tests.support.archives import Packing, tar_with_device, tarred, zipped_with_names
from tests.support.gathered import LIMITS, paths, reasons
from tests.support.image_files import jpeg, png, zipped
from tests.support.labelled_sets import Files, write

TREE: Files = {"cats/a.jpg": jpeg(seed=1), "cats/b.PNG": png(seed=2), "dogs/a.jpg": jpeg(seed=3), "c.jpg": jpeg(seed=4)}


def read(tmp_path: Path, name: str, data: bytes, limits: Limits = LIMITS) -> Gathered:
    (tmp_path / name).write_bytes(data)
    return gather([tmp_path / name], limits)


@pytest.mark.parametrize(
    ("name", "packing"),
    [
        *[("a.tar", ""), ("a.tar.gz", "gz"), ("a.TGZ", "gz"), ("a.tar.bz2", "bz2"), ("a.tbz2", "bz2")],
        *[("a.tar.xz", "xz"), ("a.txz", "xz")],
        *[("a.tar", "gz"), ("a.zip", ""), ("set", "")],  # names that do not say it, or say it wrongly
    ],
)
def test_a_tar_reads_like_its_folder(tmp_path: Path, name: str, packing: Packing) -> None:
    folder = write(tmp_path / "folder", TREE)
    files = TREE | {"notes.md": b"x", "__MACOSX/._a.jpg": b"x", "cats/.DS_Store": b"x"}
    from_tar, from_folder = read(tmp_path, name, tarred(files, packing)), gather([folder], LIMITS)
    assert (from_tar.sources, from_tar.failures) == (from_folder.sources, ())
    assert [source.read() for source in from_tar.sources] == [source.read() for source in from_folder.sources]
    assert from_tar.notices == ("Skipped 1 non-image file (notes.md)",)


def test_several_threads_read_one_tar(tmp_path: Path) -> None:
    files = {f"{number}.jpg": jpeg(seed=number) for number in range(20)}
    gathered = read(tmp_path, "a.tar.gz", tarred(files, "gz"))
    wrong: list[str] = []

    def check() -> None:
        wrong.extend(s.path for s in gathered.sources for _ in range(10) if s.read() != files[s.path])

    threads = [threading.Thread(target=check) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path) -> None:
    links = {"out.jpg": "/etc/passwd", "up.jpg": "../../a.jpg", "hard.jpg": "=a.jpg", "folder": "/etc"}
    gathered = read(tmp_path, "a.tar", tarred({"a.jpg": jpeg()}, links=links))
    assert paths(gathered) == ["a.jpg"]
    assert set(reasons(gathered)) == set(links)
    assert all("a link inside the TAR, which is not followed" in reason for reason in reasons(gathered).values())
    gathered = read(tmp_path, "b.tar", tar_with_device("a.jpg"))
    assert all("a device or a pipe inside the TAR" in reason for reason in reasons(gathered).values())


def test_names_in_a_tar_cannot_lead_out(tmp_path: Path) -> None:
    gathered = read(tmp_path, "a.tar", tarred({"../a.jpg": jpeg(), "/etc/b.jpg": jpeg(), "./c/d.jpg": jpeg()}))
    assert paths(gathered) == ["c/d.jpg"]
    assert all("points outside the folder; skipped" in reason for reason in reasons(gathered).values())
    assert len(gathered.failures) == 2


def bomb(packing: Packing) -> bytes:
    """40 MB of zeros as an image."""
    return tarred({"a.jpg": bytes(40_000_000)}, packing)


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_a_tar_that_extracts_to_too_much(tmp_path: Path, packing: Packing) -> None:
    data = bomb(packing)
    tracemalloc.start()
    gathered = read(tmp_path, "a.tar", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (
        "would extract to 40.0 MB; the limit is 4.0 MB (AUGMENTAI_MAX_ZIP_GB); split it" in reasons(gathered)["a.tar"]
    )
    assert peak < 24_000_000  # xz has a dictionary of 8 MB


def test_a_stream_that_never_ends_is_cut_off() -> None:
    with pytest.raises(
        ArchiveError, match=r"would extract to more than 4\.0 MB, the limit \(AUGMENTAI_MAX_ZIP_GB\); split it"
    ):
        spool(itertools.repeat(bytes(100_000)), Path("a.tar"), LIMITS.zip_bytes, LIMITS.zip_bytes)


BROKEN = [  # (name, data, what is said)
    ("a.tar", b"", "not a readable TAR"),
    ("a.tar", b"not a tar" * 100, "not a readable TAR"),
    ("a.tar", tarred(TREE)[:900], "not a readable TAR"),
    ("a.tar.gz", tarred(TREE, "gz")[:300], "not a readable TAR"),
    ("a.tar.xz", tarred(TREE, "xz")[:300], "not a readable TAR"),
    ("a.tar.bz2", tarred(TREE, "bz2")[:300], "not a readable TAR"),
    ("a.tar.gz", gzip.compress(b"text", mtime=0), "not a readable TAR"),
    ("a.tgz", b"\x28\xb5\x2f\xfd" + bytes(20), "not a readable TAR"),
]


@pytest.mark.parametrize(("name", "data", "words"), BROKEN)
def test_a_broken_tar(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    gathered = read(tmp_path, name, data)
    assert words in reasons(gathered)[name]
    assert "create it again" in reasons(gathered)[name]


def test_flipped_bytes_in_a_tar_never_raise(tmp_path: Path) -> None:
    whole = [tarred({"a.jpg": jpeg(), "x" * 200 + "/b.png": png()}, packing) for packing in ("", "gz", "xz")]  # type: ignore[arg-type]
    chance = random.Random(5)
    for number in range(150):
        data = bytearray(whole[number % 3])
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        for source in read(tmp_path, "a.tar", bytes(data[: chance.randint(10, len(data))])).sources:
            assert source.read()


def test_a_huge_header_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 50_000_000
    data = info.tobuf() + bytes(50_000_000)
    tracemalloc.start()
    gathered = read(tmp_path, "a.tar", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "a header is too large" in reasons(gathered)["a.tar"]
    assert peak < 9_000_000


INNER = [  # (outer archive, the paths that come out)
    ({"train.zip": {"cats/a.jpg": jpeg()}, "test.zip": {"b.jpg": jpeg(seed=1)}}, ["test/b.jpg", "train/cats/a.jpg"]),
    # Kaggle: train.zip holds train/
    ({"train.zip": {"train/a.jpg": jpeg()}, "test.zip": {"test/b.jpg": jpeg(seed=1)}}, ["test/b.jpg", "train/a.jpg"]),
    ({"data/train.zip": {"a.jpg": jpeg()}, "b.jpg": jpeg(seed=1)}, ["b.jpg", "data/train/a.jpg"]),
    ({"train.zip": {"a.jpg": jpeg(), "__MACOSX/._a.jpg": b"x"}}, ["train/a.jpg"]),
]


@pytest.mark.parametrize(("outer", "expected"), INNER)
@pytest.mark.parametrize("kinds", ["zip in zip", "zip in tar", "tar in zip"])
def test_an_archive_in_an_archive(tmp_path: Path, outer: dict[str, object], expected: list[str], kinds: str) -> None:
    inside, _, outside = kinds.partition(" in ")
    files = {}
    for name, content in outer.items():
        if isinstance(content, dict):
            data = zipped(content) if inside == "zip" else tarred(content, "gz")
            files[name if inside == "zip" else name.replace(".zip", ".tar.gz")] = data
        else:
            files[name] = content
    gathered = read(tmp_path, f"a.{outside}", zipped(files) if outside == "zip" else tarred(files))
    assert sorted([*paths(gathered), *(source.path for source in gathered.holdout)]) == expected
    assert gathered.failures == ()


def test_splits_in_inner_archives(tmp_path: Path) -> None:
    files = {
        f"{split}.zip": zipped({f"{split}/cats/{split}.jpg": jpeg(seed=i)}) for i, split in enumerate(("train", "test"))
    }
    gathered = read(tmp_path, "kaggle.zip", zipped(files))
    assert [(source.path, source.label) for source in gathered.sources] == [("train/cats/train.jpg", "cats")]
    assert [source.path for source in gathered.holdout] == ["test/cats/test.jpg"]


def test_only_one_level_is_opened(tmp_path: Path) -> None:
    deep = zipped({"inner.zip": zipped({"deepest.zip": zipped({"c.jpg": jpeg()}), "b.jpg": jpeg(seed=1)})})
    gathered = read(tmp_path, "a.zip", deep)
    assert paths(gathered) == ["inner/b.jpg"]
    assert "not opened; name them separately: inner/deepest.zip" in gathered.notices[0]


def test_inner_archives_share_the_bounds(tmp_path: Path) -> None:
    image = random.Random(0).randbytes(900_000)
    inner = zipped({f"{number}.jpg": bytes([number]) + image for number in range(3)}, zipfile.ZIP_DEFLATED)
    gathered = read(tmp_path, "a.zip", zipped({"one.zip": inner, "two.zip": inner, "a.jpg": jpeg()}))
    assert "a.jpg" in paths(gathered)
    assert sum(source.size_bytes for source in gathered.sources) <= LIMITS.zip_bytes
    assert any("more than 4.0 MB" in reason or "would extract to" in reason for reason in reasons(gathered).values())


def test_a_broken_inner_archive_spoils_no_other(tmp_path: Path) -> None:
    files = {"one.zip": b"PK\x03\x04", "two.zip": zipped({"b.jpg": jpeg()}), "a.jpg": jpeg(seed=1)}
    gathered = read(tmp_path, "a.zip", zipped(files))
    assert paths(gathered) == ["a.jpg", "two/b.jpg"]
    assert "not a readable ZIP" in reasons(gathered)["one.zip"]
    assert "(in a.zip)" in reasons(gathered)["one.zip"]


NAMES = [  # (encoding, class folder, what is said)
    ("cp932", "写真/猫", "Japanese (Shift JIS)"),
    ("gbk", "数据/苹果", "Chinese (GBK)"),
    ("cp866", "Кошки", "Cyrillic (DOS 866)"),
    ("cp949", "강아지", "Korean (EUC-KR)"),
    ("cp437", "café", "Western European (DOS 437)"),
    ("utf-8", "ねこ é", ""),  # macOS
]


@pytest.mark.parametrize(("encoding", "folder", "title"), NAMES)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_without_their_encoding(tmp_path: Path, encoding: str, folder: str, title: str, kind: str) -> None:
    files = {f"{folder}/1.jpg": jpeg(), f"{folder}/2.jpg": jpeg(seed=1)}
    data = zipped_with_names(files, encoding) if kind == "zip" else tarred(files, encoding=encoding)
    gathered = read(tmp_path, f"set.{kind}", data)
    assert paths(gathered) == list(files)
    assert {source.label for source in gathered.sources} == {folder.rpartition("/")[2]}
    assert [source.read() for source in gathered.sources] == list(files.values())
    said = f"Names in an archive are not UTF-8; if they look wrong, create it again: set.{kind} ({title})"
    assert gathered.notices == ((said,) if title else ())


def test_a_name_in_utf8_beside_the_old_one(tmp_path: Path) -> None:
    """Info-ZIP writes both; the second has a checksum of the first."""
    old, name = "êîøêà/1.jpg", "кошки/1.jpg"
    field = b"\1" + struct.pack("<L", zlib.crc32(old.encode("cp1252"))) + name.encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    gathered = read(tmp_path, "a.zip", zipped_with_names({old: jpeg()}, "cp1252", extra))
    assert paths(gathered) == [name]
    assert gathered.notices == ()


@pytest.mark.parametrize("name", ["a.7z", "a.rar", "a.tar.zst"])
def test_other_archives_are_named(tmp_path: Path, name: str) -> None:
    heads = {"a.7z": b"7z\xbc\xaf\x27\x1c", "a.rar": b"Rar!\x1a\x07\x01\0", "a.tar.zst": b"\x28\xb5\x2f\xfd"}
    write(tmp_path, {"b.jpg": jpeg(), name: heads[name] + bytes(50)})
    assert gather([tmp_path], LIMITS).notices == (f"Only ZIP and TAR archives are read; unpack these: {name}",)
