"""Images with masks: every kind of mask file moves with its image and is written as it came."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.image_files import png
from tests.support.labelled_sets import (
    Files,
    augmented,
    contents,
    gathered,
    masks,
    write,
    yolo,
)
from tests.support.mask_sets import in_file, mask_of, mask_set, painted


def test_photos_of_the_same_stem_are_not_masks(tmp_path: Path) -> None:
    """a.jpg and a.png are two photos unless the PNG has large flat areas, as masks do."""
    rng = np.random.default_rng(0)
    noisy = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(noisy, "PNG")
    files = {"a.jpg": yolo()["images/train/one.jpg"], "a.png": noisy.getvalue()}
    found = gathered(write(tmp_path / "in", files))
    assert found.layout.name == "folders"
    assert len(found.sources) == 2


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (png((10, 10)), "masks/train/one.png has 10x10 pixels; expected 64x48, as its image"),
        (b"\x89PNG\r\n\x1a\n broken", "masks/train/one.png is not a valid PNG"),
    ],
)
def test_broken_masks(mask: bytes, message: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", masks() | {"masks/train/one.png": mask})
    job = augmented([given], tmp_path / "out", variations=1, layout="masks")
    assert [row["file"] for row in job.report.failures] == ["images/train/one.jpg"]
    assert message in job.report.failures[0]["reason"]
    assert job.report.variations == 2


LARGE_WH, ELLIPSE = (200, 160), (40, 30, 150, 120)


def _scene() -> Image.Image:
    """A red ellipse on calm grey."""
    pixels = np.random.default_rng(0).integers(110, 140, (LARGE_WH[1], LARGE_WH[0], 3), np.uint8)
    scene = Image.fromarray(pixels)
    ImageDraw.Draw(scene).ellipse(ELLIPSE, fill=(250, 10, 10))
    return scene


def _ellipse(value: int, mode: str = "L") -> Image.Image:
    """Its mask."""
    mask = Image.new("L", LARGE_WH)
    ImageDraw.Draw(mask).ellipse(ELLIPSE, fill=255)
    area = np.asarray(mask) > 0
    if mode == "P":
        image = Image.fromarray(np.where(area, value, 0).astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 224, 224, 192])
        return image
    if mode in {"I;16", "F"}:
        return Image.fromarray((area * value).astype(np.uint16 if mode == "I;16" else np.float32))
    return Image.fromarray(np.where(area, value, 0).astype(np.uint8)).convert(mode)


KINDS: list[tuple[str, Image.Image, dict[str, Any]]] = [
    ("mask.png", _ellipse(1), {}),
    ("palette.png", _ellipse(2, "P"), {}),
    ("bits.png", _ellipse(255, "1"), {}),
    ("deep.png", _ellipse(30_000, "I;16"), {}),
    ("colour.png", _ellipse(3, "P").convert("RGB"), {}),
    ("alpha.png", _ellipse(255, "RGBA"), {}),
    ("gray_alpha.png", _ellipse(255, "LA"), {}),
    ("half.png", _ellipse(7).resize((100, 80), Image.Resampling.NEAREST), {}),
    ("twice.png", _ellipse(7).resize((400, 320), Image.Resampling.NEAREST), {}),
    ("lzw.tif", _ellipse(5), {"compression": "tiff_lzw"}),
    ("deep.tif", _ellipse(30_000, "I;16"), {}),
    ("jpeg.tif", _ellipse(255), {"compression": "jpeg"}),
    ("fractions.tif", _ellipse(1, "F"), {}),
    ("mask.bmp", _ellipse(255), {}),
    ("palette.gif", _ellipse(1, "P"), {}),
    ("mask.jpg", _ellipse(255), {"quality": 80}),
    ("colour.jpg", _ellipse(255, "RGB"), {"quality": 80}),
    ("mask.webp", _ellipse(255, "RGB"), {"lossless": True}),
    ("lossy.webp", _ellipse(255, "RGB"), {"quality": 60}),
    ("mask.pgm", _ellipse(9), {}),
]


def _name(row: int) -> str:
    return f"{row}_{KINDS[row][0]}"


@pytest.fixture(scope="module", params=["none", "strong"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Files, Files]:
    """(geometry, a set of masks of every kind, what came out)."""
    files = {f"images/{_name(row).partition('.')[0]}.png": in_file(_scene(), "a.png") for row in range(len(KINDS))}
    files |= {f"masks/{_name(row)}": in_file(mask, name, **options) for row, (name, mask, options) in enumerate(KINDS)}
    place = tmp_path_factory.mktemp("kinds")
    given = write(place / "in", files)
    augmented([given], place / "out", variations=1, geometry=request.param, layout="masks")
    return request.param, files, contents(place / "out")


def test_every_mask_is_written(run: tuple[str, Files, Files]) -> None:
    _, files, made = run
    tagged = {f"{name.partition('.')[0]}__v1.{name.partition('.')[2]}" for name in files}
    assert set(made) == set(files) | tagged


@pytest.mark.parametrize("row", range(len(KINDS)), ids=[row[0] for row in KINDS])
def test_a_mask_moves_and_is_written_as_it_came(row: int, run: tuple[str, Files, Files]) -> None:
    geometry, files, made = run
    stem, _, kind = _name(row).partition(".")
    data, own = made[f"masks/{stem}__v1.{kind}"], files[f"masks/{stem}.{kind}"]
    if geometry == "none":
        assert data == own
        return
    before, after = Image.open(io.BytesIO(own)), Image.open(io.BytesIO(data))
    assert (after.format, after.mode, after.size) == (before.format, before.mode, before.size)
    assert after.getpalette() == before.getpalette()
    assert _values(after) <= _values(before) or (kind == "jpg" and len(_values(after)) < len(_values(before)))
    pixels = np.asarray(Image.open(io.BytesIO(made[f"images/{stem}__v1.png"])), int)
    assert _overlap(_marked(after), (pixels[..., 0] > 150) & (pixels[..., 1] < 60)) > 0.95


def _values(mask: Image.Image) -> set[Any]:
    pixels = np.asarray(mask)
    return set(map(str, pixels.reshape(pixels.shape[0] * pixels.shape[1], -1).tolist()))


def _marked(mask: Image.Image) -> np.ndarray[Any, Any]:
    """The pixels that are not background, at the image's size."""
    pixels = np.asarray(mask)
    pixels = pixels[..., 0] if pixels.ndim == 3 else pixels
    marked = Image.fromarray(pixels.astype(float) > float(pixels.max()) / 2)
    return np.asarray(marked.resize(LARGE_WH, Image.Resampling.NEAREST))


def _overlap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_only_the_image_is_stored_turned(tmp_path: Path) -> None:
    """A camera's EXIF is in the image; the mask was drawn upright, or on the pixels as they are stored."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = _scene().transpose(Image.Transpose.ROTATE_90)
    files = {f"images/{name}.jpg": in_file(stored, "a.jpg", exif=exif, quality=95) for name in ("upright", "stored")}
    files["masks/upright.png"] = in_file(_ellipse(1), "a.png")
    files["masks/stored.png"] = in_file(_ellipse(1).transpose(Image.Transpose.ROTATE_90), "a.png")
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, geometry="strong")
    made = contents(tmp_path / "out")
    for name in ("upright", "stored"):
        after = Image.open(io.BytesIO(made[f"masks/{name}__v1.png"]))
        image = Image.open(io.BytesIO(made[f"images/{name}__v1.jpg"])).convert("RGB")
        assert after.size == image.size == LARGE_WH
        pixels = np.asarray(image, int)
        assert _overlap(_marked(after), (pixels[..., 0] > 150) & (pixels[..., 1] < 80)) > 0.95


def test_classes_of_a_lossy_mask_are_recovered(tmp_path: Path) -> None:
    """Three greys saved as JPEG: 70 values around the borders, which are three again in a variation."""
    mask = _ellipse(255)
    ImageDraw.Draw(mask).rectangle((150, 10, 190, 60), fill=128)
    files = {"images/a.png": in_file(_scene(), "a.png"), "masks/a.jpg": in_file(mask, "a.jpg", quality=75)}
    given = write(tmp_path / "in", files)
    augmented([given], tmp_path / "out", variations=1, geometry="strong")
    before, after = (
        np.asarray(Image.open(io.BytesIO(data)), int)
        for data in (files["masks/a.jpg"], contents(tmp_path / "out")["masks/a__v1.jpg"])
    )
    assert len(np.unique(before)) > 40
    assert {min((0, 128, 255), key=lambda level: abs(level - value)) for value in np.unique(after)} == {0, 128, 255}
    assert np.abs(after[..., None] - [0, 128, 255]).min(-1).max() <= 2
    assert any(notice.startswith("masks/a.jpg: masks in a lossy format") for notice in gathered(given).notices)


def test_masks_of_single_objects_stay_apart(tmp_path: Path) -> None:
    """One file an object: those of a variation are in a folder of their own, so no loader mixes them up."""
    objects = [(4, 4, 20, 20), (30, 10, 50, 40)]
    files = {"h/images/h.png": in_file(painted(), "a.png"), "g/images/g.png": in_file(painted(1), "a.png")}
    files |= {f"h/masks/{n}.png": in_file(mask_of(box), "a.png") for n, box in enumerate(objects)}
    files |= {"g/masks/7.png": in_file(mask_of(), "a.png")}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    made = contents(tmp_path / "out")
    assert sorted(name for name in made if "masks" in name) == [
        "g/masks/7.png",
        "g/masks/g__v1/7.png",
        "h/masks/0.png",
        "h/masks/1.png",
        "h/masks/h__v1/0.png",
        "h/masks/h__v1/1.png",
    ]
    again = gathered(tmp_path / "out")
    assert {s.path: [m.entry.path for m in s.labels.masks] for s in again.sources}["h/images/h__v1.png"] == [
        "h/masks/h__v1/0.png",
        "h/masks/h__v1/1.png",
    ]


def test_pages_of_a_mask_are_refused_by_name(tmp_path: Path) -> None:
    pages = in_file(mask_of(), "a.tif", save_all=True, append_images=[mask_of(value=1)])
    files = {"images/a.png": in_file(painted(), "a.png"), "masks/a.tif": pages}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert "masks/a.tif has 2 pages; expected one mask" in job.report.failures[0]["reason"]


def test_the_mask_says_the_split(tmp_path: Path) -> None:
    files = mask_set(["images/a.jpg", "images/b.jpg"], ["masks/train/a.png", "masks/val/b.png"])
    found = gathered(write(tmp_path / "in", files))
    assert {source.path: source.split for source in found.sources} == {"images/a.jpg": "train"}
    assert {source.path: source.split for source in found.holdout} == {"images/b.jpg": "val"}


def test_a_class_is_kept_next_to_masks(tmp_path: Path) -> None:
    files = mask_set(["images/cats/1.jpg", "images/dogs/1.jpg"], ["masks/cats/1.png", "masks/dogs/1.png"])
    assert [source.label for source in gathered(write(tmp_path / "in", files)).sources] == ["cats", "dogs"]


def test_each_mask_of_one_object_becomes_an_object(tmp_path: Path) -> None:
    """Two nuclei that touch are one area, and two files."""
    boxes = [(4, 4, 20, 20), (20, 4, 40, 20), (44, 30, 60, 44)]
    files = {"h/images/h.png": in_file(painted(), "a.png")}
    files |= {f"h/masks/{n}.png": in_file(mask_of(box), "a.png") for n, box in enumerate(boxes)}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, to="coco")
    found = json.loads(contents(tmp_path / "out")["annotations/instances.json"])
    own = [a["bbox"] for a in found["annotations"] if a["image_id"] == found["images"][0]["id"]]
    assert own == [[x0, y0, x1 + 1 - x0, y1 + 1 - y0] for x0, y0, x1, y1 in boxes]


def test_a_folder_for_each_sample_is_read_again_with_its_variations(tmp_path: Path) -> None:
    names = [f"sample_{i}/{name}.png" for i in range(3) for name in ("image", "mask")]
    files = mask_set(names[::2], names[1::2])
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, geometry="light")
    out = contents(tmp_path / "out")
    assert {"sample_0/image__v1.png", "sample_0/mask__v1.png"} <= set(out)
    again = gathered(tmp_path / "out")
    assert len(again.sources) == 6
    assert {source.label for source in again.sources} == {None}
    assert all(source.labels is not None for source in again.sources)
