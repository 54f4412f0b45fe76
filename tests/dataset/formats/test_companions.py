"""Images of a Pascal VOC set that are no photographs: masks in any folder, and labels drawn on images."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.image_files import jpeg
from tests.support.labelled_sets import augmented, contents, gathered, mask_of, photo, voc, write

CAR = ("red car", 4, 6, 24, 20)


@pytest.mark.parametrize(
    "folder",
    [
        "VOC/SegmentationClass",
        "VOC/SegmentationClassAug",  # SBD's
        "VOC/SegmentationClassRaw",  # of the deeplab recipes
        "VOC/SegmentationObject",
        "VOC/annotations/trimaps",  # Oxford-IIIT Pet's
        "VOC/anything",  # what it holds says so
    ],
)
def test_masks_move_and_are_no_photographs(folder: str, tmp_path: Path) -> None:
    files = voc() | {f"{folder}/{stem}.png": mask_of([CAR]) for stem in ("one", "empty")}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    found = contents(tmp_path / "out")
    assert {name for name in found if name.startswith(folder)} == {
        f"{folder}/{stem}{end}.png" for stem in ("one", "empty") for end in ("", "__v1")
    }
    assert found[f"{folder}/one__v1.png"] == found[f"{folder}/one.png"]


def test_masks_of_two_sets_are_each_their_own(tmp_path: Path) -> None:
    files = {}
    for camera, box in (("A", CAR), ("B", ("bus", 30, 10, 60, 40))):
        files |= {f"{camera}/{name.removeprefix('VOC/')}": data for name, data in voc().items() if "one" in name}
        files[f"{camera}/SegmentationClass/one.png"] = mask_of([box])
    found = gathered(write(tmp_path, files))
    own = {source.path: [e.path for e in found.layout.own_label_files(source)] for source in found.sources}
    assert own == {
        f"{camera}/JPEGImages/one.jpg": [f"{camera}/Annotations/one.xml", f"{camera}/SegmentationClass/one.png"]
        for camera in "AB"
    }


def test_labels_drawn_on_images_are_no_photographs(tmp_path: Path) -> None:
    """As labelme2voc writes them beside the annotations."""
    files = voc() | {"VOC/AnnotationsVisualization/one.jpg": photo([CAR]), "VOC/masks/orphan.png": mask_of([CAR])}
    files["VOC/masks/one.png"] = mask_of([CAR])
    found = gathered(write(tmp_path, files))
    assert {Path(source.path).parent.name for source in found.sources} == {"JPEGImages"}
    assert set(found.notices) == {
        "VOC/AnnotationsVisualization/one.jpg: visualizations of labels are copied with their images; variations have "
        "none",
        "1 mask (VOC/masks/orphan.png): no image belongs to these masks; they are copied unchanged",
    }


def test_files_about_the_classes_stay(tmp_path: Path) -> None:
    files = voc() | {"VOC/labelmap.txt": b"# label:color_rgb:parts:actions\n", "VOC/other/one.jpg": jpeg()}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert contents(tmp_path / "out")["VOC/labelmap.txt"] == files["VOC/labelmap.txt"]
