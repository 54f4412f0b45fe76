"""The command line over S3: killed at any request, it is resumed by what the store has."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from augmentai.settings import ROOT
from augmentai.storage import open_store
from tests.support.image_files import jpeg, png
from tests.support.killable import Killable
from tests.support.plugin_package import write_engines
from tests.support.runs import contents_of
from tests.support.s3_server import BUCKET, S3Server

RUN = ("-e", "inverter", "-n", "3", "--seed", "7", "-o")
CHANGES = {"PUT", "POST", "DELETE"}


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killable]:
    package = write_engines(tmp_path_factory.mktemp("package"))
    one = Killable(PYTHONPATH=f"{ROOT}:{package}")
    yield one
    one.close()


def upload(s3: S3Server, tmp_path: Path) -> None:
    files = {"cats/a.jpg": jpeg((32, 24), seed=1), "dogs/a.png": png((24, 32), seed=2), "dogs/b.png": png((20, 20))}
    open_store(f"s3://{BUCKET}/photos").put_all(files)
    for name, data in files.items():
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(data)
    s3.asked.clear()


def run(killable: Killable, s3: S3Server, out: str, number: int = 0, how: int = signal.SIGKILL) -> int:
    """The exit status of a run, whose process gets a signal instead of an answer to one of its changes."""
    pid, known, count = [0], threading.Event(), [0]

    def fault(method: str, path: str) -> int | None:
        known.wait(60)
        count[0] += method in CHANGES
        if method in CHANGES and count[0] == number:
            os.kill(pid[0], how)
            return 503 if how == signal.SIGKILL else None
        return None

    s3.fault = fault
    pid[0] = killable.start(f"s3://{BUCKET}/photos", *RUN, f"s3://{BUCKET}/{out}", **s3.environment)
    known.set()
    return int(killable.read_word("ended"))


def written(s3: S3Server, out: str) -> tuple[dict[str, bytes], list[str]]:
    """The files of a run, and those that its manifest names."""
    own = {"manifest.jsonl", "recipe.yaml", "dataset_card.md", "contact_sheet.svg"}
    files = s3.files(f"{out}/")
    lines = [json.loads(line) for line in files["manifest.jsonl"].splitlines()]
    return {name: data for name, data in files.items() if name not in own}, sorted(line["file"] for line in lines)


def test_killed_at_each_change(killable: Killable, s3: S3Server, tmp_path: Path) -> None:
    upload(s3, tmp_path)
    assert killable.run(tmp_path / "photos", *RUN, tmp_path / "on disk") == 0
    expected = contents_of(tmp_path / "on disk")[0]
    assert run(killable, s3, "whole") == 0
    changes = sum(method in CHANGES for method, _ in s3.asked)
    files, named = written(s3, "whole")
    assert files == {name: data for name, data in expected.items() if name in files}
    assert len(named) == len(set(named)) == 9
    for number in range(1, changes + 1, 4):
        assert run(killable, s3, f"killed {number}", number) == -signal.SIGKILL
        assert run(killable, s3, f"killed {number}") == 0
        assert written(s3, f"killed {number}") == (files, named)


def test_interrupted_it_keeps_what_is_finished(killable: Killable, s3: S3Server, tmp_path: Path) -> None:
    upload(s3, tmp_path)
    assert run(killable, s3, "stopped", 2, signal.SIGTERM) in {0, 1, 2}
    assert run(killable, s3, "stopped") == 0
    assert run(killable, s3, "whole") == 0
    assert written(s3, "stopped") == written(s3, "whole")
