"""VIA's JSON, alone, in a project and of its first version: read, and written so that VIA finds every image."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from augmentai.dataset.formats.via.json_codec import open_via_json
from tests.support.labelled_sets import SIZE_WH, augmented, contents, gathered, photo, write
from tests.support.list_sets import via_region
from tests.support.listed_files import assert_read_or_reported, changed_anywhere
from tests.support.memory_file import MemoryFile

CAR = ("red car", 4, 6, 24, 20)
PHOTO = photo([CAR])
FLIP = [{"flip": {"probability": 1.0}}]


def image(**other: Any) -> dict[str, Any]:
    entry = {"filename": "a.jpg", "size": len(PHOTO), "regions": [via_region(CAR)], "file_attributes": {"time": "day"}}
    return {f"a.jpg{len(PHOTO)}": {**entry, **other}}


def flipped(content: Any, tmp_path: Path) -> tuple[Any, int]:
    """A file after one mirrored variation, and the size of that in bytes."""
    given = write(tmp_path / "in", {"a.jpg": PHOTO, "via.json": json.dumps(content).encode()})
    assert gathered(given).layout.name == "via"
    augmented([given], tmp_path / "out", operations=FLIP, variations=1)
    found = contents(tmp_path / "out")
    return json.loads(found["via.json"]), len(found["a__v1.jpg"])


def test_a_variation_has_its_own_size_and_key(tmp_path: Path) -> None:
    written, size = flipped(image(), tmp_path)
    assert list(written) == [f"a.jpg{len(PHOTO)}", f"a__v1.jpg{size}"]
    own, made = written.values()
    assert own == next(iter(image().values()))
    assert (made["filename"], made["size"], made["file_attributes"]) == ("a__v1.jpg", size, {"time": "day"})
    (region,) = made["regions"]
    assert region["shape_attributes"] == {"name": "rect", "x": 40, "y": 6, "width": 20, "height": 14}
    assert region["region_attributes"] == {"class": "red car", "seen": "from afar"}


def test_a_project_keeps_its_settings_and_lists_its_images(tmp_path: Path) -> None:
    project = {
        "_via_settings": {"ui": {"width": 18}, "core": {"default_filepath": ""}},
        "_via_img_metadata": image(),
        "_via_attributes": {"region": {"class": {"type": "text"}}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(image()),
    }
    written, size = flipped(project, tmp_path)
    rest = {"_via_settings", "_via_attributes", "_via_data_format_version"}
    assert {key: written[key] for key in rest} == {key: project[key] for key in rest}
    assert written["_via_image_id_list"] == list(written["_via_img_metadata"]) == [*image(), f"a__v1.jpg{size}"]


def test_the_first_version_numbers_its_regions_and_may_hold_pixels(tmp_path: Path) -> None:
    old = image(regions={"0": via_region(CAR)}, fileref="", base64_img_data="aGVsbG8=")
    written, size = flipped(old, tmp_path)
    made = written[f"a__v1.jpg{size}"]
    assert list(made["regions"]) == ["0"]
    assert made["base64_img_data"] == ""


values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_value_anywhere_is_read_or_reported(data: st.DataObject) -> None:
    content: Any = copy.deepcopy(image(regions=[via_region(CAR), via_region(CAR, "polygon")]))
    changed_anywhere(content, data, values)
    assert_read_or_reported(
        lambda: open_via_json(MemoryFile("via.json", json.dumps(content).encode())), "via.json", "image ", SIZE_WH
    )
