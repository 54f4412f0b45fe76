"""ImageFolder's metadata files: broken ones are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.plurals import counted
from tests.support.coco_files import photos
from tests.support.image_files import jpeg, zipped
from tests.support.labelled_sets import augmented, contents, gathered, imagefolder, write

LABELS = {"a0.jpg": "cat", "a1.jpg": "dog"}


@pytest.mark.parametrize(
    ("name", "text", "made"),
    [
        ("metadata.csv", "file_name,label\na0.jpg,cat\na1.jpg,dog\n", "a1__v1.jpg,dog\n"),
        ("metadata.csv", "\ufefffile_name,label\r\na0.jpg,cat\r\na1.jpg,dog\r\n", "a1__v1.jpg,dog\n"),
        # What a spreadsheet writes where the comma is for decimals, and what a terminal writes.
        ("metadata.csv", "file_name;label\na0.jpg;cat\na1.jpg;dog\n", "a1__v1.jpg;dog\n"),
        ("metadata.csv", "file_name\tlabel\na0.jpg\tcat\na1.jpg\tdog\n", "a1__v1.jpg\tdog\n"),
        ("metadata.csv", "file_name|label\na0.jpg|cat\na1.jpg|dog\n", "a1__v1.jpg|dog\n"),
        ("metadata.csv", "file_name, label\na0.jpg, cat\na1.jpg, dog\n", "a1__v1.jpg,dog\n"),
        ("metadata.csv", 'label;file_name\n"cat";"a0.jpg"\ndog;a1.jpg\n', "dog;a1__v1.jpg\n"),
        # Other names of the column, which keeps its name.
        ("metadata.csv", "File_Name,Label\na0.jpg,cat\na1.jpg,dog\n", "a1__v1.jpg,dog\n"),
        ("Metadata.CSV", "filename,label\na0.jpg,cat\na1.jpg,dog\n", "a1__v1.jpg,dog\n"),
        ("metadata.csv", "label,image\ncat,a0.jpg\ndog,a1.jpg\n", "dog,a1__v1.jpg\n"),
        # The numbers of rows that pandas adds go on.
        ("metadata.csv", ",file_name,label\n0,a0.jpg,cat\n1,a1.jpg,dog\n", "3,a1__v1.jpg,dog\n"),
        ("metadata.csv", "index,file_name,label\n7,a0.jpg,cat\n9,a1.jpg,dog\n", "11,a1__v1.jpg,dog\n"),
        # A number that rows share is no number of rows.
        ("metadata.csv", "index,file_name,label\n7,a0.jpg,cat\n7,a1.jpg,dog\n", "7,a1__v1.jpg,dog\n"),
        # Names in another case, of another machine, without an ending; empty lines.
        ("metadata.csv", "file_name,label\nA0.JPG,cat\n/data/x/a1.jpg,dog\n", "a1__v1.jpg,dog\n"),
        ("metadata.csv", "file_name,label\nC:\\x\\a0.jpg,cat\n./a1.jpg,dog\n", "a1__v1.jpg,dog\n"),
        ("metadata.csv", "file_name,label\n\na0,cat\na1,dog\n\n", "a1__v1.jpg,dog\n"),
        (
            "metadata.jsonl",
            '{"file_name": "a0.jpg", "label": "cat"}\n\n{"image": 5, "file_name": "a1.jpg", "label": "dog"}\n',
            '{"image": 5, "file_name": "a1__v1.jpg", "label": "dog"}\n',
        ),
        (
            "metadata.jsonl",
            '{"image": "a0.jpg", "label": "cat", "index": 0}\r\n{"image": "a1.jpg", "label": "dog", "index": 1}\r\n',
            '{"image": "a1__v1.jpg", "label": "dog", "index": 3}\n',
        ),
        # Characters within a text at which Python would split lines.
        (
            "metadata.jsonl",
            '{"file_name": "a0.jpg", "label": "cat", "text": "\u2028 \x85"}\n{"file_name": "a1.jpg", "label": "dog"}\n',
            '{"file_name": "a1__v1.jpg", "label": "dog"}\n',
        ),
    ],
)
def test_what_tools_write(name: str, text: str, made: str, tmp_path: Path) -> None:
    """Each row meets its image, and a variation has a row in the same form."""
    given = write(tmp_path / "in", photos("a0.jpg", "a1.jpg") | {name: text.encode()})
    found = gathered(given)
    assert (found.layout.name, found.notices, found.failures) == ("imagefolder", (), ())
    assert {source.path: source.label for source in found.sources} == LABELS
    augmented([given], tmp_path / "out", variations=1)
    lines = contents(tmp_path / "out")[name].decode().removeprefix("\ufeff").splitlines(keepends=True)
    assert lines[-1] == made
    again = gathered(tmp_path / "out")
    assert {source.path: source.label for source in again.sources} == LABELS | {
        path.replace(".jpg", "__v1.jpg"): label for path, label in LABELS.items()
    }


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_rows_without_their_image_are_named(ending: str, tmp_path: Path) -> None:
    rows = [("a0.jpg", "cat"), ("b2.jpg", "cat"), ("b3.jpg", "dog")]
    text = "file_name,label\n" + "".join(f"{name},{label}\n" for name, label in rows)
    if ending == "jsonl":
        text = "".join(f'{{"file_name": "{name}", "label": "{label}"}}\n' for name, label in rows)
    files = photos("a0.jpg", "a1.jpg") | {f"metadata.{ending}": text.encode()}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert job.gathered.notices == (
        f"metadata.{ending}: 2 rows (b2.jpg, b3.jpg) left out, since the images that they name are missing",
        "1 image (a1.jpg) without labels: no row of the metadata names them",
    )
    written = contents(tmp_path / "out")[f"metadata.{ending}"].decode()
    assert ("b2" in written, "a0__v1" in written) == (False, True)


@pytest.mark.parametrize(
    ("kind", "text", "message", "skipped"),
    [
        ("csv", b"file_name,text\none.jpg\n", "train/metadata.csv, line 2: expected 2 values, one per column", 3),
        ("csv", b"file_name,text\none.jpg,a\nempty.jpg,b,c\n", "train/metadata.csv, line 3: expected 2 values", 2),
        ("jsonl", b'{"file_name": "one.jpg"}\n{"file_name": \n', "train/metadata.jsonl, line 2: not valid JSON", 2),
        ("jsonl", b'{"name": "one.jpg"}\n', "train/metadata.jsonl, line 1: no file_name", 3),
        ("jsonl", b'{"file_name": null}\n', "train/metadata.jsonl, line 1: no file_name in {'file_name': None}", 3),
        ("jsonl", b"5\n" + b"[" * 100_000, "train/metadata.jsonl, line 2: not valid JSON (it is nested too deeply)", 3),
        ("jsonl", b"9" * 5000, "train/metadata.jsonl, line 1: not valid JSON (a number has too many digits)", 3),
    ],
)
def test_broken_metadata(kind: str, text: bytes, message: str, skipped: int, tmp_path: Path) -> None:
    """A line costs its own image; since nobody knows which that is, images without a row are skipped."""
    found = gathered(write(tmp_path / "in", imagefolder(kind) | {f"train/metadata.{kind}": text}))
    assert message in found.failures[-1].reason
    assert f"skipped {counted(skipped, 'image')}, since their metadata is broken" in found.notices


def test_the_same_file_in_two_zips_becomes_one(tmp_path: Path) -> None:
    """Readers look for metadata.csv and for nothing else."""
    tables = ("file_name,label\na.jpg,cat\n", "filename,note\na.jpg,second\n")
    for number, table in enumerate(tables):
        files = {"a.jpg": jpeg(seed=number), "metadata.csv": table.encode()}
        (tmp_path / f"{number}.zip").write_bytes(zipped(files))
    job = augmented([tmp_path / "0.zip", tmp_path / "1.zip"], tmp_path / "out", variations=1)
    found = contents(tmp_path / "out")
    images = {name for name in found if name.endswith(".jpg")}
    lines = found["metadata.csv"].decode().splitlines()
    assert lines[0] == "file_name,label,note"
    assert {line.split(",")[0] for line in lines[1:]} == images
    assert sorted(line.partition(",")[2] for line in lines[1:]) == [",second", ",second", "cat,", "cat,"]
    assert len(images) == 4
    assert not job.report.failures
