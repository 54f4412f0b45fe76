"""Datasets on the Hub by hf:// URLs, over HTTP to a server on this machine that answers as the Hub does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from augmentai.settings import ROOT
from tests.support.command_line import run_command
from tests.support.dataset_hub import TOKEN, FakeHub, fake_hub
from tests.support.labelled_sets import LAYOUTS, contents, write

WORDS = ("-n", "2", "--seed", "7", "-e", "gan", "--no-filters")


@pytest.fixture
def hub() -> FakeHub:
    with fake_hub() as one:
        yield one


def over(hub: FakeHub, tmp_path: Path, *words: str | Path, **environment: str):
    variables = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
    return run_command(*words, environment=os.environ | variables | environment, cwd=ROOT, columns=300)


@pytest.mark.parametrize("lfs", [False, True])
def test_a_dataset_is_written_in_few_commits_and_read_again(hub: FakeHub, lfs: bool, tmp_path: Path) -> None:
    hub.lfs = lfs
    photos = write(tmp_path / "photos", LAYOUTS["imagefolder jsonl"][1])
    on_disk = over(hub, tmp_path, photos, "-o", tmp_path / "on disk", *WORDS)
    assert on_disk.returncode == 0, on_disk.stderr
    done = over(hub, tmp_path, photos, "-o", "hf://datasets/user/larger", *WORDS, HF_HUB_DISABLE_XET="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "hf://datasets/user/larger"
    files = dict(hub.repos["user/larger"])
    assert files["README.md"] == files["dataset_card.md"]
    assert {name: files[name] for name in contents(tmp_path / "on disk")} == contents(tmp_path / "on disk")
    assert not [name for name in files if name.startswith(".augmentai")]
    assert len(hub.commits) <= 5
    sent = len(hub.commits)
    again = over(hub, tmp_path, photos, "-o", "hf://datasets/user/larger", *WORDS, HF_HUB_DISABLE_XET="1")
    assert "nothing left to do" in again.stderr
    assert len(hub.commits) <= sent + 3
    assert {name: data for name, data in hub.repos["user/larger"].items() if name in files} == files
    back = over(hub, tmp_path, "hf://datasets/user/larger", "-o", tmp_path / "back", *WORDS)
    assert back.returncode == 0, back.stderr


def test_a_new_dataset_can_be_private(hub: FakeHub, tmp_path: Path) -> None:
    photos = write(tmp_path / "photos", LAYOUTS["class folders"][1])
    for name, words in (("open", ()), ("closed", ("--private",))):
        done = over(hub, tmp_path, photos, "-o", f"hf://datasets/user/{name}", "-n", "1", "-e", "gan", *words)
        assert done.returncode == 0, done.stderr
    assert hub.private == {"user/open": False, "user/closed": True}


def test_a_token_that_may_not_write_is_reported(hub: FakeHub, tmp_path: Path) -> None:
    photos = write(tmp_path / "photos", LAYOUTS["class folders"][1])
    hub.refuse["POST", "/api/repos/create"] = 403
    done = over(hub, tmp_path, photos, "-o", "hf://datasets/user/larger", *WORDS)
    assert done.returncode == 2
    assert "hf://datasets/user/larger: access denied" in done.stderr
    assert "set HF_TOKEN" in done.stderr
    assert TOKEN not in done.stderr + done.stdout
