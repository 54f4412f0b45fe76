"""Sets as datumaro reads them, run by the Python of an environment that has it: what it needs does not fit this one.

python -m venv some_folder && some_folder/bin/pip install datumaro
DATUMARO_PYTHON=some_folder/bin/python pytest tests/dataset/formats/test_convert_datumaro.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from augmentai.dataset.formats.masks.palette import voc_color
from tests.support import trainers

PYTHON = os.environ.get("DATUMARO_PYTHON", "")
_SPLITS = ("train", "val", "test")
_SCRIPT = """
import json, sys
import datumaro
data = datumaro.Dataset.import_from(sys.argv[1], sys.argv[2])
labels = data.categories()[datumaro.AnnotationType.label]
found = {}
for item in data:
    drawn = [one for one in item.annotations if one.type != datumaro.AnnotationType.label]
    boxes = [(labels[one.label].name, [float(value) for value in one.get_bbox()]) for one in drawn]
    found[item.id] = boxes
print(json.dumps(found))
"""


def read_set(place: Path, to: str, work: Path) -> trainers.Boxes:
    """The boxes of every image of a set that was written in a format, by stem; an outline beside its box counts once.

    Args:
        place: the set.
        to: its format.
        work: an empty folder, for files in the folders that datumaro looks into.
    """
    name, folders = arranged(place, to, work)
    found: trainers.Boxes = {}
    for folder in folders:
        command = [PYTHON, "-c", _SCRIPT, str(folder), name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr[-2000:]
        for key, boxes in json.loads(done.stdout.splitlines()[-1]).items():
            corners = {
                (label, (x, y, x + w, y + h)) for label, (x, y, w, h) in boxes if label not in {"background", "void"}
            }
            found[Path(key).name] = sorted(corners)
    return found


def arranged(place: Path, to: str, work: Path) -> tuple[str, list[Path]]:
    """What datumaro calls a format, and the folders to be read, one after the other."""
    if to in {"coco", "panoptic"}:  # images/SPLIT beside annotations
        shutil.copytree(place / "annotations", work / "annotations")
        for split in _SPLITS:
            shutil.copytree(place / split, work / "images" / split)
        return {"coco": "coco_instances", "panoptic": "coco_panoptic"}[to], [work]
    if to == "masks":  # a folder per split, masks in colours, and the names of these in a file of its own
        return "common_semantic_segmentation", list(_with_colours(place, work))
    return {"voc": "voc_detection"}.get(to, to), [place]


def _with_colours(place: Path, work: Path) -> Iterator[Path]:
    names = (place / "classes.txt").read_text("utf-8").splitlines()
    colors = [*map(voc_color, range(len(names))), voc_color(255)]
    meta = {"label_map": dict(enumerate([*names, "void"])), "segmentation_colors": colors}
    for split in _SPLITS:
        shutil.copytree(place / "images" / split, work / split / "images")
        (work / split / "masks").mkdir()
        for file in (place / "masks" / split).iterdir():
            with Image.open(file) as mask:
                mask.convert("RGB").save(work / split / "masks" / file.name)
        (work / split / "dataset_meta.json").write_text(json.dumps(meta), "utf-8")
        yield work / split
