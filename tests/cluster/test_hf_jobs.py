"""Shards made by jobs of the Hugging Face Hub, which is emulated over HTTP; the plan is in a store over HTTP."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from augmentai.cli.app import main
from augmentai.cluster import ClusterError, merge, plan, run_shards, status
from augmentai.storage import open_store
from tests.support.jobs_hub import TOKEN, JobsHub, jobs_hub
from tests.support.s3_server import BUCKET, S3Server
from tests.support.shared_runs import QUICK, assert_same, photos, single

URL = f"s3://{BUCKET}/plan"
INSTALL = "augmentai[cluster,s3] @ file:///wheel"


@pytest.fixture
def hub(tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsHub]:
    monkeypatch.setattr("augmentai.cluster.executors._JOBS_POLL_S", 0.1)
    (tmp_path / "hub").mkdir()
    with jobs_hub(tmp_path / "hub", monkeypatch) as one:
        yield one


@pytest.fixture
def planned(tmp_path: Path, s3: S3Server) -> Path:
    """The set, on disk; it is in the store as well, where it was planned."""
    folder, store = photos(tmp_path / "set", {"cats": 4, "dogs": 3}), open_store(f"s3://{BUCKET}/set")
    for path in folder.rglob("*.jpg"):
        store.put(path.relative_to(folder).as_posix(), path.read_bytes())
    plan(store.url, URL, shard_size=2, **QUICK)
    return folder


def test_jobs_make_what_one_machine_makes_and_no_secret_is_shown(
    tmp_path: Path,
    s3: S3Server,
    hub: JobsHub,
    planned: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.break_first = 1  # is submitted again
    named = [word for name in s3.environment for word in ("--secret", name)]
    words = ["run-shards", URL, "--on", "hf-jobs", "--workers", "2", "--time", "2h", "--flavor", "cpu-upgrade"]
    monkeypatch.setattr("sys.argv", ["augmentai", *words, "--install", INSTALL, *named])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = "".join(capfd.readouterr())
    assert ended.value.code == 0, shown + "".join(log.read_text() for log in hub.folder.glob("job */log.txt"))
    assert "4 of 4 shards done" in shown
    assert len(hub.specs) == 3
    spec = hub.specs[-1]
    assert spec["secrets"] == {"HF_TOKEN": TOKEN, **s3.environment}
    assert (spec["flavor"], spec["timeoutSeconds"]) == ("cpu-upgrade", 7200)
    assert INSTALL in spec["command"]
    stored = s3.files("plan/")
    for secret in (TOKEN, s3.environment["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in shown
        assert secret not in str([{**one, "secrets": None} for one in hub.specs])
        assert not [name for name, data in stored.items() if secret.encode() in data]
    merge(URL, tmp_path / "merged")
    alone = single(planned, tmp_path, **QUICK)
    for folder in (tmp_path / "merged", alone):
        (folder / "recipe.yaml").unlink()  # it names the set where it was
    assert_same(tmp_path / "merged", alone)


def test_jobs_that_cannot_do_it_say_why(hub: JobsHub, planned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError, match=r"the job failed \(ERROR: exit code 1; its log is at http.*/user/job1\)"):
        run_shards(URL, on="hf-jobs", install=INSTALL)  # without the keys of the store
    assert len(hub.specs) == 2
    hub.refuse = 402, "Pre-paid credit balance is insufficient"
    with pytest.raises(ClusterError, match=r"answered 402 \(Pre-paid .* is insufficient\); jobs are paid with credits"):
        run_shards(URL, on="hf-jobs", install=INSTALL)
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    with pytest.raises(ClusterError, match=r"answered 401 .*set HF_TOKEN") as refused:
        run_shards(URL, on="hf-jobs", install=INSTALL)
    assert "hf_another" not in str(refused.value)
    with pytest.raises(ClusterError, match="--secret NOWHERE: this variable is not set"):
        run_shards(URL, on="hf-jobs", install=INSTALL, secret=["NOWHERE"])
    assert status(URL).done == 0


def test_jobs_end_with_the_command_that_waits_for_them(hub: JobsHub, planned: Path) -> None:
    hub.hang = True

    def interrupt() -> None:
        until = time.monotonic() + 60
        while len(hub.specs) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_shards(URL, on="hf-jobs", workers=2, install=INSTALL)
    thread.join()
    assert hub.ended == ["job0", "job1"]
