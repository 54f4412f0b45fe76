"""A finished run pushed to the Hub: over HTTP to a server on this machine that answers as the Hub does."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from augmentai.dataset.manifest import CARD, OWN_FILES, RECIPE_FILE
from augmentai.dataset.writers.hub import Hub, HubError
from augmentai.settings import ROOT, Settings
from tests.support.command_line import run_command
from tests.support.dataset_hub import TOKEN, FakeHub, fake_hub
from tests.support.runs import photos_in_classes, run_to_end


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as one:
        yield one


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos_in_classes(6, tmp_path_factory.mktemp("hub") / "photos")


@pytest.fixture
def out(photos: Path, tmp_path: Path) -> Path:
    run_to_end(photos, tmp_path / "out")
    return tmp_path / "out"


def push(
    hub: FakeHub, photos: Path, out: Path, *words: str, name: str = "user/set", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command line over a finished run, which has nothing left to do but to push."""
    line = [photos, "-o", out, "-n", "2", "-e", "gan", "-s", "0.7", "--push-to-hub", name, *words]
    variables = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", "HF_HOME": str(out.parent / "hf")}
    return run_command(*line, environment=os.environ | variables | environment, cwd=ROOT, columns=300)


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("lfs", "xet"), [(False, "0"), (True, "1")])
def test_everything_arrives_once(hub: FakeHub, photos: Path, out: Path, lfs: bool, xet: str) -> None:
    hub.lfs = lfs
    done = push(hub, photos, out, HF_HUB_DISABLE_XET=xet)
    assert done.returncode == 0, done.stderr
    assert f"{hub.url}/datasets/user/set" in done.stdout
    sent = hub.repos["user/set"]
    assert sent.pop(".gitattributes")
    assert sent.pop("README.md") == (out / CARD).read_bytes()
    assert sent == files_of(out)
    assert hub.private == {"user/set": False}
    assert hub.commits[0] == [RECIPE_FILE, "README.md"]
    assert TOKEN not in done.stdout + done.stderr


def test_a_second_push_resumes_and_keeps_the_readme(hub: FakeHub, photos: Path, out: Path) -> None:
    assert push(hub, photos, out).returncode == 0
    sent = hub.repos["user/set"]
    sent["README.md"] = b"with a licence"
    gone = [name for name in sent if name.startswith("class 1")]
    for name in gone:
        del sent[name]
    before = len(hub.commits)
    assert push(hub, photos, out).returncode == 0
    assert sorted(name for commit in hub.commits[before:] for name in commit) == sorted(gone)
    assert sent["README.md"] == b"with a licence"


def test_private(hub: FakeHub, photos: Path, out: Path) -> None:
    assert push(hub, photos, out, "--private", name="team/set").returncode == 0
    assert hub.private == {"team/set": True}


def test_what_arrived_is_a_dataset(
    hub: FakeHub, photos: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert push(hub, photos, out).returncode == 0
    for name, data in hub.repos["user/set"].items():
        path = tmp_path / "downloaded" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    from datasets import load_dataset

    loaded = load_dataset(str(tmp_path / "downloaded"), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded.features["label"].names == ["class 0", "class 1"]
    assert len(loaded) == len(files_of(out).keys() - OWN_FILES) == 18  # 6 originals among them


class TestWhatIsRefused:
    def refused(self, done: subprocess.CompletedProcess[str], words: str) -> None:
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert TOKEN not in done.stdout + done.stderr

    def test_another_dataset_of_that_name(self, hub: FakeHub, photos: Path, out: Path) -> None:
        hub.repos["user/set"] = {".gitattributes": b"", "mine.jpg": b"mine"}
        done = push(hub, photos, out)
        assert done.returncode == 1
        self.refused(done, "user/set contains another dataset and nothing is overwritten; choose a new name")
        hub.repos["user/set"] = {RECIPE_FILE: b"another run"}
        self.refused(push(hub, photos, out), "contains another dataset")
        assert hub.repos["user/set"] == {RECIPE_FILE: b"another run"}

    @pytest.mark.parametrize(
        ("environment", "words"),
        [
            ({"HF_TOKEN": ""}, "HF_TOKEN is not set; create a token with write permission"),
            ({"HF_TOKEN": "hf_wrong"}, "the Hub does not accept HF_TOKEN"),
            ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set, so nothing can be sent"),
            ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "the Hub cannot be reached"),
        ],
    )
    def test_before_the_work(
        self, hub: FakeHub, photos: Path, tmp_path: Path, environment: dict[str, str], words: str
    ) -> None:
        done = push(hub, photos, tmp_path / "new", **environment)
        assert done.returncode == 2
        self.refused(done, words)
        assert not (tmp_path / "new").exists()

    def test_a_token_that_may_only_read(self, hub: FakeHub, photos: Path, out: Path) -> None:
        hub.role = "read"
        self.refused(push(hub, photos, out), "HF_TOKEN is read-only")

    @pytest.mark.parametrize(
        ("place", "status", "words"),
        [
            (("POST", "/api/repos/create"), 403, "HF_TOKEN has no permission to write to user/set"),
            (("POST", "/api/datasets/user/set/commit"), 403, "HF_TOKEN has no permission to write to user/set"),
            (("POST", "/api/datasets/user/set/commit"), 422, "the Hub answered 422"),
        ],
    )
    def test_by_the_hub(
        self, hub: FakeHub, photos: Path, out: Path, place: tuple[str, str], status: int, words: str
    ) -> None:
        hub.refuse[place] = status
        done = push(hub, photos, out)
        assert done.returncode == 1
        self.refused(done, words)
        hub.refuse.clear()
        assert push(hub, photos, out).returncode == 0

    @pytest.mark.parametrize("name", ["set", "user/set/more", "user/se t", "", "../x"])
    def test_names(self, name: str) -> None:
        with pytest.raises(HubError, match="is not a valid dataset name"):
            Hub(name, Settings(hf_token=TOKEN))

    def test_without_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        find_spec = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "hub" in name else find_spec(name))
        with pytest.raises(
            HubError, match=r"huggingface_hub not installed \(extra augmentai\[hub\]\); run pip install"
        ):
            Hub("user/set", Settings(hf_token=TOKEN))

    def test_a_zip(self, hub: FakeHub, photos: Path, tmp_path: Path) -> None:
        done = push(hub, photos, tmp_path / "out.zip")
        assert done.returncode == 2
        assert "not a ZIP" in done.stderr
