"""Which files are masks, and of which images: as people's sets have them, and what only looks like it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from tests.support.labelled_sets import gathered, write
from tests.support.mask_sets import SIZE_WH, in_file, mask_of, mask_set, noise, painted

Masks = dict[str, list[str]]

PAIRED: dict[str, Masks] = {
    # The same stem in a folder of masks, in any format.
    "png": {"images/a.jpg": ["masks/a.png"], "images/b.jpg": ["masks/b.png"]},
    "jpeg masks": {"images/a.jpg": ["masks/a.jpg"], "images/b.jpg": ["masks/b.jpg"]},
    "bitmaps": {"images/a.bmp": ["labels/a.bmp"], "images/b.bmp": ["labels/b.bmp"]},
    # Words on either side, of folders and of files.
    "train_masks": {"train/a_01.jpg": ["train_masks/a_01_mask.gif"], "train/a_02.jpg": ["train_masks/a_02_mask.gif"]},
    "trainannot": {"train/a.png": ["trainannot/a.png"], "val/b.png": ["valannot/b.png"]},
    "images_prepped": {"images_prepped_train/a.png": ["annotations_prepped_train/a.png"]},
    "img_dir": {"img_dir/train/a.jpg": ["ann_dir/train/a.png"], "img_dir/val/b.jpg": ["ann_dir/val/b.png"]},
    "one folder, split in the masks' alone": {
        "images/a.jpg": ["masks/train/a.png"],
        "images/b.jpg": ["masks/val/b.png"],
    },
    "numbers of both sides": {
        "images/img_001.jpg": ["masks/mask_001.png"],
        "images/img_002.jpg": ["masks/mask_002.png"],
    },
    "satellite": {"train/7_sat.jpg": ["train/7_mask.png"], "train/8_sat.jpg": ["train/8_mask.png"]},
    "beside, in a patient's folder": {"p/p_1.tif": ["p/p_1_mask.tif"], "q/q_1.tif": ["q/q_1_mask.tif"]},
    "glued to the name": {"x/001.jpg": ["x/001mask.png"], "x/002.jpg": ["x/002mask.png"]},
    "CamVid": {"701_StillsRaw_full/0001TP_6.png": ["LabeledApproved_full/0001TP_6_L.png"]},
    "CamVid in one folder": {"c/0001TP_6.png": ["c/0001TP_6_L.png"], "c/0001TP_7.png": ["c/0001TP_7_L.png"]},
    "ISIC": {
        "ISIC2018_Task1-2_Training_Input/ISIC_0000001.jpg": [
            "ISIC2018_Task1_Training_GroundTruth/ISIC_0000001_segmentation.png"
        ]
    },
    "PH2": {
        "PH2/IMD002/IMD002_Dermoscopic_Image/IMD002.bmp": ["PH2/IMD002/IMD002_lesion/IMD002_lesion.bmp"],
        "PH2/IMD003/IMD003_Dermoscopic_Image/IMD003.bmp": ["PH2/IMD003/IMD003_lesion/IMD003_lesion.bmp"],
    },
    "depth": {"bath/rgb_00045.jpg": ["bath/sync_depth_00045.png"], "bath/rgb_00046.jpg": ["bath/sync_depth_00046.png"]},
    "ADE20K": {"a/ADE_train_1.jpg": ["a/ADE_train_1_seg.png"], "a/ADE_train_2.jpg": ["a/ADE_train_2_seg.png"]},
    "DRIVE": {"training/images/21_training.tif": ["training/1st_manual/21_manual1.gif"]},
    "nnU-Net": {"imagesTr/case_001_0000.png": ["labelsTr/case_001.png"]},
    "Penn-Fudan": {"PNGImages/Ped1.png": ["PedMasks/Ped1_mask.png"], "PNGImages/Ped2.png": ["PedMasks/Ped2_mask.png"]},
    "parts of a face": {"CelebA-HQ-img/0.jpg": ["mask-anno/0/00000_hair.png", "mask-anno/0/00000_nose.png"]},
    "Pascal VOC without XML": {
        "JPEGImages/a.jpg": ["SegmentationClass/a.png", "SegmentationObject/a.png"],
        "JPEGImages/b.jpg": ["SegmentationClass/b.png", "SegmentationObject/b.png"],
    },
    "Cityscapes": {
        "leftImg8bit/train/aachen/aachen_0_leftImg8bit.png": [
            "gtFine/train/aachen/aachen_0_gtFine_labelIds.png",
            "gtFine/train/aachen/aachen_0_gtFine_instanceIds.png",
            "gtFine/train/aachen/aachen_0_gtFine_color.png",
        ],
    },
    "iSAID": {
        "train/images/P0001.png": ["train/Instance_masks/images/P0001_instance_id_RGB.png"],
        "train/images/P0002.png": ["train/Semantic_masks/images/P0002_instance_color_RGB.png"],
    },
    "a folder for each sample": {
        "sample_1/image.png": ["sample_1/mask.png"],
        "sample_2/image.png": ["sample_2/mask.png"],
    },
    "labelme_json_to_dataset": {
        "1_json/img.png": ["1_json/label.png", "1_json/label_viz.png"],
        "2_json/img.png": ["2_json/label.png", "2_json/label_viz.png"],
    },
    "numbers without a sign between": {"img0.png": ["label0.png"], "img1.png": ["label1.png"]},
    # The same number in every class: the folders say which.
    "MVTec AD": {
        "bottle/test/broken/000.png": ["bottle/ground_truth/broken/000_mask.png"],
        "cable/test/broken/000.png": ["cable/ground_truth/broken/000_mask.png"],
        "bottle/train/good/000.png": [],
        "cable/train/good/000.png": [],
    },
    "class folders": {
        "images/cats/1.jpg": ["masks/cats/1.png"],
        "images/dogs/1.jpg": ["masks/dogs/1.png"],
    },
    "a name before the word": {"cfd_image/1.jpg": ["cfd_gt/1.png"], "cfd_image/2.jpg": ["cfd_gt/2.png"]},
    "BDD100K": {
        "images/10k/train/0a0a0b1a-7c.jpg": [
            "labels/sem_seg/masks/train/0a0a0b1a-7c.png",
            "labels/sem_seg/colormaps/train/0a0a0b1a-7c.png",
        ]
    },
    "LoveDA": {
        "Urban/images_png/1.png": ["Urban/masks_png/1.png"],
        "Rural/images_png/1.png": ["Rural/masks_png/1.png"],
    },
    "masks in colour alone": {"images/a.jpg": ["color/a.png"], "images/b.jpg": ["color/b.png"]},
    "ground truth in two words": {"images/a.jpg": ["Ground Truth/a.png"], "images/b.jpg": ["Ground Truth/b.png"]},
    "the image's ending in the name": {"images/a.jpg": ["masks/a.jpg.png"], "images/b.jpg": ["masks/b.jpg.png"]},
    "a name in two Unicode forms": {"images/caf\u00e9.jpg": ["masks/cafe\u0301.png"]},
    "U-Net's": {
        "train/image/0.png": ["train/label/0.png"],
        "train/image/1.png": ["train/label/1.png"],
        "test/0.png": [],
    },
    "masks within each class": {"cats/images/1.jpg": ["cats/masks/1.png"], "dogs/images/1.jpg": ["dogs/masks/1.png"]},
    # Several masks of one image.
    "one for each object": {
        "h1/images/h1.png": ["h1/masks/x.png", "h1/masks/y.png"],
        "h2/images/h2.png": ["h2/masks/z.png"],
    },
    "a folder for each image": {"images/a.jpg": ["masks/a/0.png", "masks/a/1.png"], "images/b.jpg": ["masks/b/0.png"]},
    "numbered": {"s/a (1).png": ["s/a (1)_mask.png", "s/a (1)_mask_1.png"], "s/a (2).png": ["s/a (2)_mask.png"]},
    "numbers alone": {"images/a.png": ["masks/a_0.png", "masks/a_1.png"], "images/b.png": ["masks/b_0.png"]},
    # What an earlier run made: the tag of a variation is before or behind the word.
    "variations": {
        "leftImg8bit/a_leftImg8bit.png": ["gtFine/a_gtFine_labelIds.png"],
        "leftImg8bit/a_leftImg8bit__v1.png": ["gtFine/a__v1_gtFine_labelIds.png"],
    },
    "variations of one mask for each object": {
        "h1/images/h1.png": ["h1/masks/x.png", "h1/masks/y.png"],
        "h1/images/h1__v1.png": ["h1/masks/h1__v1/x.png", "h1/masks/h1__v1/y.png"],
    },
    "images without a mask": {"images/a.jpg": ["masks/a.png"], "images/b.jpg": [], "images/c.jpg": []},
}


@pytest.mark.parametrize("expected", PAIRED.values(), ids=list(PAIRED))
def test_masks_belong_to_their_images(expected: Masks, tmp_path: Path) -> None:
    files = mask_set(list(expected), [mask for masks in expected.values() for mask in masks])
    found = gathered(write(tmp_path / "in", files))
    assert found.layout.name == "masks"
    paired = {s.path: [m.entry.path for m in s.labels.masks] if s.labels else [] for s in _all(found)}
    shared = min(expected).partition("/")[0] + "/"
    assert paired in (expected, {k.removeprefix(shared): v for k, v in expected.items()})
    assert found.failures == ()
    assert [notice for notice in found.notices if "lossy" not in notice] == []


def _all(found: object) -> list[object]:
    return [*found.sources, *found.holdout]  # type: ignore[attr-defined]


ODD: list[tuple[str, dict[str, bytes], list[str], str]] = [
    # A mask without its image is no image, whatever side the word is on.
    (
        "an orphan in a folder of masks",
        mask_set(["images/a.jpg", "images/b.jpg"], ["masks/a.png", "masks/nophoto.png"]),
        ["images/a.jpg", "images/b.jpg"],
        "masks/nophoto.png: no image belongs to these masks; they are copied unchanged",
    ),
    (
        "an orphan beside the images",
        mask_set(["x/a.jpg", "x/b.jpg"], ["x/a_mask.png", "x/gone_mask.png"]),
        ["x/a.jpg", "x/b.jpg"],
        "x/gone_mask.png: no image belongs to these masks",
    ),
    # The same number in two splits, and one mask for both: nobody knows whose it is.
    (
        "an ambiguous mask",
        mask_set(["train/images/a.jpg", "val/images/a.jpg", "train/images/b.jpg"], ["masks/a.png", "masks/b.png"]),
        ["train/images/a.jpg", "train/images/b.jpg", "val/images/a.jpg"],
        "masks/a.png: each may be the mask of several images; copied unchanged, and variations have none",
    ),
    # Visualizations go with their image, and no variation has one.
    (
        "overlays",
        mask_set(["images/a.jpg", "images/b.jpg"], ["masks/a.png", "masks/b.png"], ["vis/a.jpg", "vis/b.jpg"]),
        ["images/a.jpg", "images/b.jpg"],
        "vis/a.jpg, vis/b.jpg: visualizations of labels are copied with their images; variations have none",
    ),
    (
        "labelme's visualizations",
        mask_set(["JPEGImages/a.jpg"], ["SegmentationClass/a.png"], ["SegmentationClassVisualization/a.jpg"]),
        ["JPEGImages/a.jpg"],
        "SegmentationClassVisualization/a.jpg: visualizations of labels",
    ),
    # Masks and no images: they are what was given, so they are augmented, and the run says so before it starts.
    (
        "masks alone",
        mask_set([], ["set/masks/a.png", "set/masks/b.png", "set/other/c_mask.png"]),
        ["masks/a.png", "masks/b.png", "other/c_mask.png"],
        "look like masks, but no image belongs to them; augmented as images",
    ),
    # Masks by name and content, and no image of theirs: none of them is augmented.
    (
        "masks of other images",
        mask_set(["images/a.jpg", "images/b.jpg"], ["masks/k.png", "masks/l.png"]),
        ["images/a.jpg", "images/b.jpg"],
        "masks/k.png, masks/l.png: no image belongs to these masks; they are copied unchanged",
    ),
    # Class numbers under names that say nothing.
    (
        "class numbers",
        {f"x/{n}.png": in_file(mask_of(value=n), "a.png") for n in (1, 2, 3)} | mask_set(["y/7.jpg"]),
        ["y/7.jpg"],
        "x/1.png, x/2.png, x/3.png: flat and nearly black; taken for masks of class numbers and copied unchanged",
    ),
    (
        "masks in a folder of another language",
        mask_set(["fotos/a.jpg", "fotos/b.jpg"], ["capas/a.png", "capas/b.png"]),
        ["fotos/a.jpg", "fotos/b.jpg"],
        "capas/a.png, capas/b.png: flat and of few values, and named as other images of the set; taken for masks",
    ),
    (
        "masks that nothing pairs with images",
        mask_set(["x/a1.jpg", "x/a2.jpg"], ["y/b1.png", "y/b2.png"]),
        ["x/a1.jpg", "x/a2.jpg"],
        "y/b1.png, y/b2.png: flat and of few values, and as many as other images of the set; taken for masks",
    ),
    (
        "masks beside their images under an ending that says nothing",
        mask_set(["x/a.jpg", "x/b.jpg"], ["x/a_m.png", "x/b_m.png"]),
        ["x/a.jpg", "x/b.jpg"],
        "x/a_m.png, x/b_m.png: flat and of few values, and named after other images of the set; taken for masks",
    ),
    (
        "depth of a pair of cameras, whose image nothing tells",
        mask_set([f"{side}/{n}.png" for side in ("left", "right") for n in range(2)])
        | {f"disparity/{n}.png": in_file(Image.linear_gradient("L").rotate(n), "a.png") for n in range(2)},
        ["left/0.png", "left/1.png", "right/0.png", "right/1.png"],
        "disparity/0.png, disparity/1.png: each may be the mask of several images; copied unchanged, and variations "
        "have none",
    ),
    (
        "depth of which one folder more has the images",
        mask_set([f"clean/alley/frame_{n}.png" for n in range(2)])
        | {f"depth/alley/frame_{n}.png": in_file(noise(n).convert("L"), "a.png") for n in range(2)},
        ["clean/alley/frame_0.png", "clean/alley/frame_1.png"],
        "depth/alley/frame_0.png, depth/alley/frame_1.png: values without areas, as depth maps and mattes have; they "
        "move with the pixels, and are no classes in other formats",
    ),
    # Named and placed like masks, and photographs all the same.
    (
        "photographs in a folder called labels",
        mask_set(["images/a.jpg", "labels/a.jpg"]),
        ["images/a.jpg", "labels/a.jpg"],
        "labels/a.jpg: named like masks, but not flat as masks are; augmented as images",
    ),
]


@pytest.mark.parametrize(("files", "images", "notice"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
def test_what_is_reported(files: dict[str, bytes], images: list[str], notice: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", files))
    paths = sorted(source.path for source in (*found.sources, *found.holdout))
    assert paths in (images, [f"set/{path}" for path in images])
    assert any(notice in one for one in found.notices), found.notices


def _digit(n: int) -> Image.Image:
    image = Image.new("L", (28, 28))
    ImageDraw.Draw(image).line([(6, 4 + n), (20, 4), (10, 24)], fill=255, width=2)
    return image.filter(ImageFilter.GaussianBlur(0.7))


def _icon(n: int) -> Image.Image:
    image = Image.new("RGBA", SIZE_WH)
    ImageDraw.Draw(image).rounded_rectangle([4 + n, 4, 50, 40], 8, fill=(200, 30 * n, 90, 255))
    return image


def _cartoon(n: int) -> Image.Image:
    image = Image.new("RGB", SIZE_WH, (250, 220, 160))
    ImageDraw.Draw(image).ellipse([8 + n, 6, 50, 44], fill=(30, 90, 200), outline=(0, 0, 0))
    return image


def _document(n: int) -> Image.Image:
    image = Image.new("1", SIZE_WH, 1)
    for row in range(6, 44, 6):
        ImageDraw.Draw(image).line([(5, row), (55 - n * 3, row)], fill=0, width=2)
    return image


def _x_ray(n: int) -> Image.Image:
    y, x = np.mgrid[: SIZE_WH[1], : SIZE_WH[0]]
    glow = 200 * np.exp(-((x - 30 - n) ** 2 + (y - 24) ** 2) / 300)
    return Image.fromarray((glow + np.random.default_rng(n).normal(0, 2, glow.shape)).clip(0, 255).astype(np.uint8))


def _named(draw: Callable[[int], Image.Image], *names: str) -> dict[str, bytes]:
    return {name: in_file(draw(number), name) for number, name in enumerate(names)}


PHOTOGRAPHS: dict[str, dict[str, bytes]] = {
    # Flat and of few values, and nothing says that any is the mask of another.
    "binarised documents in classes": _named(_document, "letters/1.png", "letters/2.png", "forms/1.png", "forms/2.png"),
    "digits": _named(_digit, *(f"{n}/{k}.png" for n in range(3) for k in range(3))),
    "digits with splits": _named(_digit, "train/0/1.png", "train/1/1.png", "test/0/1.png", "test/1/1.png"),
    "icons": _named(_icon, "home/1.png", "home/2.png", "mail/1.png", "mail/2.png"),
    "cartoons": _named(_cartoon, "cats/1.png", "cats/2.png", "dogs/1.png"),
    "x-rays": _named(_x_ray, "normal/1.png", "normal/2.png", "pneumonia/1.png"),
    "line drawings, loose": _named(_document, "a.png", "b.png", "c.png"),
    # Words that mean masks, as classes or as parts of names.
    "people with and without masks": mask_set(["with_mask/1.jpg", "without_mask/1.jpg", "with_mask/2.jpg"]),
    "cars of a make": mask_set(["gt_racing/1.jpg", "bmw/1.jpg", "gt_racing/2.jpg", "bmw/2.jpg"]),
    "logos of a make": _named(_icon, "gt_logo/1.png", "bmw/1.png", "gt_logo/2.png", "bmw/2.png"),
    "people with masks, the class has one word": mask_set(["mask/1.jpg", "clean/1.jpg", "mask/2.jpg"]),
    "x-rays of people with masks": _named(_x_ray, "mask/1.png", "normal/1.png", "mask/2.png", "normal/2.png"),
    "leaves in colour and grey": mask_set(["color/rust/1.jpg", "grayscale/rust/1.jpg", "segmented/rust/1.jpg"]),
    "icons to the left": _named(_icon, "arrow.png", "arrow_l.png", "house.png", "house_l.png"),
    "cartoon classes of one number": _named(_cartoon, "label/1.png", "poster/1.png", "label/2.png", "poster/2.png"),
    "stereo": mask_set(["scene_L.png", "scene_R.png"]),
    # The same image in two formats.
    "jpeg and png": mask_set(["a.jpg", "a.png"]),
    "an icon in two formats": _named(lambda _: _icon(1).convert("RGB").filter(ImageFilter.SMOOTH), "a.jpg", "a.png"),
}


@pytest.mark.parametrize("files", PHOTOGRAPHS.values(), ids=list(PHOTOGRAPHS))
def test_photographs_stay_photographs(files: dict[str, bytes], tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", files))
    assert found.layout.name == "folders"
    assert len(found.sources) + len(found.holdout) == len(files)
    assert [notice for notice in found.notices if "mask" in notice] == []


def test_a_label_beside_a_photograph_in_another_zip(tmp_path: Path) -> None:
    """Images and masks come as two downloads."""
    from tests.support.image_files import zipped

    files = mask_set(["train/a.jpg", "train/b.jpg"], ["train_masks/a_mask.gif", "train_masks/b_mask.gif"])
    for name in ("train", "train_masks"):
        own = {path: data for path, data in files.items() if path.startswith(f"{name}/")}
        (tmp_path / f"{name}.zip").write_bytes(zipped(own))
    found = gathered(tmp_path / "train.zip", tmp_path / "train_masks.zip")
    assert {s.path: [m.entry.path for m in s.labels.masks] for s in found.sources} == {
        "train/a.jpg": ["train_masks/a_mask.gif"],
        "train/b.jpg": ["train_masks/b_mask.gif"],
    }


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_soft_matte_is_a_mask_and_keeps_its_shades(kind: str, tmp_path: Path) -> None:
    matte = mask_of().filter(ImageFilter.GaussianBlur(9))
    files = {"images/a.png": in_file(painted(), "a.png"), f"alpha/a.{kind}": in_file(matte, f"a.{kind}")}
    (source,) = gathered(write(tmp_path / "in", files)).sources
    assert source.path == "images/a.png"
    assert source.labels is not None
    mask = source.labels.load().mask
    assert mask is not None
    assert len(np.unique(np.asarray(mask))) > 60


def test_noise_is_no_mask_wherever_it_is(tmp_path: Path) -> None:
    files = {f"{place}/a.png": in_file(noise(1), "a.png") for place in ("images", "labels")}
    found = gathered(write(tmp_path / "in", files))
    assert len(found.sources) == 2
