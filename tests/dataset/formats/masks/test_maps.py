"""Maps in colour and cut-outs: normals, flow, albedo, edges, mattes. None is an image, and none becomes untrue."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.support.dataset_runs import notices
from tests.support.labelled_sets import Files, augmented, contents, gathered, write
from tests.support.mask_sets import in_file, mask_of, noise, painted

NUMBERS = range(3)
SIZE_WH = painted().size


def smooth(seed: int, channels: int = 3) -> Image.Image:
    small = np.random.default_rng(seed).uniform(0, 255, (4, 5, channels)).astype(np.uint8)
    return Image.fromarray(small.squeeze()).resize(SIZE_WH, Image.Resampling.BICUBIC)


def normals(seed: int) -> Image.Image:
    rows, columns = np.gradient(np.asarray(smooth(seed, 1), float) / 32)
    vectors = np.dstack([-columns, -rows, np.ones_like(rows)])
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return Image.fromarray(((vectors + 1) * 127.5).astype(np.uint8))


def cut_out(seed: int) -> Image.Image:
    image = painted(seed)
    image.putalpha(mask_of().filter(ImageFilter.GaussianBlur(3)))
    return image


def pairs(image: str, other: str, make: Callable[[int], Image.Image] = smooth) -> Files:
    """image, other: names with {}, for the number of the image."""
    files = {image.format(i): in_file(painted(i), image) for i in NUMBERS}
    return files | {other.format(i): in_file(make(i), other) for i in NUMBERS}


MOVE, STAY = "they move with the pixels", "copied with their images, and variations have none"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (pairs("images/{}.jpg", "normals/{}.png", normals), STAY),
        (pairs("rgb/{}.jpg", "surface_normals/{}.jpg", normals), STAY),  # with the noise of JPEG
        (pairs("{}.png", "{}_normal.png", normals), STAY),
        (pairs("s/rgb_{}.png", "s/normal_{}.png", normals), STAY),
        (pairs("images/{}.jpg", "flow/{}.png"), STAY),
        (pairs("train/images/{}.jpg", "train/optical_flow/{}.png"), STAY),
        (pairs("images/{}.jpg", "albedo/{}.png"), MOVE),
        (pairs("{}.png", "{}_albedo.png"), MOVE),
        (pairs("images/{}.jpg", "edges/{}.png", lambda _: mask_of()), MOVE),
        (pairs("images/{}.jpg", "saliency_maps/{}.png"), MOVE),
        (pairs("images/{}.jpg", "matting/{}.png", cut_out), MOVE),
        (pairs("images/{}.jpg", "alpha/{}.png", cut_out), MOVE),
        (pairs("clip_img/18/clip_00/18-{}.jpg", "matting/18/matting_00/18-{}.png", cut_out), MOVE),  # AISegment
    ],
)
def test_maps_are_no_images(files: Files, words: str, tmp_path: Path) -> None:
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    assert job.gathered.layout.name == "masks"
    assert len(job.gathered.sources) == len(NUMBERS)
    assert words in notices(job)
    out = contents(tmp_path / "out")
    assert files.items() <= out.items()
    assert sum("__v" in name for name in out) == len(NUMBERS) * (2 if words == MOVE else 1)


def test_a_cut_out_moves_with_its_pixels(tmp_path: Path) -> None:
    files = pairs("images/{}.jpg", "matting/{}.png", cut_out)
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    made = np.asarray(Image.open(tmp_path / "out/matting/1__v1.png"))
    np.testing.assert_array_equal(made, np.asarray(cut_out(1))[:, ::-1])


@pytest.mark.parametrize(
    "files",
    [
        pairs("NORMAL/{}.jpg", "PNEUMONIA/{}.jpg", noise),  # classes with the same numbers
        pairs("normal/{}.jpg", "abnormal/{}.jpg", noise),
        pairs("images/{}.jpg", "normal/x{}.png", normals),  # of no image
        {f"flow_{i}.jpg": in_file(painted(i), "a.jpg") for i in NUMBERS},  # the name of a photograph
        pairs("images/a/{}.jpg", "images/edge/{}.jpg", noise),
    ],
)
def test_classes_of_these_names_are_images(files: Files, tmp_path: Path) -> None:
    assert len(gathered(write(tmp_path / "in", files)).sources) == len(files)


def test_words_inside_a_name(tmp_path: Path) -> None:
    """KITTI's road: um_road_000001.png and um_lane_000001.png are of um_000001.png."""
    files: Files = {}
    for i in NUMBERS:
        files[f"image_2/um_{i:06d}.png"] = in_file(painted(i), "a.png")
        for word in ("road", "lane"):
            files[f"gt_image_2/um_{word}_{i:06d}.png"] = in_file(mask_of(), "a.png")
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    out = contents(tmp_path / "out")
    for word in ("road", "lane"):
        made = Image.open(io.BytesIO(out[f"gt_image_2/um_{word}_000001__v1.png"]))
        np.testing.assert_array_equal(np.asarray(made), np.asarray(mask_of())[:, ::-1])


@pytest.mark.parametrize(
    "images",
    [
        ["A/{}.png", "B/{}.png"],  # LEVIR: before and after
        ["images/{}_a.jpg", "images/{}_b.jpg"],
    ],
)
def test_a_mask_of_several_images_is_said_to_be_one(images: list[str], tmp_path: Path) -> None:
    files = {name.format(i): in_file(painted(i + n), name) for i in NUMBERS for n, name in enumerate(images)}
    files |= {f"label/{i}.png": in_file(mask_of(), "a.png") for i in NUMBERS}
    found = gathered(write(tmp_path / "in", files))
    assert len(found.sources) == 2 * len(NUMBERS)
    assert any("label/0.png" in one and "each may be the mask of several images" in one for one in found.notices)
