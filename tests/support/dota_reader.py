"""DOTA's label files as its development kit reads them: nine or ten words on each line, corners in pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Objects = list[tuple[str, np.ndarray[Any, Any], int]]  # class, (4, 2) corners, difficult


def read_set(folder: Path) -> dict[str, Objects]:
    """{path of the image in `folder`: its objects}. Every corner is in its image."""
    found = {}
    for image in sorted(folder.rglob("images/**/*.*")):
        with Image.open(image) as opened:
            size_wh = opened.size
        before, _, after = image.relative_to(folder).as_posix().rpartition("images/")
        label = (folder / f"{before}labelTxt/{after}").with_suffix(".txt")
        objects: Objects = []
        for line in label.read_text("utf-8").splitlines() if label.is_file() else ():
            words = line.strip().split(" ")
            if len(words) < 9:
                assert words[0].startswith(("imagesource:", "gsd:")), line
                continue
            corners = np.array(words[:8], float).reshape(4, 2)
            assert ((corners >= 0) & (corners <= size_wh)).all(), line
            objects.append((words[8], corners, int(words[9])))
        found[image.relative_to(folder).as_posix()] = objects
    return found
