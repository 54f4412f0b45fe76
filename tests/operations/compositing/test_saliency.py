"""Subjects by a saliency network: rembg's own loading and running, with a network of one layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augmentai.operations import OperationError, apply_operations, replay_operations
from augmentai.operations.background import Background
from augmentai.operations.compositing import saliency
from augmentai.operations.compositing.subject import find_subject
from augmentai.recipe import Recipe, RecipeError
from augmentai.system import extras
from tests.support.saliency_model import write_brightness_model

SIZE_WH = (120, 80)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """rembg's folder, without a model."""
    monkeypatch.delenv("U2NET_HOME", raising=False)
    monkeypatch.setenv("REMBG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "older"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing is downloaded by a test
    monkeypatch.setattr(saliency, "_sessions", {})
    monkeypatch.setattr(saliency, "_faults", {})
    return tmp_path


def photo(box: tuple[int, int, int, int] = (40, 20, 80, 60), bright: int = 230) -> Image.Image:
    """A bright square on a dark ground with noise."""
    values = np.random.default_rng(1).integers(10, 30, (*SIZE_WH[::-1], 3), dtype=np.uint8)
    values[box[1] : box[3], box[0] : box[2]] = bright
    return Image.fromarray(values)


def test_the_network_says_where_the_subject_is(home: Path) -> None:
    write_brightness_model(home)
    found = find_subject(photo(), "custom")
    expected = np.zeros(SIZE_WH[::-1], bool)
    expected[20:60, 40:80] = True
    assert found.fault == ""
    assert (found.mask & expected).sum() / (found.mask | expected).sum() > 0.95


GATE = {
    # where the bright part is, how bright, what is said of it
    "a speck": ((2, 2, 8, 8), 230, "the subject is too small to be sure of"),
    "nearly everything": ((0, 0, 120, 76), 230, "the subject fills the image"),
    "along the border": ((0, 0, 120, 44), 230, "the subject reaches far along the border of the image"),
}


@pytest.mark.parametrize(("box", "bright", "words"), GATE.values(), ids=GATE)
def test_a_mask_that_cannot_be_right_is_not_used(
    home: Path, box: tuple[int, int, int, int], bright: int, words: str
) -> None:
    write_brightness_model(home)
    assert find_subject(photo(box, bright), "custom").fault == words


def test_a_soft_mask_is_uncertain(home: Path) -> None:
    """One pixel is white, so that all that is grey is a middling value."""
    write_brightness_model(home)
    image = photo(bright=150)
    image.paste("white", (50, 30, 62, 42))
    assert find_subject(image, "custom").fault == "the outline of the subject is uncertain"


def test_background_uses_it_and_a_replay_repeats_it(home: Path) -> None:
    write_brightness_model(home)
    applied = apply_operations(photo(), None, [Background(ground="plain", cutout="custom")], 3)
    (record,) = applied.details["operations"]
    assert record["drawn"]["cutout"] == "custom"
    assert applied.image.getpixel((60, 40)) == (230, 230, 230)
    assert replay_operations(photo(), None, [record])[0].tobytes() == applied.image.tobytes()


NO_MODEL = {
    "custom": "put your own model there",
    "u2net": "connect once to download it, or copy it there",
}


@pytest.mark.parametrize(("model", "remedy"), NO_MODEL.items(), ids=NO_MODEL)
def test_a_model_that_cannot_be_had(home: Path, model: saliency.Model, remedy: str) -> None:
    with pytest.raises(OperationError) as raised:
        find_subject(photo(bright=211), model)  # not seen before, so nothing is remembered of it
    assert f"cutout={model}: " in str(raised.value)
    assert str(home / "models") in str(raised.value)
    assert str(raised.value).endswith(remedy)


def test_a_model_that_came_later_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure is remembered for a while, so that a download is not attempted for every image."""
    with pytest.raises(OperationError):
        find_subject(photo(bright=212), "custom")
    write_brightness_model(home)
    with pytest.raises(OperationError):
        find_subject(photo(bright=212), "custom")
    monkeypatch.setattr(saliency, "_RETRY_SECONDS", 0.0)
    assert find_subject(photo(bright=212), "custom").fault == ""


def test_every_network_is_one_of_rembgs() -> None:
    from rembg.sessions import sessions

    assert {*saliency._REMBG.values(), saliency._CUSTOM} <= sessions.keys()


def test_without_the_extra_a_recipe_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.MODULES, "cutout", ("no_such_package",))
    with pytest.raises(RecipeError, match=r"cutout=u2net: no_such_package not installed .*; run pip install "):
        Recipe(operations=["background(cutout=u2net)"])
    assert Recipe(operations=["background(cutout=built_in)"]).operations == ("background",)


def test_rembg_compiles_for_others_afterwards(home: Path) -> None:
    import numba

    write_brightness_model(home)
    find_subject(photo(), "custom")
    assert not numba.config.DISABLE_JIT
