"""Which text file holds the labels of an image, and what that of a variation is called."""

from __future__ import annotations

import pytest

from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.yolo.label_index import LabelIndex, label_path


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/train/a.jpg", "labels/train/a.txt"),  # Ultralytics
        ("train/images/a.jpg", "train/labels/a.txt"),  # Roboflow
        ("VOC/JPEGImages/a.jpg", "VOC/labels/a.txt"),  # darknet's voc_label.py
        ("train_images/a.jpg", "train_labels/a.txt"),
        ("images_train/a.jpg", "labels_train/a.txt"),
        ("imagesTr/a.jpg", "labelsTr/a.txt"),
        ("Images/a.jpg", "Labels/a.txt"),  # any case
        ("IMAGES/a.JPG", "labels/A.TXT"),  # of the file as well
        ("img/a.jpg", "label/a.txt"),
        ("data/images/x/images/a.jpg", "data/images/x/labels/a.txt"),  # the last of several
        ("obj_train_data/a.jpg", "obj_train_data/a.txt"),  # beside
        ("a.jpg", "labels/a.txt"),  # below
        ("train/a.jpg", "labels/train/a.txt"),
        ("train/a.jpg", "train/labels/a.txt"),
        ("images/a.jpg", "labels/a.jpg.txt"),  # with the whole name
        ("images/a.jpg", "annotations/a.txt"),
        ("images/ca\u00f1on.jpg", "labels/can\u0303on.txt"),  # a name in two Unicode forms
    ],
)
def test_label_file(image: str, label: str) -> None:
    tree = Tree([Entry(image, "")])
    for path in (label, "labels/other.txt", "other/a.xml"):
        tree.add_sidecar(Entry(path, ""))
    found = LabelIndex(tree).find(tree.images[0])
    assert found is not None
    assert found.path == label


def test_the_nearest_name_and_archive_are_preferred() -> None:
    tree = Tree()
    for path, origin in (("labels/A.txt", ""), ("labels/a.txt", "b.zip"), ("labels/a.txt", "a.zip")):
        tree.add_sidecar(Entry(path, origin))
    found = LabelIndex(tree).find(Entry("images/a.jpg", "a.zip"))
    assert found is not None
    assert (found.path, found.origin) == ("labels/a.txt", "a.zip")
    assert LabelIndex(tree).find(Entry("images/b.jpg", "")) is None


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("labels/a.txt", "labels/a__v1.txt"),
        ("labels/A.TXT", "labels/a__v1.TXT"),
        ("labels/a.jpg.txt", "labels/a__v1.jpg.txt"),
    ],
)
def test_label_file_of_a_variation(label: str, expected: str) -> None:
    assert label_path(Entry(label, ""), "images/a.jpg", "images/a__v1.jpg") == expected
