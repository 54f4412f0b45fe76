"""Whatever is thrown at it: a clear line for that file, the others done, nothing overwritten or written elsewhere.

Each case goes the whole way: files on a disk, the real local GAN, a folder and a ZIP out.
"""

from __future__ import annotations

import json
import os
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai import augment
from augmentai.dataset.manifest import OWN_FILES
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.base import writer_for
from augmentai.engines.gan import GanEngine
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source
from tests.conftest import as_nobody
from tests.support import image_files as makers
from tests.support.image_files import SIZE_WH, colours, encoded, jpeg, png, zipped

GOOD = "good.jpg"
RECIPE = Recipe(seed=3, engine="gan", variations=1)


@dataclass
class Result:
    """What one run came to: its report, and what lies in the output folder."""

    report: dict[str, Any]
    files: list[str]
    lines: list[dict[str, Any]]
    outcomes: list[Outcome] = field(repr=False)

    @property
    def reasons(self) -> dict[str, str]:
        return {row["file"]: row["reason"] for row in self.report["failures"]}


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file into the folder of what is given in."""

    def put(name: str, data: bytes = b"") -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return put


@pytest.fixture
def run(tmp_path: Path, settings: Settings, gan: GanEngine) -> Callable[..., Result]:
    """Does a job, into a folder, and checks what must be true of every job."""

    def run(*inputs: Any, recipe: Recipe = RECIPE, settings: Settings = settings) -> Result:
        before = sorted(path for path in tmp_path.rglob("*"))
        out = tmp_path / f"out{len(list(tmp_path.glob('out*')))}"
        job = Job(gather(list(inputs), limits(settings)), recipe, settings, [gan])
        outcomes = []
        with writer_for(out) as writer:
            for outcome in job.run():
                writer.add(outcome)
                outcomes.append(outcome)
        assert sorted(path for path in tmp_path.rglob("*") if out not in path.parents and path != out) == before
        lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text("utf-8").splitlines()]
        files = sorted(
            p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and p.name != "manifest.jsonl"
        )
        report = job.report.as_dict()
        assert json.loads(json.dumps(report)) == report
        assert sorted(line["file"] for line in lines if line["status"] == "ok") == files
        assert report["variations"] == len(files)
        assert all(line["reason"] for line in lines if line["status"] == "failed")
        assert {line["source"] for line in lines if line["status"] == "failed"} == {
            r["file"] for r in report["failures"]
        }
        assert not report["stopped"]
        for row in report["failures"]:
            assert "Traceback" not in row["reason"]
            assert "please report" not in row["reason"]  # what a fault of our own says
            assert str(tmp_path) not in row["reason"]
        return Result(report, files, lines, outcomes)

    return run


BAD_FILES = [
    ("empty.jpg", b"", "the file is empty (0 bytes)"),
    ("text.jpg", b"These are words.\n" * 9, "not an image: the file contains text"),
    (
        "page.jpg",
        b"<!doctype html><html><body>Not found</body></html>",
        "the file is a web page; save the image itself",
    ),
    ("truncated.jpg", jpeg((200, 150))[:3000], "the file is corrupt or truncated"),
    ("truncated.png", png((200, 150))[:3000], "the file is corrupt or truncated"),
    ("header only.png", png()[:33], "the file is corrupt or truncated"),
    (
        "bomb.png",
        makers.png_claiming(100_000, 100_000),
        "10000.0 megapixels; the limit is 50 (AUGMENTAI_MAX_MEGAPIXELS); downscale it",
    ),
    (
        "large.png",
        makers.png_claiming(9000, 6000),
        "9000x6000 is 54.0 megapixels; the limit is 50 (AUGMENTAI_MAX_MEGAPIXELS); downscale it",
    ),
    ("pixel.png", png((1, 1)), "1x1 pixels is too small to augment; the minimum is 8x8"),
    ("line.png", png((1, 5000)), "1x5000 pixels is too small to augment; the minimum is 8x8"),
    (
        "drawing.svg",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "SVG is a vector drawing; export it as PNG",
    ),
    ("drawing.png", b"<?xml version='1.0'?>\n<svg/>", "SVG is a vector drawing; export it as PNG"),
    ("archive.jpg", zipped({"a.jpg": jpeg()}), "not an image: the file is a ZIP archive; rename it to end in .zip"),
    ("paper.jpg", b"%PDF-1.7\n%\xe2\xe3", "not an image: the file is a PDF"),
    ("camera.nef", encoded(colours(), "TIFF"), "camera RAW is not supported; export it as JPEG or TIFF first"),
    ("noise.jpg", bytes(range(256)) * 8, "not an image that can be read; use JPEG"),
]


@pytest.mark.parametrize(("name", "data", "reason"), BAD_FILES, ids=[name for name, _, _ in BAD_FILES])
def test_a_file_that_cannot_be_used(
    put: Callable[..., Path], run: Callable[..., Result], name: str, data: bytes, reason: str
) -> None:
    result = run(put(name, data), put(GOOD, jpeg()))
    assert result.files == ["good__v1.jpg"]
    assert list(result.reasons) == [name]
    assert reason in result.reasons[name]
    assert (result.report["sources"], result.report["failed"]) == (2, 1)


def test_all_of_them_at_once_alone_in_a_folder_and_in_a_zip(
    put: Callable[..., Path], run: Callable[..., Result], tmp_path: Path
) -> None:
    for name, data, _ in BAD_FILES:
        put(f"set/cats/{name}", data)
    put(f"set/cats/{GOOD}", jpeg())
    from_folder = run(tmp_path / "in" / "set")
    bundle = put("set.zip", zipped({f"cats/{name}": data for name, data, _ in BAD_FILES} | {f"cats/{GOOD}": jpeg()}))
    from_zip = run(bundle)
    assert from_folder.files == from_zip.files == ["cats/good__v1.jpg"]
    assert from_folder.reasons == from_zip.reasons
    assert len(from_folder.reasons) == len(BAD_FILES)
    assert all(reason in from_folder.reasons[f"cats/{name}"] for name, _, reason in BAD_FILES)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("moving.gif", makers.frames("GIF")),
        ("moving.webp", makers.frames("WEBP")),
        ("moving.png", makers.frames("PNG")),
        ("moving.avif", makers.frames("AVIF")),
        ("pages.tif", makers.frames("TIFF")),
    ],
)
def test_the_first_frame_of_an_animation_is_used_and_this_is_reported(
    put: Callable[..., Path], run: Callable[..., Result], name: str, data: bytes
) -> None:
    result = run(put(name, data))
    assert len(result.files) == 1
    assert result.report["failed"] == 0
    assert any(
        notice.startswith(f"{name}: multiple") and "only the first was used" in notice
        for notice in result.report["notices"]
    )
    assert "only the first was used" in result.lines[0]["notices"][0]


@pytest.mark.parametrize(("name", "file_format"), [("a.heic", "HEIF"), ("a.avif", "AVIF"), ("a.HIF", "HEIF")])
def test_heic_and_avif_are_read(
    put: Callable[..., Path], run: Callable[..., Result], name: str, file_format: str
) -> None:
    result = run(put(name, encoded(colours(), file_format)))
    assert result.files == ["a__v1.jpg"]
    assert result.report["failures"] == []


@pytest.mark.parametrize(
    ("name", "data", "made"),
    [
        ("really a png.jpg", png(), "really a png__v1.png"),
        ("really a jpeg.PNG", jpeg(), "really a jpeg__v1.jpg"),
        ("no ending", jpeg(), "no ending__v1.jpg"),
        ("picture.zip", png(), "picture__v1.png"),
        ("picture.txt", png(), "picture.txt__v1.png"),
        ("a.tiff", encoded(colours(), "TIFF"), "a__v1.tiff"),
        ("a.bmp", encoded(colours(), "BMP"), "a__v1.png"),
        (".hidden.jpg", jpeg(), ".hidden__v1.jpg"),
    ],
)
def test_a_name_that_says_something_else(
    put: Callable[..., Path], run: Callable[..., Result], tmp_path: Path, name: str, data: bytes, made: str
) -> None:
    """What is written is called what it is."""
    result = run(put(name, data))
    assert result.files == [made]
    with Image.open(tmp_path / "out0" / made) as picture:
        assert picture.format == {".jpg": "JPEG", ".png": "PNG", ".tiff": "TIFF"}[Path(made).suffix]


@pytest.mark.parametrize(
    "name",
    [
        "with spaces and, commas.jpg",
        "ねこ 🐈 é.jpg",
        unicodedata.normalize("NFD", "Ångström é.jpg"),
        "x" * 196 + ".jpg",
        "y" * 246 + ".jpg",
        "ね" * 80 + ".jpg",
        "- starts with a dash.jpg",
        "quote ' and \" and %.jpg",
    ],
)
def test_unusual_names(put: Callable[..., Path], run: Callable[..., Result], name: str) -> None:
    result = run(put(f"class one/{name}", jpeg()), put("other/b.jpg", jpeg(seed=1)))
    assert result.report["failed"] == 0
    assert len(result.files) == 2
    folder = run(put(f"class one/{name}", jpeg()).parents[1])
    assert any(line["source"].startswith("class one/") and line["label"] == "class one" for line in folder.lines)


def test_two_files_with_one_name(put: Callable[..., Path], run: Callable[..., Result]) -> None:
    first, second, again = put("x/a.jpg", jpeg(seed=1)), put("y/a.jpg", jpeg(seed=2)), put("z/a.jpg", jpeg(seed=1))
    result = run(first, second, again, recipe=Recipe(seed=3, engine="gan", variations=2))
    assert len(result.files) == 4
    assert {"a__v1.jpg", "a__v2.jpg"} < set(result.files)
    assert len({line["source_sha256"] for line in result.lines}) == 2
    assert any("given more than once" in notice for notice in result.report["notices"])
    assert run(again, second, first, first, recipe=Recipe(seed=3, engine="gan", variations=2)).files == result.files


def test_twins_but_for_case(put: Callable[..., Path], run: Callable[..., Result]) -> None:
    """On a Mac or on Windows the second would land on the first."""
    result = run(put("set.zip", zipped({"A.jpg": jpeg(seed=1), "a.jpg": jpeg(seed=2), "a.JPG": jpeg(seed=3)})))
    assert len({name.casefold() for name in result.files}) == 3


def test_accents_in_two_forms(put: Callable[..., Path], run: Callable[..., Result]) -> None:
    names = [unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD")]
    result = run(put("set.zip", zipped({name: jpeg(seed=i) for i, name in enumerate(names)})))
    assert len({unicodedata.normalize("NFC", name) for name in result.files}) == 2


def test_names_in_a_zip_that_lead_elsewhere(
    put: Callable[..., Path], run: Callable[..., Result], tmp_path: Path
) -> None:
    target = tmp_path / "outside.jpg"
    bad = [
        "../outside.jpg",
        "../../../outside.jpg",
        str(target),
        "C:\\outside.jpg",
        "..\\outside.jpg",
        "\\\\h\\s\\o.jpg",
    ]
    result = run(
        put("set.zip", zipped([*((name, jpeg()) for name in bad), ("a\x00.jpg", jpeg()), ("b\n\x07.jpg", png())]))
    )
    assert result.files == ["a__v1.jpg", "b____v1.png"] or result.files == ["b____v1.png"]
    assert set(bad) <= set(result.reasons)
    assert all("points outside the folder; skipped" in result.reasons[name] for name in bad)
    assert not target.exists()


def test_sources_from_a_script_that_lead_elsewhere(run: Callable[..., Result]) -> None:
    result = run(Source.from_bytes("../a.jpg", jpeg()), Source.from_bytes("cats/b.jpg", jpeg(), "cats"))
    assert result.files == ["cats/b__v1.jpg"]
    assert "points outside the folder" in result.reasons["../a.jpg"]


ZIPS: list[tuple[str, bytes, str, str]] = [
    (
        "huge entry",
        zipped({"bomb.jpg": b"\0" * 120_000_000, GOOD: jpeg()}, zipfile.ZIP_DEFLATED),
        "bomb.jpg",
        "120.0 MB is over the limit of 100.0 MB per file",
    ),
    (
        "lying size",
        makers.zip_claiming(zipped({"bomb.jpg": b"\0" * 9_000_000}, zipfile.ZIP_DEFLATED), 10_000),
        "bomb.jpg",
        "corrupt inside",
    ),
    ("overlap", makers.zip_overlapping("a.jpg", b"\0" * 10**6, 500), "in.zip", "its entries overlap, as in a ZIP bomb"),
    (
        "password",
        makers.zip_with_flags(zipped({"a.jpg": jpeg()}), 1),
        "a.jpg",
        "encrypted with a password; remove the password first",
    ),
    ("LZMA", zipped({"a.jpg": jpeg()}, zipfile.ZIP_LZMA), "a.jpg", "compressed with LZMA, which is not supported"),
    ("Deflate64", makers.zip_with_method(zipped({"a.jpg": jpeg()}), 9), "a.jpg", "compressed with Deflate64"),
    ("no picture", zipped({"notes.txt": b"x", "inner.zip": zipped({})}), "in.zip", "no image in this ZIP"),
    ("text", b"not a ZIP at all", "in.zip", "not a readable ZIP"),
    ("truncated", zipped({"a.jpg": jpeg()})[:-30], "in.zip", "not a readable ZIP"),
    ("empty file", b"", "in.zip", "not a readable ZIP"),
]


@pytest.mark.parametrize(("what", "data", "file", "reason"), ZIPS, ids=[what for what, _, _, _ in ZIPS])
def test_zips_that_are_broken_or_bombs(
    put: Callable[..., Path], run: Callable[..., Result], what: str, data: bytes, file: str, reason: str
) -> None:
    result = run(put("in.zip", data), put("apart.jpg", jpeg(seed=1)))
    assert "apart__v1.jpg" in result.files
    assert reason in result.reasons[file]
    assert ("good__v1.jpg" in result.files) == (what == "huge entry")


def test_a_zip_of_too_much_in_all(put: Callable[..., Path], run: Callable[..., Result]) -> None:
    bomb = zipped({f"{i}.jpg": b"\0" * 2_000_000 for i in range(10)}, zipfile.ZIP_DEFLATED)
    result = run(put("in.zip", bomb), put(GOOD, jpeg()), settings=Settings(max_zip_gb=0.01))
    assert result.reasons == {
        "in.zip": "would extract to 20.0 MB; the limit is 10.0 MB (AUGMENTAI_MAX_ZIP_GB); split it"
    }
    assert result.files == ["good__v1.jpg"]


def test_zip64_is_read(put: Callable[..., Path], run: Callable[..., Result], tmp_path: Path) -> None:
    path = put("in.zip")
    with zipfile.ZipFile(path, "w") as archive, archive.open("cats/a.jpg", "w", force_zip64=True) as entry:
        entry.write(jpeg())
    assert run(path).files == ["cats/a__v1.jpg"]


class TestNothingToWorkOn:
    def test_nothing_at_all(self, run: Callable[..., Result]) -> None:
        result = run()
        assert (result.files, result.lines) == ([], [])
        assert (result.report["sources"], result.report["variations"]) == (0, 0)
        assert result.report["notices"] == ["No input: name at least one image, folder or ZIP"]

    def test_an_empty_folder(self, put: Callable[..., Path], run: Callable[..., Result]) -> None:
        folder = put("set/notes.txt", b"x").parent
        assert run(folder).reasons == {"set": "there is no image in this folder"}

    def test_what_is_not_there(self, run: Callable[..., Result], tmp_path: Path) -> None:
        (tmp_path / "link.jpg").symlink_to("gone.jpg")
        result = run(tmp_path / "gone.jpg", tmp_path / "link.jpg", "", "x" * 5000)
        assert result.reasons["gone.jpg"] == "no such file or folder"
        assert result.reasons["link.jpg"] == "a link to a file that does not exist"
        assert result.report["failed"] == 4

    def test_only_bad_files(self, put: Callable[..., Path], run: Callable[..., Result]) -> None:
        result = run(*(put(name, data) for name, data, _ in BAD_FILES))
        assert result.files == []
        assert result.report["failed"] == result.report["sources"] == len(BAD_FILES)

    def test_a_folder_called_a_jpg(self, put: Callable[..., Path], run: Callable[..., Result]) -> None:
        put("set/a.jpg/b.jpg", jpeg())
        put("set/a__v1.jpg/c.jpg", jpeg(seed=1))
        folder = put("set/a.png", png()).parent
        result = run(folder)
        assert result.report["failed"] == 0
        assert len(result.files) == 3

    def test_a_folder_called_as_the_manifest(self, put: Callable[..., Path], run: Callable[..., Result]) -> None:
        folder = put("set/manifest.jsonl/a.jpg", jpeg()).parents[1]
        assert run(folder).files == ["_manifest.jsonl/a__v1.jpg"]

    def test_what_may_not_be_read(self, settings: Settings, gan: GanEngine, open_folder: Path) -> None:
        (open_folder / "locked.jpg").write_bytes(jpeg())
        (open_folder / GOOD).write_bytes(jpeg(seed=1))
        (open_folder / "locked.jpg").chmod(0)
        with as_nobody():
            gathered = gather([open_folder], limits(settings))
        outcomes = list(Job(gathered, RECIPE, settings, [gan]).run())
        assert [(o.source.path, o.ok) for o in outcomes] == [("locked.jpg", False), (GOOD, True)]
        assert "Permission denied" in outcomes[0].reason
        assert "check the file and its permissions" in outcomes[0].reason


def test_files_that_disappear_or_change_while_it_works(
    put: Callable[..., Path], settings: Settings, gan: GanEngine
) -> None:
    paths = [put(f"{i}.jpg", jpeg(seed=i)) for i in range(3)]
    gathered = gather(paths, limits(settings))
    paths[0].unlink()
    paths[1].write_bytes(jpeg(seed=9))
    outcomes = {o.source.path: o for o in Job(gathered, RECIPE, settings, [gan]).run()}
    assert outcomes["0.jpg"].reason == "cannot be read (No such file or directory); check the file and its permissions"
    assert outcomes["1.jpg"].reason == "the file was changed while the job was running; run it again"
    assert outcomes["2.jpg"].ok


def test_augment_takes_bad_files_without_raising(put: Callable[..., Path], tmp_path: Path) -> None:
    inputs: list[Any] = [put(name, data) for name, data, _ in BAD_FILES]
    inputs += [str(put("in.zip", zipped({"../x.jpg": jpeg(), "b.jpg": jpeg()}))), "", tmp_path / "gone"]
    outcomes = list(augment([*inputs, Source.from_bytes("mine.png", png())], RECIPE))
    assert sorted(o.variation.file for o in outcomes if o.variation) == ["b__v1.jpg", "mine__v1.png"]
    assert all(o.reason for o in outcomes if not o.ok)
    assert len(outcomes) == len(BAD_FILES) + 5
    assert all(o.variation.image.size == SIZE_WH for o in outcomes if o.variation)


def test_a_zip_output_of_the_same(put: Callable[..., Path], settings: Settings, gan: GanEngine, tmp_path: Path) -> None:
    inputs = [put(name, data) for name, data, _ in BAD_FILES] + [put(GOOD, jpeg()), put("cats/a.png", png())]
    out = tmp_path / "out.zip"
    with writer_for(out) as writer:
        for outcome in Job(gather(inputs, limits(settings)), RECIPE, settings, [gan]).run():
            writer.add(outcome)
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        lines = [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]
        made = set(archive.namelist()) - OWN_FILES
    assert {line["file"] for line in lines if line["status"] == "ok"} == made == {"good__v1.jpg", "a__v1.png"}
    assert len(lines) == len(inputs)
    assert sorted(os.listdir(tmp_path)) == ["in", "out.zip"]
