"""What a caller may pass: odd but legal images, labels and paths."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai import augment, run
from augmentai.dataset.readers.python_inputs import to_inputs
from augmentai.types import Source

SHARES = np.linspace(0, 1, 48 * 64, dtype=np.float32).reshape(48, 64)
SOFTENED = {"engine": "gan", "seed": 7, "filters": False, "geometry": "none"}


def read_back(image: Any) -> Image.Image:
    """An image as the pipeline reads it."""
    (source,) = to_inputs([image])
    assert isinstance(source, Source)
    found = Image.open(io.BytesIO(source.read()))
    found.load()
    return found


def jpeg_file(path: Path) -> Path:
    Image.fromarray((SHARES * 255).astype(np.uint8)).save(path, "JPEG")
    return path


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L"])
def test_sixteen_bits_in_any_byte_order(mode: str) -> None:
    values = (SHARES * 65535).astype(np.uint16)
    stored = values.astype(">u2" if mode == "I;16B" else "<u2")
    assert np.array_equal(np.asarray(read_back(Image.frombytes(mode, (64, 48), stored.tobytes()))), values)


@pytest.mark.parametrize("values", [SHARES, SHARES * 1e6, SHARES - 0.5], ids=["0 to 1", "large", "negative"])
def test_floats_of_pil_keep_their_values(values: Any) -> None:
    found = read_back(Image.fromarray(values))
    assert found.mode == "F"
    assert np.array_equal(np.asarray(found), values)


@pytest.mark.parametrize("low", [0, 70_000, -5])
def test_whole_numbers_of_pil_keep_their_values(low: int) -> None:
    values = (SHARES * 1000).astype(np.int32) + low
    assert np.array_equal(np.asarray(read_back(Image.fromarray(values))), values)


@pytest.mark.parametrize(("mode", "kept"), [("La", "LA"), ("RGBa", "RGBA"), ("PA", "RGBA")])
def test_transparency_of_any_mode(mode: str, kept: str) -> None:
    image = Image.new("LA" if mode == "La" else "RGBA", (64, 48), (200, 100) if mode == "La" else (200, 90, 10, 100))
    found = read_back(image.convert("P").convert("PA") if mode == "PA" else image.convert(mode))
    assert found.mode == kept
    assert mode == "PA" or found.getchannel("A").getextrema() == (100, 100)


def test_an_image_that_is_closed_or_truncated_fails_alone(tmp_path: Path) -> None:
    file = jpeg_file(tmp_path / "a.jpg")
    with Image.open(file) as closed:
        pass
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(file.read_bytes()[:-200])
    good = Image.open(file)
    outcomes = list(augment([closed, Image.open(cut), good], **SOFTENED))
    assert sorted(outcome.ok for outcome in outcomes) == [False, False, True]
    assert all("could not be read" in outcome.reason for outcome in outcomes if not outcome.ok)


@pytest.mark.parametrize(("label", "folder"), [(".", "_"), ("..", "__"), ("a..", "a"), ("../b", ".._b")])
def test_a_label_of_dots_is_a_class_like_any_other(tmp_path: Path, label: str, folder: str) -> None:
    result = run([(Image.open(jpeg_file(tmp_path / "a.jpg")), label)], tmp_path / "out", **SOFTENED)
    (line,) = (json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines())
    assert result.ok
    assert (line["label"], line["file"]) == (label, f"{folder}/image_000001__v1.png")


def test_a_label_of_numpy_is_plain_text() -> None:
    (source,) = to_inputs([(np.zeros((4, 4), np.uint8), np.str_("cats"))])
    assert isinstance(source, Source)
    assert type(source.label) is str


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = jpeg_file(tmp_path / "a.jpg")
    assert to_inputs("~/a.jpg") == to_inputs(Path("~/a.jpg")) == [file]
    (source,) = to_inputs([("~/a.jpg", "cats")])
    assert isinstance(source, Source)
    assert source.read() == file.read_bytes()
    assert run("~/a.jpg", "~/out", **SOFTENED).path == tmp_path / "out"
