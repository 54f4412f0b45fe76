"""Large files in UTF-16 and UTF-32, as parsers of bytes read them: by `read`, `readinto` or `read1`, line by line."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from augmentai.dataset import file_tree
from augmentai.dataset.readers.gather import Gathered
from tests.support.image_files import png
from tests.support.labelled_sets import gathered, write

CVAT = (
    '<?xml version="1.0" encoding="{}"?><annotations><image id="0" name="a.png" width="64" height="48">'
    '<box label="été" xtl="1" ytl="2" xbr="9" ybr="12"/></image></annotations>'
)
ENCODINGS = {
    "utf-8-sig": b"",  # Python writes these marks itself
    "utf-16": b"",
    "utf-32": b"",
    "utf-16-le": b"",  # without a mark
    "utf-16-be": codecs.BOM_UTF16_BE,
}
TEXTS = {
    "annotations.xml": CVAT,
    "boxes.csv": "filename,xmin,ymin,xmax,ymax,class\na.png,1,2,9,12,été\n",
    "coco.json": '{{"images": [{{"id": 1, "file_name": "a.png", "width": 64, "height": 48}}], "annotations": ['
    '{{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 8, 10]}}],'
    ' "categories": [{{"id": 1, "name": "été"}}]}}',
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_large_label_files(name: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_tree, "_LARGEST_TEXT_BYTES", 20)  # so that a small file is a large one
    text = TEXTS[name].format(encoding.removesuffix("-sig").upper())
    data = ENCODINGS[encoding] + text.encode(encoding)
    found: Gathered = gathered(write(tmp_path / "in", {"a.png": png((64, 48)), name: data}))
    assert found.layout.failures == []
    (source,) = found.sources
    assert source.labels is not None
    assert [(shape.category, shape.box) for shape in source.labels.load().shapes] == [("été", (1, 2, 9, 12))]
