"""URLs on the command line: read, written, inspected and replayed; what is wrong with one is said in words."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from augmentai.storage import open_store
from tests.support.command_line import run_command
from tests.support.labelled_sets import LAYOUTS, write
from tests.support.s3_server import BUCKET, S3Server

SET, OUT = f"s3://{BUCKET}/a set", f"s3://{BUCKET}/larger"
RUN = ("-n", "2", "--seed", "7", "-e", "gan", "--no-filters")


@pytest.fixture
def over(s3: S3Server, tmp_path: Path):
    """The command line with the credentials of the server, which has a set of Pascal VOC."""
    open_store(SET).put_all(LAYOUTS["voc"][1])

    def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_command(*words, environment=os.environ | s3.environment | environment, cwd=tmp_path, columns=300)

    return run


def test_a_set_is_inspected_like_one_on_disk(over, tmp_path: Path) -> None:
    write(tmp_path / "a set", LAYOUTS["voc"][1])
    there, here = over("inspect", SET, "--json"), over("inspect", "a set", "--json")
    assert there.returncode == here.returncode
    assert json.loads(there.stdout) == json.loads(here.stdout)


def test_a_run_between_stores_is_resumed_and_replayed(over) -> None:
    planned = over(SET, "-o", OUT, *RUN, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    done = over(SET, "-o", OUT, *RUN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == OUT
    again = over(SET, "-o", OUT, *RUN)
    assert "nothing left to do" in again.stderr
    repeated = over("replay", OUT)
    assert repeated.returncode == 0, repeated.stderr
    assert "6 of 6 files are identical" in repeated.stderr
    assert Path(repeated.stdout.strip()).name == "larger-replay"
    refused = over(SET, "-o", OUT, *RUN, "--strength", "0.1")
    assert refused.returncode == 2
    assert f"{OUT} contains a run with different settings (strength" in refused.stderr


def test_a_run_from_a_store_to_disk_is_replayed(over, tmp_path: Path) -> None:
    assert over(SET, "-o", "on disk", *RUN).returncode == 0
    repeated = over("replay", "on disk")
    assert repeated.returncode == 0, repeated.stderr
    assert "6 of 6 files are identical" in repeated.stderr


def test_a_file_url_is_a_path(over, tmp_path: Path) -> None:
    write(tmp_path / "a set", LAYOUTS["voc"][1])
    done = over(f"file://{tmp_path}/a%20set", "-o", f"file://{tmp_path}/on%20disk", *RUN)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "on disk" / "manifest.jsonl").is_file()
    assert "a set" in (tmp_path / "on disk" / "recipe.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("s3://no-such-bucket/set", "-o", "x", *RUN), "there is no such bucket as no-such-bucket"),
        ((SET, "-o", "s3://no-such-bucket/larger", *RUN), "s3://no-such-bucket/larger"),
        ((SET, "-o", f"{OUT}.zip", *RUN), "a ZIP is written on this machine alone"),
        (("s3://key:secretOfMine@bucket/set", "-o", "x", *RUN), "contains a password"),
        (("nosuch://bucket/set", "-o", "x", *RUN), "fsspec has no driver for nosuch://"),
        ((SET, "-o", OUT, *RUN, "--push-to-hub", "me/set"), "only a folder of this machine can be pushed"),
    ],
)
def test_what_cannot_be_done_says_why(over, words: tuple[str, ...], message: str) -> None:
    done = over(*words)
    assert done.returncode == 2
    assert message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert "secretOfMine" not in done.stderr
