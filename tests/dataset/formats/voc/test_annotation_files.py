"""Which image an annotation describes: by its file name, the fields in it, and the folders around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.labelled_sets import Files, gathered, write
from tests.support.voc_files import SMALL, annotation, photos

# name: (files, {labelled image: its annotation})
CASES: dict[str, tuple[Files, dict[str, str]]] = {
    # Any folder: the content says what the file is.
    **{
        f"in {folder}": (
            photos("images/a.jpg") | {f"{folder}/a.xml": annotation()},
            {"images/a.jpg": f"{folder}/a.xml"},
        )
        for folder in ("annots", "train_annotations", "xmls", "bboxes", "Annotationen/2", "ラベル")
    },
    # Numbered by another tool: only <filename> says which image it is.
    "named in it": (
        photos("images/x.jpg", "images/y.jpg")
        | {"labels/1.xml": annotation("y.jpg"), "labels/2.xml": annotation("x.jpg")},
        {"images/y.jpg": "labels/1.xml", "images/x.jpg": "labels/2.xml"},
    ),
    # A name in it of another case, another ending, as a path of Windows, and with an entity.
    "another spelling": (
        photos("images/Ä.JPG", "images/b.jpg", "images/c & d.jpg")
        | {
            "a/1.xml": annotation("A\u0308.jpg".lower()),
            "a/2.xml": annotation(r"C:\work\b.png"),
            "a/3.xml": annotation("c &amp; d.jpg"),
        },
        {"images/Ä.JPG": "a/1.xml", "images/b.jpg": "a/2.xml", "images/c & d.jpg": "a/3.xml"},
    ),
    # Names that differ in case alone are two images on Linux.
    "both cases": (
        photos("i/IMG.jpg", "i/img.jpg") | {"x/img.xml": annotation("img.jpg"), "x/IMG.xml": annotation("IMG.jpg")},
        {"i/IMG.jpg": "x/IMG.xml", "i/img.jpg": "x/img.xml"},
    ),
    # A name in it that no image has, as after renaming: its own name decides.
    "an old name in it": (
        photos("images/a.jpg") | {"xml/a.xml": annotation("IMG_001.jpg")},
        {"images/a.jpg": "xml/a.xml"},
    ),
    # Renumbered by one: the names in the files lag behind, and the files themselves are right.
    "names in it one behind": (
        photos("i/1.jpg", "i/2.jpg", "i/3.jpg") | {f"x/{n}.xml": annotation(f"{n + 1}.jpg") for n in (1, 2, 3)},
        {f"i/{n}.jpg": f"x/{n}.xml" for n in (1, 2, 3)},
    ),
    # Every file has the same name in it, as a template leaves it.
    "one name in all": (
        photos("i/a.jpg", "i/b.jpg") | {"x/a.xml": annotation("a.jpg"), "x/b.xml": annotation("a.jpg")},
        {"i/a.jpg": "x/a.xml", "i/b.jpg": "x/b.xml"},
    ),
    # Smaller copies of the same stem: the size says which image was labelled.
    "thumbnails": (
        photos("full/a.jpg", small=("small/a.jpg",)) | {"x/a.xml": annotation("a.jpg")},
        {"full/a.jpg": "x/a.xml"},
    ),
    "thumbnails that were labelled": (
        photos("full/a.jpg", small=("small/a.jpg",)) | {"x/a.xml": annotation("a.jpg", size_wh=SMALL)},
        {"small/a.jpg": "x/a.xml"},
    ),
    # Two images of one stem and size: <folder> says which.
    "folder in it": (
        photos("left/a.jpg", "right/a.jpg") | {"x/a.xml": annotation("a.jpg", "right")},
        {"right/a.jpg": "x/a.xml"},
    ),
    "path in it": (
        photos("left/a.jpg", "right/a.jpg") | {"x/a.xml": annotation("a.jpg", more=r"D:\shots\right\a.jpg")},
        {"right/a.jpg": "x/a.xml"},
    ),
    # Two sets with equal stems: the nearest folder, and the word that two folders share.
    "two sets": (
        photos("A/img/1.jpg", "B/img/1.jpg") | {"A/xml/1.xml": annotation("1.jpg"), "B/xml/1.xml": annotation("1.jpg")},
        {"A/img/1.jpg": "A/xml/1.xml", "B/img/1.jpg": "B/xml/1.xml"},
    ),
    "folders called alike": (
        photos("test_images/1.jpg", "train_images/1.jpg")
        | {"test_annots/1.xml": annotation("1.jpg"), "train_annots/1.xml": annotation("1.jpg")},
        {"test_images/1.jpg": "test_annots/1.xml", "train_images/1.jpg": "train_annots/1.xml"},
    ),
    # Another backup of the annotations is not a second image's.
    "two annotations": (
        photos("images/a.jpg") | {"Annotations/a.xml": annotation(), "backup/a.xml": annotation()},
        {"images/a.jpg": "Annotations/a.xml"},
    ),
    # In the encodings that XML may have.
    "UTF-16": (
        photos("i/車.jpg") | {"x/1.xml": annotation("車.jpg").decode().encode("utf-16")},
        {"i/車.jpg": "x/1.xml"},
    ),
    "GBK": (
        photos("i/车.jpg")
        | {"x/1.xml": b'<?xml version="1.0" encoding="gbk"?>' + annotation("车.jpg").decode().encode("gbk")},
        {"i/车.jpg": "x/1.xml"},
    ),
    # A comment or a document type before the root says nothing.
    "a comment first": (
        photos("i/a.jpg") | {"x/1.xml": b"<!-- <object> -->\n<!DOCTYPE annotation>" + annotation("a.jpg")},
        {"i/a.jpg": "x/1.xml"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_image_of_an_annotation(name: str, tmp_path: Path) -> None:
    files, expected = CASES[name]
    found = gathered(write(tmp_path, files))
    assert found.layout.name == "voc"
    own = {source.path: found.layout.own_label_files(source) for source in (*found.sources, *found.holdout)}
    assert {path: files[0].path for path, files in own.items() if files} == expected
    assert set(own) == {name for name in files if not name.endswith(".xml")}


def test_what_matches_nothing_is_named(tmp_path: Path) -> None:
    files = photos("images/a.jpg", "other/a.jpg") | {
        "images/a.xml": annotation("a.jpg"),
        "images/gone.xml": annotation("gone.jpg"),
    }
    found = gathered(write(tmp_path, files))
    assert found.notices == (
        "1 annotation file (images/gone.xml) left out: the image is missing, or another annotation describes it",
        "1 image (other/a.jpg) without labels: the annotation of this name describes an image in another folder",
    )


def test_xml_of_another_kind_is_left_to_others(tmp_path: Path) -> None:
    files = photos("images/a.jpg") | {"images/a.xml": b"<annotations><image name='a.jpg'/></annotations>"}
    assert gathered(write(tmp_path, files), layout="voc").failures


def test_a_thousand_images_of_one_name(tmp_path: Path) -> None:
    """As many folders with a frame 1 each: looked up, not compared with each other."""
    from augmentai.dataset.file_tree import Entry, Tree
    from augmentai.dataset.formats.voc.annotation_files import AnnotationFile, assign

    images = [Entry(f"images/{folder}/1.jpg", "") for folder in range(1000)]
    files = [AnnotationFile(Entry(f"xml/{folder}/1.xml", ""), "annotation", "1.jpg") for folder in range(1000)]
    assert len(Tree(images=images).folders()) == 1002
    found = assign(files, images)
    assert {image: entry.path for (image, _), entry in found.of_image.items()} == {
        f"images/{folder}/1.jpg": f"xml/{folder}/1.xml" for folder in range(1000)
    }
    assert not found.unused
