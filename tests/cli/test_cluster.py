"""`augmentai plan`, `run-shards`, `status` and `merge`, as commands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from augmentai.cli import cluster
from augmentai.storage import open_store
from tests.support.command_line import augmentai, run_command
from tests.support.dataset_hub import TOKEN, fake_hub
from tests.support.s3_server import BUCKET, S3Server
from tests.support.shared_runs import QUICK, assert_same, photos, single
from tests.support.small_disk import small_disk

FLAGS = ("-e", "none", "-O", "flip", "-O", "crop", "-O", "noise", "--seed", "7", "-n", "2")


def test_a_run_from_its_plan_to_its_set(tmp_path: Path) -> None:
    folder, plan = photos(tmp_path / "set", {"cats": 3, "dogs": 2}), tmp_path / "plan"
    planned = augmentai("plan", folder, "-o", plan, "--shard-size", "2", *FLAGS)
    assert planned.returncode == 0, planned.stderr
    assert "planned: 5 images, 10 variations, 3 shards" in planned.stdout
    assert f"next: augmentai run-shards {plan}" in planned.stdout
    begun = augmentai("status", plan, "--json")
    assert begun.returncode == 1
    assert json.loads(begun.stdout)["shards"] == 3
    early = augmentai("merge", plan, "-o", tmp_path / "merged")
    assert early.returncode == 2
    assert "0 of 3 shards done" in early.stderr
    made = augmentai("run-shards", plan)
    assert made.returncode == 0, made.stderr
    assert made.stdout == "3 of 3 shards done; 10 of 10 variations\n"
    again = augmentai("plan", folder, "-o", plan, "--shard-size", "2", *FLAGS)
    assert "planned already" in again.stdout
    merged = augmentai("merge", plan, "-o", tmp_path / "merged")
    assert merged.returncode == 0, merged.stderr
    assert merged.stdout == f"merged: 10 variations; see {tmp_path / 'merged'}\n"
    assert_same(tmp_path / "merged", single(folder, tmp_path, **QUICK))


def test_a_recipe_of_a_file_and_another_one_for_the_same_folder(tmp_path: Path) -> None:
    folder, plan = photos(tmp_path / "set", {"cats": 2}), tmp_path / "plan"
    (tmp_path / "mine.yaml").write_text("engine: none\noperations: [flip]\nseed: 7\n")
    assert augmentai("plan", folder, "-o", plan, "--recipe", tmp_path / "mine.yaml").returncode == 0
    other = augmentai("plan", folder, "-o", plan, "--recipe", tmp_path / "mine.yaml", "--seed", "8")
    assert other.returncode == 2
    assert "seed was 7, now 8" in other.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("status", "{}"), "there is no complete plan; run: augmentai plan SET -o"),
        (("run-shards", "{}", "--on", "ray"), "there is no complete plan"),
        (("merge", "{}", "-o", "out", "--kind", "zip"), "do not fit; a ZIP, and nothing else, ends in .zip"),
        (("plan", "{}", "-o", "{}/plan", "-e", "gan"), "there is no image to plan for"),
        (("plan", "{}/gone", "-o", "{}/plan", "-e", "gan"), "no image to plan for (gone: no such file or folder)"),
    ],
)
def test_what_is_wrong_is_said_in_words(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = augmentai(*(word.format(tmp_path) for word in words))
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_a_store_that_stops_answering_is_reported(
    tmp_path: Path, s3: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photos(tmp_path / "set", {"cats": 2})
    s3.fault = lambda method, path: 503 if method == "GET" and path.endswith("shards.json") else None
    with pytest.raises(SystemExit) as left:
        cluster.plan([folder], open_store(f"s3://{BUCKET}/plan"), {"engine": "none", "operations": ["flip"]}, None, 2)
    assert left.value.code == 2
    assert "shards.json: the store does not answer" in " ".join(capsys.readouterr().err.split())


def test_a_full_temporary_folder_and_a_machine_without_slurm_are_reported(tmp_path: Path) -> None:
    folder, plan = photos(tmp_path / "set", {"cats": 2}), tmp_path / "plan"
    augmentai("plan", folder, "-o", plan, *FLAGS)
    slurm = ("--on", "slurm", "--partition", "cpu", "--time", "1:00:00")
    submitted = run_command("run-shards", plan, *slurm, environment=os.environ | {"PATH": str(tmp_path)})
    assert submitted.returncode == 2
    assert "sbatch is not in PATH" in submitted.stderr
    augmentai("run-shards", plan)
    with small_disk(tmp_path / "full", 0.01) as disk:
        merged = run_command("merge", plan, "-o", tmp_path / "a", environment=os.environ | {"TMPDIR": str(disk)})
    assert merged.returncode == 2
    assert "No space left on device" in merged.stderr
    assert "Traceback" not in merged.stderr


def test_a_dataset_on_the_hub(tmp_path: Path) -> None:
    folder, plan = photos(tmp_path / "set", {"cats": 2, "dogs": 1}), tmp_path / "plan"
    augmentai("plan", folder, "-o", plan, *FLAGS)
    augmentai("run-shards", plan)
    with fake_hub() as hub:
        variables = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
        words = ("merge", plan, "-o", "hf://datasets/user/larger")
        done = run_command(*words, environment=os.environ | variables)
        assert done.returncode == 0, done.stderr
        sent = hub.repos["user/larger"]
    alone = single(folder, tmp_path, **QUICK)
    for path in alone.rglob("*.jpg"):
        assert sent[path.relative_to(alone).as_posix()] == path.read_bytes()
