"""How many files and folders the archives of a job may have, and how deep their paths may be."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.pipeline.job import limits
from augmentai.settings import Settings
from tests.support.image_files import jpeg

FILES = "the archives of this job have more than 4 files together (AUGMENTAI_MAX_ARCHIVE_FILES)"
FOLDERS = "the archives of this job have more than 4 folders together (AUGMENTAI_MAX_ARCHIVE_FILES)"
OF_ONE = "it has more than 4 folders (AUGMENTAI_MAX_ARCHIVE_FILES); split it"
DEEP = "x/" * 65


def zipped(names: Sequence[str], inner: Mapping[str, bytes] | None = None) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, jpeg(seed=number))
        for name, content in (inner or {}).items():
            archive.writestr(name, content)
    return data.getvalue()


def tarred(names: Sequence[str]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = len(jpeg(seed=number))
            archive.addfile(info, io.BytesIO(jpeg(seed=number)))
    return data.getvalue()


def read(folder: Path, files: Mapping[str, bytes], most_images: int | None) -> Gathered:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    bounds = limits(Settings(max_archive_files=4, max_zip_gb=0.009), most_images)
    return gather([folder / name for name in files], bounds)


# (archives, the images a job may have, the images that are read, what failed: how its reason begins)
CASES = [
    # three in one and three in the next: each could be read alone
    ({"a.zip": zipped("123"), "b.zip": zipped("456")}, 100, 3, {"b.zip": FILES}),
    # on the command line each archive has a limit of its own
    ({"a.zip": zipped("123"), "b.zip": zipped("456")}, None, 6, {}),
    # one that fits still is read after one that does not
    ({"a.zip": zipped("123"), "b.zip": zipped("456"), "c.zip": zipped("7")}, 100, 4, {"b.zip": FILES}),
    # likewise in a TAR
    ({"a.zip": zipped("123"), "b.tar": tarred("456")}, 100, 3, {"b.tar": FILES}),
    # likewise in an archive inside another, which itself counts
    ({"a.zip": zipped("12", {"b.zip": zipped("34")})}, 100, 2, {"b.zip": FILES}),
    # whose own list of files, which is stored as it is, is none of the other's
    ({"a.zip": zipped("12", {"b.zip": zipped("3456")})}, None, 6, {}),
    # two files, and six folders
    ({"a.zip": zipped(["1/2/3/a.jpg", "4/5/6/a.jpg"])}, 100, 0, {"a.zip": FOLDERS}),
    ({"a.zip": zipped(["1/2/3/a.jpg", "4/5/6/a.jpg"])}, None, 0, {"a.zip": OF_ONE}),
    ({"a.zip": zipped(["1/2/a.jpg"]), "b.zip": zipped(["1/2/b.jpg", "3/4/c.jpg"])}, 100, 3, {}),
    # no folder is too deep but this one, which is not counted
    ({"a.zip": zipped([DEEP + "a.jpg", "b.jpg"])}, 100, 1, {DEEP + "a.jpg...": "its path in a.zip has more than 64"}),
    # neither is one of backslashes, nor one of a label file
    ({"a.zip": zipped([DEEP.replace("/", "\\") + "a.jpg"])}, 100, 0, {"x": "its path in a.zip has more than 64"}),
    ({"a.zip": zipped(["b.jpg", DEEP + "b.txt"])}, 100, 1, {DEEP + "b.txt...": "its path has more than 64 folders"}),
]


@pytest.mark.parametrize(("files", "most_images", "images", "failed"), CASES)
def test_counts_and_depths_are_bounded(
    files: dict[str, bytes], most_images: int | None, images: int, failed: dict[str, str], tmp_path: Path
) -> None:
    found = read(tmp_path, files, most_images)
    assert len(found.sources) == images
    assert len(found.failures) == len(failed)
    for failure, (name, reason) in zip(found.failures, failed.items(), strict=True):
        assert failure.file.startswith(name.partition("...")[0])
        assert failure.reason.startswith(reason)


# (what the last bytes say that it unpacks to, what is said of the archive)
@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        (550_000_000, "extracts to 550.0 MB, as its last bytes say; the limit is 9.0 MB (AUGMENTAI_MAX_ZIP_GB)"),
        # found as it is unpacked: too little, and more than so few bytes can hold
        (5, "not a readable TAR (Incorrect length of data produced)"),
        (4_000_000_000, "not a readable TAR (Incorrect length of data produced)"),
    ],
)
def test_a_size_that_gzip_states_is_refused_before_anything_is_unpacked(
    stated: int, reason: str, tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).bytes(600_000)
    packed = gzip.compress(tarred(["a.jpg"]) + noise, 1)[:-4] + stated.to_bytes(4, "little")
    found = read(tmp_path, {"a.tar.gz": packed}, 100)
    assert [one.reason[: len(reason)] for one in found.failures] == [reason]
