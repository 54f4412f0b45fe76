"""An earlier run made again: the same pictures of the same photographs, and words where that cannot be."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.dataset.manifest import MANIFEST, OWN_FILES, RECIPE_FILE
from augmentai.dataset.run_record import read_record
from augmentai.engines import available
from augmentai.pipeline.replay import EarlierRun, ReplayError, check, compare
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.command_line import augmentai
from tests.support.image_files import png
from tests.support.runs import photos_in_classes, run_to_end

RECIPE = Recipe(seed=5, engine="gan", variations=2, strength=0.7, prompt="x: [y]", negative_prompt="#ねこ\n")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos_in_classes(4, tmp_path_factory.mktemp("replay") / "photos")


@pytest.fixture(scope="module")
def earlier(photos: Path) -> Path:
    """A real run of the command line, by the real local GAN."""
    out = photos.parent / "out"
    assert augmentai(photos, "-o", out, "-n", "2", "-e", "gan", "-s", "0.9").returncode == 0
    return out


def pictures(folder: Path) -> dict[str, bytes]:
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {name: data for name, data in found.items() if name not in OWN_FILES}


def test_the_same_images_again(earlier: Path) -> None:
    again = augmentai("replay", earlier)
    assert again.returncode == 0, again.stderr
    assert "8 of 8 files are identical" in again.stderr
    assert pictures(Path(f"{earlier}-replay")) == pictures(earlier)
    assert len(pictures(earlier)) == 12  # 8 variations and 4 originals


def test_from_a_zip_with_photographs_that_were_moved(earlier: Path, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "moved")
    with zipfile.ZipFile(tmp_path / "run.zip", "w") as archive:
        for path in earlier.rglob("*"):
            archive.write(path, path.relative_to(earlier))
    lost = augmentai("replay", tmp_path / "run.zip")
    assert lost.returncode == 2
    assert "source photos not found relative to" in lost.stderr
    again = augmentai("replay", tmp_path / "run.zip", tmp_path / "moved", "-o", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    assert pictures(tmp_path / "again") == pictures(earlier)


def test_images_that_are_held_out_now(earlier: Path, photos: Path, tmp_path: Path) -> None:
    """As where an earlier version did not recognize the splits of a set."""
    shutil.copytree(photos, tmp_path / "others" / "train")
    (tmp_path / "others" / "val" / "class 1").mkdir(parents=True)
    (tmp_path / "others" / "train" / "class 1" / "01.jpg").rename(tmp_path / "others" / "val" / "class 1" / "01.jpg")
    message = augmentai("replay", earlier, tmp_path / "others", "-o", tmp_path / "again")
    assert message.returncode == 2
    assert "1 recognized as validation or test images now (class 1/01.jpg)" in message.stderr


def test_photographs_that_are_others(earlier: Path, photos: Path, tmp_path: Path) -> None:
    others = shutil.copytree(photos, tmp_path / "others")
    (others / "class 0" / "00.png").write_bytes(png(seed=50))
    (others / "class 1" / "01.jpg").unlink()
    (others / "class 1" / "new.png").write_bytes(png(seed=51))
    message = augmentai("replay", earlier, others, "-o", tmp_path / "again")
    assert message.returncode == 2
    assert "1 changed (class 0/00.png); 1 missing (class 1/01.jpg); 1 new (class 1/new.png)" in message.stderr
    assert not (tmp_path / "again").exists()


def test_what_is_not_a_run(photos: Path, tmp_path: Path) -> None:
    for what in (photos, photos / "class 0" / "00.png", tmp_path / "nothing"):
        with pytest.raises(ReplayError, match=r"holds no recipe\.yaml|cannot be read"):
            EarlierRun(what)


def test_a_folder_called_replay_is_an_input_all_the_same(photos: Path) -> None:
    assert "no such file or folder" in augmentai("./replay", "-o", photos.parent / "never").stderr


def test_what_may_differ_is_reported(photos: Path, tmp_path: Path) -> None:
    run_to_end(photos, tmp_path / "out", RECIPE)
    manifest = tmp_path / "out" / MANIFEST
    manifest.write_text(manifest.read_text().replace('"engine": "gan"', '"engine": "stability"', 3))
    run = EarlierRun(tmp_path / "out")
    changed = {**run.record.versions, "pillow": "1.0"}
    now = replace(run.record, versions=changed, models={"gan": "other"})
    assert check(run, now, (), available(Settings())) == [
        f"the model of gan was {run.record.models['gan']}, now other",
        f"pillow was {run.record.versions['pillow']}, now 1.0",
        "3 of the images were made by stability: the hosted service does not promise the same pixels twice",
    ]


def test_a_run_of_an_older_local_gan_is_said_to_differ(photos: Path, tmp_path: Path) -> None:
    """Version 0.2.0 named its model without a runtime, and computed with torch."""
    run_to_end(photos, tmp_path / "out", RECIPE)
    manifest = tmp_path / "out" / MANIFEST
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    models = ("augmentai-gan 3187 steps", "augmentai-gan 3187 steps, runtime 2")
    lines[0]["model"], lines[1]["model"] = models
    manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    run = EarlierRun(tmp_path / "out")
    assert check(run, run.record, (), available(Settings())) == [
        "1 of the images were made by gan: it computes in another way since version 0.3.0, so pixels may differ by one "
        "level of 255"
    ]


def test_the_model_that_took_the_place_of_another_is_demanded(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_to_end(photos, tmp_path / "out", RECIPE)
    manifest = tmp_path / "out" / MANIFEST
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    for line in lines[:2]:
        line |= {"engine": "diffusion", "model": "maker/substitute@0123456789ab"}
        line["details"] = {"in_place_of": "stabilityai/sd-turbo", "device": "cpu", "dtype": "float32"}
    manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    monkeypatch.setenv("AUGMENTAI_DIFFUSION_DTYPE", "bfloat16")
    run = EarlierRun(tmp_path / "out")
    notes = check(run, run.record, (), available(Settings()))
    made = "2 of the images were made by diffusion: "
    assert [note.removeprefix(made) for note in notes if note.startswith(made)] == [
        "another GPU, CPU or driver may give other pixels",
        "computed in float32, and now bfloat16; set AUGMENTAI_DIFFUSION_DTYPE=float32",
        "painted by maker/substitute, commit 0123456789ab; to make them again, set AUGMENTAI_DIFFUSION_MODEL to it",
    ]


def test_images_that_differ_are_reported(photos: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run_to_end(photos, tmp_path / name, RECIPE)
    (tmp_path / "one" / "class 0" / "00__v1.png").write_bytes(
        (tmp_path / "one" / "class 0" / "00__v2.png").read_bytes()
    )
    same = tmp_path / "one" / "class 0" / "00__v2.png"
    from PIL import Image

    with Image.open(same) as picture:
        picture.save(same, compress_level=9)
    (tmp_path / "one" / "class 1" / "01__v1.jpg").unlink()
    result = compare(EarlierRun(tmp_path / "one"), EarlierRun(tmp_path / "two"))
    assert str(result) == (
        "5 of 7 files are identical; 1 has the same pixels in other bytes; "
        "1 differs (class 0/00__v1.png); 1 could not be compared, since the earlier run does not have it"
    )


def test_identical_images_with_other_labels_are_compared_each_with_its_own(tmp_path: Path) -> None:
    """What is erased depends on the labels, and so differs between two files of the same bytes."""
    photos = tmp_path / "photos"
    for folder in ("images", "labels"):
        (photos / folder).mkdir(parents=True)
    for name, text in (("a", "0 0.5 0.5 0.6 0.6\n"), ("b", ""), ("c", "0 0.2 0.2 0.1 0.1\n")):
        (photos / "images" / f"{name}.png").write_bytes(png())
        (photos / "labels" / f"{name}.txt").write_text(text)
    steps = [{"erase": {"scale": 0.3, "most_hidden": 0.05}}]
    recipe = Recipe(seed=5, engine="none", operations=steps, geometry="none", filters=False)
    for out in ("one", "two"):
        run_to_end(photos, tmp_path / out, recipe, engines=available(Settings()))
    made = pictures(tmp_path / "one")
    assert made["images/a__v1.png"] != made["images/b__v1.png"]
    assert str(compare(EarlierRun(tmp_path / "one"), EarlierRun(tmp_path / "two"))) == "3 of 3 files are identical"


def test_each_run_has_a_record(earlier: Path) -> None:
    record = read_record((earlier / RECIPE_FILE).read_text(), "")
    assert record.inputs == ("../photos",)
    assert record.recipe.seed
    lines = [json.loads(line) for line in (earlier / MANIFEST).read_text().splitlines()]
    assert all(line["versions"] == record.versions for line in lines)
