"""Files and folders as inputs, honest and not."""

from __future__ import annotations

import os
import random
import shutil
import socket
import threading
import zipfile
from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import Gathered, Limits, gather
from augmentai.types import Source
from tests.conftest import as_nobody
from tests.support.gathered import LIMITS, paths, reasons
from tests.support.image_files import jpeg, png, zipped
from tests.support.labelled_sets import write


def same(first: Gathered, second: Gathered) -> bool:
    return (first.sources, first.failures) == (second.sources, second.failures)


TREE = {
    "cats/a.jpg": jpeg(seed=1),
    "cats/deep/b.PNG": png(seed=2),
    "dogs/a.jpg": jpeg(seed=3),
    "loose.jpg": jpeg(seed=4),
}


def test_a_folder_keeps_paths_and_labels(tmp_path: Path) -> None:
    write(tmp_path, TREE | {"notes.txt": b"x", ".DS_Store": b"x", "cats/._a.jpg": b"x", "__MACOSX/a.jpg": b"x"})
    gathered = gather([tmp_path], LIMITS)
    assert {source.path: source.label for source in gathered.sources} == {
        "cats/a.jpg": "cats",
        "cats/deep/b.PNG": "deep",
        "dogs/a.jpg": "dogs",
        "loose.jpg": None,
    }
    assert gathered.failures == ()
    assert gathered.notices == ("Skipped 1 non-image file (notes.txt)",)
    assert all(source.read() == TREE[source.path] for source in gathered.sources)
    assert all(source.size_bytes == len(TREE[source.path]) for source in gathered.sources)


def test_a_zip_reads_like_its_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", TREE)
    (tmp_path / "set.zip").write_bytes(zipped(TREE, zipfile.ZIP_DEFLATED))
    from_zip, from_folder = gather([tmp_path / "set.zip"], LIMITS), gather([folder], LIMITS)
    assert same(from_zip, from_folder)
    assert [s.read() for s in from_zip.sources] == [s.read() for s in from_folder.sources]


def test_order_and_repeats_change_nothing(tmp_path: Path) -> None:
    write(tmp_path / "set", TREE)
    write(tmp_path, {"one.jpg": jpeg(), "two.png": png(), "three.zip": zipped({"z.jpg": jpeg(seed=9)})})
    inputs = [
        tmp_path / "set",
        tmp_path / "one.jpg",
        tmp_path / "two.png",
        tmp_path / "three.zip",
        tmp_path / "gone.jpg",
    ]
    first = gather(inputs, LIMITS)
    assert len(first.sources) == 7
    for seed in range(5):
        shuffled = inputs + inputs + [tmp_path / "set" / "cats" / "a.jpg", tmp_path / "set" / "cats"]
        random.Random(seed).shuffle(shuffled)
        assert same(gather(shuffled, LIMITS), first)


def test_a_file_given_twice_is_reported(tmp_path: Path) -> None:
    write(tmp_path, {"a.jpg": jpeg()})
    gathered = gather([tmp_path / "a.jpg", str(tmp_path / "." / "a.jpg")], LIMITS)
    assert paths(gathered) == ["a.jpg"]
    assert gathered.notices == ("Skipped 1 duplicate file: given more than once",)


def test_two_files_of_one_name(tmp_path: Path) -> None:
    write(tmp_path, {"x/a.jpg": jpeg(seed=1), "y/a.jpg": jpeg(seed=2), "z/a.jpg": jpeg(seed=1)})
    gathered = gather([tmp_path / "x/a.jpg", tmp_path / "y/a.jpg", tmp_path / "z/a.jpg"], LIMITS)
    assert paths(gathered) == ["a.jpg", "a.jpg"]  # different bytes: two; the same bytes: one
    assert len({source.sha256 for source in gathered.sources}) == 2
    assert "given more than once" in gathered.notices[0]


def test_several_folders_keep_their_own_names(tmp_path: Path) -> None:
    """`augmentai cats dogs` is a data set of two classes, whose files may well share names."""
    write(tmp_path, TREE)
    gathered = gather([tmp_path / "cats", tmp_path / "dogs"], LIMITS)
    assert paths(gathered) == ["cats/a.jpg", "cats/deep/b.PNG", "dogs/a.jpg"]
    assert [source.label for source in gathered.sources] == ["cats", "deep", "dogs"]
    assert paths(gather([tmp_path / "cats", tmp_path / "cats" / "."], LIMITS)) == ["a.jpg", "deep/b.PNG"]
    assert paths(gather([tmp_path / "cats", tmp_path / "cats" / "deep"], LIMITS)) == ["a.jpg", "deep/b.PNG"]


def test_the_output_folder_is_not_searched(tmp_path: Path) -> None:
    write(tmp_path, {"a.jpg": jpeg(), "out/a__v1.jpg": jpeg()})
    assert paths(gather([tmp_path], LIMITS, skip=tmp_path / "out")) == ["a.jpg"]


def test_images_without_an_extension(tmp_path: Path) -> None:
    files = {
        "0001": jpeg(),
        "frame.12": png(),
        "README": b"text",
        "a.jpg_original": jpeg(),
        "sub/0002": b"BM is no picture",
    }
    write(tmp_path / "set", files)
    assert paths(gather([tmp_path / "set"], LIMITS)) == ["0001", "frame.12"]
    (tmp_path / "set.zip").write_bytes(zipped(files))
    assert paths(gather([tmp_path / "set.zip"], LIMITS)) == ["0001", "frame.12"]
    assert paths(gather([tmp_path / "set" / "0001"], LIMITS)) == ["0001"]


LEFT_BEHIND = [  # path, what the notice names
    (".ipynb_checkpoints/a-checkpoint.jpg", ".ipynb_checkpoints"),  # Jupyter
    ("cats/.ipynb_checkpoints/a-checkpoint.jpg", ".ipynb_checkpoints"),
    ("cats/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "@eaDir"),  # Synology
    ("cats/.@__thumb/s100a.jpg", ".@__thumb"),  # QNAP
    ("@__thumb/a.jpg", "@__thumb"),
    ("cats/_vti_cnf/a.jpg", "_vti_cnf"),  # FrontPage
    (".thumbnails/a.jpg", ".thumbnails"),  # Android
    ("$RECYCLE.BIN/a.jpg", "$RECYCLE.BIN"),  # Windows
    (".Trash-1000/files/a.jpg", ".Trash-1000"),  # Linux
    (".cache/huggingface/a.txt", ".cache"),
    ("cats/.hidden.jpg", ".hidden.jpg"),
    ("cats/.jpg", ".jpg"),
    ("cats/a.jpg_original", "a.jpg_original"),  # exiftool
    ("cats/a.jpg~", "a.jpg~"),  # an editor
    ("cats/._a.jpg", ""),  # macOS, on a disk that is not its own
    ("__MACOSX/cats/a.jpg", ""),  # the same in a ZIP
    ("cats/Thumbs.db", ""),
    ("cats/desktop.ini", ""),
    ("cats/a.jpg:Zone.Identifier", ""),  # Windows, seen from Linux
    (".git/objects/a.jpg", ""),
    (".DS_Store", ""),
]


@pytest.mark.parametrize(("path", "named"), LEFT_BEHIND)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_what_tools_leave_behind_is_neither_class_nor_image(tmp_path: Path, path: str, named: str, kind: str) -> None:
    files = {"cats/a.jpg": jpeg(), path: jpeg(seed=1)}
    write(tmp_path / "set", files)
    (tmp_path / "set.zip").write_bytes(zipped(files))
    gathered = gather([tmp_path / ("set" if kind == "folder" else "set.zip")], LIMITS)
    assert [(source.path, source.label) for source in gathered.sources] == [("cats/a.jpg", "cats")]
    assert gathered.failures == ()
    said = f"Skipped hidden files, and files and folders that tools leave behind: {named}"
    assert gathered.notices == ((said,) if named else ())


def test_a_hidden_image_that_is_named_is_meant(tmp_path: Path) -> None:
    write(tmp_path, {".hidden.jpg": jpeg(), ".set/a.jpg": jpeg(seed=1)})
    assert paths(gather([tmp_path / ".hidden.jpg"], LIMITS)) == [".hidden.jpg"]
    assert paths(gather([tmp_path / ".set"], LIMITS)) == ["a.jpg"]


@pytest.mark.parametrize("name", ["a b.jpg", "ねこ é.jpg", "x" * 196 + ".jpg", "y" * 246 + ".jpg", "a.JPEG"])
def test_unusual_names_are_kept(tmp_path: Path, name: str) -> None:
    write(tmp_path / "set", {f"class/{name}": jpeg()})
    assert paths(gather([tmp_path / "set"], LIMITS)) == [f"class/{name}"]
    (tmp_path / "set.zip").write_bytes(zipped({f"class/{name}": jpeg()}))
    assert paths(gather([tmp_path / "set.zip"], LIMITS)) == [f"class/{name}"]


def test_names_of_undecodable_bytes(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe.jpg"
    with open(raw, "wb") as file:
        file.write(jpeg())
    (path,) = paths(gather([tmp_path], LIMITS))
    assert path == "_udcff_udcfe.jpg"
    assert path.encode()


def test_a_backslash_in_a_real_name_is_not_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {"a\\..\\a.jpg": jpeg(), "b\\c.jpg": jpeg(seed=1)})
    assert paths(gather([tmp_path], LIMITS)) == ["a_.._a.jpg", "b_c.jpg"]


class TestNothingToDo:
    def test_no_input(self) -> None:
        gathered = gather([], LIMITS)
        assert gathered == Gathered((), (), ("No input: name at least one image, folder or ZIP",))

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        gathered = gather([tmp_path / "gone.jpg", "", "  ", "a" * 5000, "nul\0byte.jpg", 5, None], LIMITS)  # type: ignore[list-item]
        assert gathered.sources == ()
        assert len(gathered.failures) == 7
        assert reasons(gathered)["gone.jpg"] == "no such file or folder"
        assert "the name is empty" in reasons(gathered)["(no name)"]
        assert "is not a file" in reasons(gathered)["None"]

    def test_a_folder_and_a_zip_without_images(self, tmp_path: Path) -> None:
        write(tmp_path / "empty", {"notes.txt": b"x"})
        (tmp_path / "a.zip").write_bytes(zipped({"notes.txt": b"x"}))
        (tmp_path / "b.zip").write_bytes(zipped({}))
        gathered = gather([tmp_path / "empty", tmp_path / "a.zip", tmp_path / "b.zip"], LIMITS)
        assert reasons(gathered) == {
            "empty": "there is no image in this folder",
            "a.zip": "there is no image in this ZIP",
            "b.zip": "there is no image in this ZIP",
        }

    def test_links_that_lead_nowhere(self, tmp_path: Path) -> None:
        (tmp_path / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
        (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
        alone, within = gather([tmp_path / "broken.jpg", tmp_path / "loop.jpg"], LIMITS), gather([tmp_path], LIMITS)
        for gathered in (alone, within):
            assert reasons(gathered)["broken.jpg"] == "a link to a file that does not exist"
            assert "cannot be read" in reasons(gathered)["loop.jpg"]

    def test_linked_folders_are_said(self, tmp_path: Path) -> None:
        write(tmp_path / "set", {"a.jpg": jpeg()})
        (tmp_path / "set" / "round").symlink_to(tmp_path / "set")
        gathered = gather([tmp_path / "set"], LIMITS)
        assert paths(gathered) == ["a.jpg"]
        assert gathered.notices[0] == "Linked folders are not searched; name them separately: round"

    def test_pipes_and_sockets_are_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.jpg")
        os.mkfifo(tmp_path / "pipe")
        os.mkfifo(tmp_path / "pipe.zip")
        with socket.socket(socket.AF_UNIX) as listening:
            here = os.getcwd()
            os.chdir(tmp_path)  # the path of a socket must be short
            listening.bind("socket.jpg")
            os.chdir(here)
            result: list[Gathered] = []
            inputs = [tmp_path, tmp_path / "pipe.jpg", tmp_path / "pipe.zip", "/dev/zero"]
            worker = threading.Thread(target=lambda: result.append(gather(inputs, LIMITS)), daemon=True)
            worker.start()
            worker.join(20)
            assert result, "still waiting for a pipe"
        assert all("a device or a pipe" in reason for reason in reasons(result[0]).values())
        assert set(reasons(result[0])) == {"pipe.jpg", "pipe.zip", "socket.jpg", "zero"}

    def test_what_may_not_be_read(self, open_folder: Path) -> None:
        write(
            open_folder, {"locked.jpg": jpeg(), "fine.jpg": jpeg(seed=1), "locked/a.jpg": jpeg(), "locked.zip": b"PK"}
        )
        for name in ("locked.jpg", "locked", "locked.zip"):
            (open_folder / name).chmod(0)
        with as_nobody():
            within = gather([open_folder], LIMITS)
            alone = gather(
                [open_folder / "locked.jpg", open_folder / "locked.zip", open_folder / "locked/a.jpg"], LIMITS
            )
        for name in ("locked", "locked.jpg", "locked.zip"):
            (open_folder / name).chmod(0o755)
        assert paths(within) == ["fine.jpg"]
        assert "Permission denied" in reasons(within)["locked.jpg"]
        assert "check the file and its permissions" in reasons(within)["locked"]  # the folder: it may hold pictures
        assert set(reasons(alone)) == {"locked.jpg", "locked.zip", "a.jpg"}
        assert all("Permission denied" in reason for reason in reasons(alone).values())

    def test_a_folder_called_a_jpg(self, tmp_path: Path) -> None:
        write(tmp_path, {"set/a.jpg/b.jpg": jpeg(), "none.jpg/notes.txt": b"x"})
        assert paths(gather([tmp_path / "set"], LIMITS)) == ["a.jpg/b.jpg"]
        assert paths(gather([tmp_path / "set" / "a.jpg"], LIMITS)) == ["b.jpg"]
        assert reasons(gather([tmp_path / "none.jpg"], LIMITS)) == {"none.jpg": "there is no image in this folder"}


def test_too_large_a_file(tmp_path: Path) -> None:
    with (tmp_path / "big.jpg").open("wb") as file:
        file.truncate(2_500_000_000)  # takes no room on the disk
    (tmp_path / "big.zip").write_bytes(zipped({"big.jpg": b"\0" * 1_000_001, "a.jpg": jpeg()}))
    gathered = gather(
        [tmp_path / "big.jpg", tmp_path / "big.zip", Source("given.jpg", None, "0", 10**7, bytes)], LIMITS
    )
    assert paths(gathered) == ["a.jpg"]
    assert [failure.file for failure in gathered.failures] == ["big.jpg", "big.jpg", "given.jpg"]
    assert "2.5 GB is over the limit of 1.0 MB per file (AUGMENTAI_MAX_FILE_MB); make it smaller" in {
        f.reason for f in gathered.failures
    }


def test_too_many_files(tmp_path: Path) -> None:
    write(tmp_path, {f"{i}.jpg": jpeg(seed=i) for i in range(5)})
    gathered = gather([tmp_path], Limits(10**6, 10**6, files=3))
    assert len(gathered.sources) == 3
    assert len(gathered.failures) == 2
    assert set(reasons(gathered).values()) == {
        "over the limit of 3 images per job (AUGMENTAI_MAX_FILES); split them into several jobs"
    }


class TestReadyMadeSources:
    def test_their_paths_cannot_lead_out(self) -> None:
        given = [Source.from_bytes(path, jpeg()) for path in ("../a.jpg", "/etc/a.jpg", "C:\\a.jpg", "ok/../../a.jpg")]
        gathered = gather([*given, Source.from_bytes("fine\n/b.jpg", jpeg(), "birds")], LIMITS)
        assert paths(gathered) == ["fine_/b.jpg"]
        assert gathered.sources[0].label == "birds"
        assert len(gathered.failures) == 4
        assert all("points outside the folder; skipped" in failure.reason for failure in gathered.failures)

    def test_whatever_their_read_does_is_an_os_error(self) -> None:
        def read() -> bytes:
            raise KeyError("gone")

        def text() -> bytes:
            return "text"  # type: ignore[return-value]

        for one, words in ((read, "KeyError: 'gone'"), (text, "returned str")):
            (source,) = gather([Source("a.jpg", None, "0" * 64, 5, one)], LIMITS).sources
            with pytest.raises(OSError, match=words):
                source.read()


class TestChangedWhileTheJobRan:
    def test_a_file(self, tmp_path: Path) -> None:
        write(tmp_path, {"a.jpg": jpeg(), "b.jpg": jpeg(seed=1), "c.jpg": jpeg(seed=2)})
        a, b, c = gather([tmp_path], LIMITS).sources
        (tmp_path / "a.jpg").write_bytes(jpeg(seed=7))
        (tmp_path / "b.jpg").unlink()
        with (tmp_path / "c.jpg").open("ab") as file:
            file.truncate(3_000_000_000)
        for source, words in ((a, "was changed while"), (b, "No such file"), (c, "was changed while")):
            with pytest.raises(OSError, match=words) as caught:
                source.read()
            assert str(tmp_path) not in str(caught.value)

    def test_a_zip(self, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(zipped({"a.jpg": os.urandom(300_000)}))
        (source,) = gather([tmp_path / "a.zip"], LIMITS).sources
        with (tmp_path / "a.zip").open("r+b") as file:
            file.truncate(100_000)
        with pytest.raises(OSError, match="the ZIP was changed while the job was running"):
            source.read()


def test_open_files_do_not_grow_with_the_images(tmp_path: Path) -> None:
    write(tmp_path, {f"{i}.jpg": jpeg(seed=i) for i in range(30)})
    (tmp_path / "all.zip").write_bytes(zipped({f"z{i}.jpg": jpeg(seed=i) for i in range(30)}))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    gathered = gather([tmp_path, tmp_path / "all.zip"], LIMITS)
    for source in gathered.sources:
        source.read()
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + 1  # the ZIP


def test_a_very_deep_path(tmp_path: Path) -> None:
    deep = "/".join(["folder"] * 160)
    (tmp_path / "in.zip").write_bytes(zipped({f"{deep}/a.jpg": jpeg(), "b.jpg": jpeg()}))
    gathered = gather([tmp_path / "in.zip"], LIMITS)
    assert paths(gathered) == ["b.jpg"]
    assert "is longer than 1000 bytes; shorten it" in gathered.failures[0].reason
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(
    ("folders", "count"),
    [
        (("ratio 1:2", "ratio 1?2"), 2),  # characters that Windows forbids
        (("etc", "etc."), 2),  # a dot at the end, which it drops
        (("a:b", "a_b"), 2),
        (("train/a:b", "val/a?b"), 2),
        (("cats", "dogs"), 2),
        (("a:b", "a:b/c"), 2),
    ],
)
def test_classes_stay_apart_though_their_safe_names_are_the_same(
    folders: tuple[str, ...], count: int, tmp_path: Path
) -> None:
    for folder in folders:
        for i in range(2):
            (tmp_path / "in" / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / folder / f"{i}.png").write_bytes(png((8, 8), seed=i))
    found = gather([tmp_path / "in"], LIMITS)
    sources = (*found.sources, *found.holdout)
    assert len({source.label for source in sources}) == count
    assert len({source.path.rpartition("/")[0] for source in sources}) == len(folders)
    assert all(len([one for one in sources if one.label == source.label]) == 2 for source in sources)
    assert [source.path for source in gather([tmp_path / "in"], LIMITS).sources] == paths(found)
