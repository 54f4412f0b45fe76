"""What files are, whatever they are called: images by their bytes, and what cannot be read by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.images import ImageError, decode
from tests.support.gathered import LIMITS, paths, reasons
from tests.support.image_files import encoded, greys, jpeg, png, zipped
from tests.support.labelled_sets import write

IMAGES = {  # as the web and its tools name them
    "1.jpg?w=640": jpeg(),
    "2.jpg%3Fw=640": jpeg(seed=1),
    "3.jpeg_large": jpeg(seed=2),
    "4.php": png(seed=3),
    "5.jpg!d": jpeg(seed=4),
    "6.pjpeg": jpeg(seed=5),
    "7": jpeg(seed=6),
    "8.jpg.1": jpeg(seed=7),
    "9.tmp": encoded(greys(), "WEBP"),
    "10.jfif": jpeg(seed=8),
    "11.image": encoded(greys(), "TIFF"),
    "12.psd": jpeg(seed=9),  # a wrong ending
    "13.png": jpeg(seed=10),
    "14.dat": jpeg(seed=11),
}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_images_are_known_by_their_bytes(tmp_path: Path, kind: str) -> None:
    files = {f"cats/{name}": data for name, data in IMAGES.items()}
    write(tmp_path / "set", files | {"cats/a.py": b"import os", "cats/b.bin": bytes(600)})
    (tmp_path / "set.zip").write_bytes(zipped(files | {"cats/a.py": b"import os", "cats/b.bin": bytes(600)}))
    gathered = gather([tmp_path / ("set" if kind == "folder" else "set.zip")], LIMITS)
    assert sorted(paths(gathered)) == sorted(name.replace("?", "_") for name in files)
    assert gathered.notices == ("Skipped 2 non-image files (cats/a.py, cats/b.bin)",)
    for source in gathered.sources:
        assert decode(source.read(), source.path, 10**6).size_wh == (48, 32)


REFUSED = [  # (name, first bytes, what is said)
    ("a.jxl", b"\xff\x0a", "JPEG XL is not supported; convert it to PNG or JPEG"),
    ("a.jpg", b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL is not supported"),
    ("a.dcm", bytes(128) + b"DICM", "DICOM is not supported; export it as 16-bit PNG or TIFF"),
    ("IM0001", bytes(128) + b"DICM", "DICOM is not supported"),
    ("a.psd", b"8BPS", "PSD is not supported; export it as PNG or TIFF"),
    ("a.exr", b"v/1\x01", "OpenEXR is not supported"),
    ("a.CR3", b"\0\0\0\x18ftypcrx ", "camera RAW is not supported"),
    ("a.svg", b"<svg/>", "SVG is a vector drawing"),
]


@pytest.mark.parametrize(("name", "head", "words"), REFUSED)
def test_images_that_are_not_decoded_are_named(tmp_path: Path, name: str, head: bytes, words: str) -> None:
    write(tmp_path, {name: head + bytes(300)})
    (source,) = gather([tmp_path], LIMITS).sources
    with pytest.raises(ImageError, match=words):
        decode(source.read(), source.path, 10**6)


NO_IMAGES = [  # (name, first bytes, what is said of a folder of two)
    ("a.npy", b"\x93NUMPY", "2 NumPy files: save its arrays as PNG or TIFF"),
    ("a.mp4", b"\0\0\0\x20ftypisom", "2 video files: extract its frames as images first"),
    ("clip", b"\x1aE\xdf\xa3", "2 video files"),
    ("a.h5", b"\x89HDF\r\n\x1a\n", "2 HDF5 files"),
    ("a.pdf", b"%PDF-1.7", "2 PDF files: export its pages as PNG"),
]


@pytest.mark.parametrize(("name", "head", "words"), NO_IMAGES)
def test_a_folder_of_files_that_may_hold_images(tmp_path: Path, name: str, head: bytes, words: str) -> None:
    write(tmp_path / "set", {name: head + bytes(300), f"b/{name}": head + bytes(300)})
    (reason,) = reasons(gather([tmp_path / "set"], LIMITS)).values()
    assert reason.startswith(f"there is no image in this folder, but {words}")


def test_videos_beside_images_are_no_failure(tmp_path: Path) -> None:
    write(tmp_path, {"a.jpg": jpeg(), "b.mp4": b"\0\0\0\x20ftypisom"})
    gathered = gather([tmp_path], LIMITS)
    assert gathered.failures == ()
    assert gathered.notices == ("Skipped 1 video file (b.mp4): extract its frames as images first",)


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("s3://bucket/set", "download it first, such as with `aws s3 sync`"),
        ("gs://bucket/set", "download it first, such as with `gcloud storage rsync`"),
        ("hf://datasets/a/b", "download it first, with `hf download`"),
        ("https://example.org/a.zip", "download it first"),
        ("az://container/set", "download it first, and name the folder"),
        ("file:///data/set", "name the path alone"),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_addresses(address: str, advice: str, kind: type) -> None:
    said = reasons(gather([kind(address)], LIMITS))
    assert list(said.values()) == [f"an address, and only files of this machine are read; {advice}"]
    assert next(iter(said)).split("://")[0] == address.split("://")[0]


@pytest.mark.parametrize(("name", "head"), [("a.7z", b"7z\xbc\xaf\x27\x1c"), ("a.rar", b"Rar!\x1a\x07\x01\0")])
def test_archives_that_are_not_read_say_so(tmp_path: Path, name: str, head: bytes) -> None:
    write(tmp_path, {name: head + bytes(100)})
    (source,) = gather([tmp_path / name], LIMITS).sources
    with pytest.raises(ImageError, match="archive, which is not read; unpack it, or make a ZIP of it"):
        decode(source.read(), source.path, 10**6)


@pytest.mark.parametrize("name", ["set.zip.001", "set.zip.002", "set.z01", "set.7z.001"])
def test_parts_of_archives_say_so(tmp_path: Path, name: str) -> None:
    write(tmp_path / "set", {name: b"PK\x03\x04" + bytes(100), "a.jpg": jpeg()})
    said = reasons(gather([tmp_path / "set" / name], LIMITS))
    assert said[name].startswith("a part of an archive in several files; join them")
    assert gather([tmp_path / "set"], LIMITS).notices == (f"Only ZIP and TAR archives are read; unpack these: {name}",)


def test_label_maps_are_kept(tmp_path: Path) -> None:
    """TensorFlow's names of classes stay true, whatever becomes of the images."""
    write(tmp_path / "set", {"label_map.pbtxt": b"item { id: 1 name: 'cup' }", "a.jpg": jpeg()})
    found = gather([tmp_path / "set"], LIMITS)
    assert [entry.path for entry in found.layout.orphans] == ["label_map.pbtxt"]
    assert found.notices == ()
