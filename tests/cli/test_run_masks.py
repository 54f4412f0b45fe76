"""`augmentai run --dry-run --masks`: what would be cut out, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from augmentai.cli.app import app
from tests.support.command_line import augmentai


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """One image with a subject and one without."""
    folder = tmp_path / "set"
    folder.mkdir()
    image = Image.new("RGB", (96, 64), (20, 90, 40))
    image.paste("red", (30, 20, 60, 50))
    image.save(folder / "a.png")
    Image.new("RGB", (64, 48), "gray").save(folder / "flat.png")
    return folder


def test_a_contact_sheet_beside_the_plan(dataset: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "masks.svg"
    done = augmentai(dataset, "--dry-run", "-O", "background(ground=plain)", "--engine", "none", "--masks", sheet)
    assert done.returncode == 0, done.stderr
    assert "2 variations of 2 images" in done.stdout
    assert f"masks: 1 of 2 images gets another background; 1 stays as it is; see {sheet}" in done.stdout
    assert "- flat.png: nothing stands out from the surroundings" in done.stdout
    assert sheet.read_text().startswith("<svg")


def test_what_stays_as_it_is_is_said_before_the_run_and_after(dataset: Path, tmp_path: Path) -> None:
    """Of a gradient, which has no subject in front of a ground."""
    (dataset / "flat.png").unlink()
    Image.linear_gradient("L").convert("RGB").resize((96, 64)).save(dataset / "gradient.png")
    asked = (dataset, "-O", "background(ground=plain)", "--engine", "none")
    words = "background: 1 of 2 images gets another background; 1 stays as it is: "
    assert words in " ".join(augmentai(*asked, "--dry-run").stderr.split())
    done = augmentai(*asked, "-o", tmp_path / "out")
    before, after = " ".join(done.stderr.replace("│", " ").split()).split("Failed (1)")
    assert words in before
    assert "near-copy of its source" in after
    assert "; background was left out: " in after


WRONG = {
    # what is typed beside the set, what is said
    "not a dry run": (("-o", "out", "-O", "background", "--masks", "m.svg"), "add --dry-run"),
    "another ending": (("--dry-run", "-O", "background", "--masks", "m.png"), "m.png is no .svg file"),
    "nothing that cuts": (("--dry-run", "-O", "flip", "--masks", "m.svg"), "add the operation background"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_refused(
    dataset: Path, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(dataset.parent)
    done = CliRunner().invoke(app, ["run", str(dataset), *words])
    assert done.exit_code == 2
    assert said in done.output
    assert sorted(path.name for path in dataset.parent.iterdir()) == ["set"]
