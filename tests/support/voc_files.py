"""Small Pascal VOC annotations and images of any name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.image_files import encoded, jpeg
from tests.support.labelled_sets import Files

LARGE, SMALL = (32, 24), (16, 12)


def annotation(filename: str = "", folder: str = "", size_wh: tuple[int, int] = LARGE, more: str = "") -> bytes:
    """The XML of an image with one cup. An empty field is left out."""
    fields = "".join(
        f"<{tag}>{text}</{tag}>" for tag, text in (("folder", folder), ("filename", filename), ("path", more)) if text
    )
    box = "<bndbox><xmin>3</xmin><ymin>3</ymin><xmax>12</xmax><ymax>10</ymax></bndbox>"
    size = f"<size><width>{size_wh[0]}</width><height>{size_wh[1]}</height></size>"
    return f"<annotation>{fields}{size}<object><name>cup</name>{box}</object></annotation>".encode()


def photos(*names: str, small: tuple[str, ...] = ()) -> Files:
    """Images of which no two are alike."""
    sizes = [(name, LARGE) for name in names] + [(name, SMALL) for name in small]
    return {name: jpeg(size_wh, seed) for seed, (name, size_wh) in enumerate(sizes)}


def described(files: Files, folder: str = "Annotations") -> Files:
    """The same files with an annotation of each image in the folder beside its own."""
    made = dict(files)
    for name in files:
        path = Path(name)
        made[str(path.parent.with_name(folder) / f"{path.stem}.xml")] = annotation(path.name)
    return made


def trimap() -> bytes:
    """Object, border and background, as Oxford-IIIT Pet has them."""
    values = np.full(LARGE[::-1], 2, np.uint8)
    values[3:10, 3:12] = 3
    values[4:9, 4:11] = 1
    return encoded(Image.fromarray(values))
