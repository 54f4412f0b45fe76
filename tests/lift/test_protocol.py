"""The lift measurement: real pictures, real variations, real (short) training."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from augmentai.lift import LabelledSet, LiftError, Plan, Row, markdown, summary
from augmentai.lift.policies import CEILING, POLICIES, policy
from augmentai.lift.protocol import measure
from augmentai.lift.shift import KINDS, shifted
from augmentai.recipe import Recipe


def picture(label: str, number: int) -> bytes:
    """Stripes that lie for one class and stand for the other, in any colour."""
    rng = np.random.default_rng(number)
    line = (np.arange(64) // (3 + number % 3) % 2)[:, None] * np.ones((1, 64))
    line = line if label == "lying" else line.T
    colours = rng.integers(0, 255, (2, 3))
    pixels = np.where(line[..., None] > 0, colours[0], colours[1]) + rng.normal(0, 6, (64, 64, 3))
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lift") / "stripes"
    for part, count in (("train", 8), ("test", 12)):
        for label in ("lying", "standing"):
            folder = root / part / label
            folder.mkdir(parents=True)
            for number in range(count):
                data = picture(label, number + 100 * (part == "test"))
                (folder / f"{number}.png").write_bytes(data)
    return root


def test_a_set_is_read_with_its_parts(stripes: Path) -> None:
    data = LabelledSet.read(stripes)
    assert (data.name, data.classes) == ("stripes", ("lying", "standing"))
    assert (len(data.train), len(data.test)) == (16, 24)
    assert not {s.sha256 for s in data.train} & {s.sha256 for s in data.test}
    few = data.shots(3, seed=1)
    assert [s.label for s in few] == ["lying"] * 3 + ["standing"] * 3
    assert few == data.shots(3, seed=1) != data.shots(3, seed=2)


def test_without_a_test_folder_some_pictures_are_kept_out(stripes: Path) -> None:
    data = LabelledSet.read(stripes / "test")
    assert len(data.train) + len(data.test) == 24
    assert not {s.sha256 for s in data.train} & {s.sha256 for s in data.test}


def test_what_cannot_be_measured_is_said(tmp_path: Path, stripes: Path) -> None:
    with pytest.raises(LiftError, match="no picture could be read"):
        LabelledSet.read(tmp_path)
    with pytest.raises(LiftError, match=r"class folder\(s\) found; measuring needs two"):
        LabelledSet.read(stripes / "test" / "lying")


def test_measured_with_and_without(stripes: Path) -> None:
    plan = Plan(shots=6, seed=1, steps=40, policies=("none", "flip+crop"))
    recipes = {"GAN": Recipe(engine="gan", variations=2, seed=1, strength=1.0)}
    told: list[str] = []
    rows = measure(LabelledSet.read(stripes), plan, recipes, tell=told.append)
    assert [(r.policy, r.made_with) for r in rows] == [
        ("none", "without"),
        ("none", "GAN"),
        ("flip+crop", "without"),
        ("flip+crop", "GAN"),
    ]
    assert max(row.clean for row in rows) > 65, "stripes are easily learnt"
    assert "flip+crop, GAN" in told[-1]
    table = markdown(rows)
    assert "| none | GAN | " in table
    assert "6-shot shifted" in table


@pytest.mark.parametrize("name", [*POLICIES, CEILING])
def test_policies_give_pictures_of_the_same_kind(name: str) -> None:
    torch.manual_seed(0)
    x = torch.rand(16, 3, 64, 64)
    out = policy(name)(x.clone())
    assert out.shape == x.shape
    assert 0 <= float(out.min()) <= float(out.max()) <= 1
    assert torch.equal(out, x) == (name == "none")


def test_every_picture_of_the_shifted_set_is_shifted() -> None:
    pictures = torch.randint(40, 200, (2 * len(KINDS), 3, 64, 64), dtype=torch.uint8)
    hard = shifted(pictures, 7)
    assert torch.equal(hard, shifted(pictures, 7))
    assert not torch.equal(hard, shifted(pictures, 8))
    assert bool(((hard.float() - pictures.float()).abs().mean((1, 2, 3)) > 1).all())


def test_means_and_spread() -> None:
    rows = [
        Row(name, 10, seed, "none", made, clean, clean - 10)
        for name, base in (("a", 40.0), ("b", 60.0))
        for seed in (1, 2)
        for made, clean in (("without", base + seed), ("GAN", base + 3 * seed + 1))
    ]
    without, gan = summary(rows)
    assert (without.clean, gan.clean, gan.shifted) == (51.5, 55.5, 45.5)
    assert without.clean_spread == pytest.approx(0.71)
    assert "| none, GAN, 10-shot | +4.0 ± 1.0 / +4.0 ± 1.0 | +4.0 ± 1.0 / +4.0 ± 1.0 |" in markdown(rows)
    one_seed = [row for row in rows if row.seed == 1]
    assert "| none, GAN, 10-shot | +3.0 / +3.0 | +3.0 / +3.0 |" in markdown(one_seed)  # of one nothing can be said


def test_a_table_of_runs_that_did_not_measure_the_same() -> None:
    def both(policy: str, shots: int) -> list[Row]:
        return [Row("a", shots, 1, policy, made, 40.0 + (made == "GAN"), 30.0) for made in ("without", "GAN")]

    lines = markdown(both("none", 10) + both(CEILING, 30)).splitlines()
    assert "| none | GAN | 41.0 ± 0.0 | 30.0 ± 0.0 |  |  |" in lines
    assert f"| {CEILING} | GAN |  |  | 41.0 ± 0.0 | 30.0 ± 0.0 |" in lines
    assert "| none, GAN, 10-shot | +1.0 / +0.0 |" in lines
    assert not any(line.startswith("| none, GAN, 30-shot") for line in lines)


def test_a_table_while_sets_are_still_being_measured() -> None:
    rows = [Row("a", shots, 1, "none", made, 40.0, 30.0) for shots in (10, 30) for made in ("without", "GAN")]
    rows += [Row("b", 10, seed, "none", "GAN", 41.0, 31.0) for seed in (1, 2)] + [
        Row("b", 10, 2, "none", "without", 40, 30)
    ]
    lines = markdown(rows).splitlines()
    assert "| none, GAN, 10-shot | +0.0 / +0.0 | +1.0 / +1.0 |" in lines  # of the seed that has both
    assert "| none, GAN, 30-shot | +0.0 / +0.0 | - / - |" in lines
