"""Half-written files that killed processes leave behind on disk."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from augmentai.cluster import merge, plan, run_shards
from augmentai.storage.parts import appearing, remove_left_parts
from tests.support.shared_runs import QUICK, photos

KILLED = """
import os, signal, sys
from pathlib import Path
from augmentai.storage.parts import appearing
with appearing(Path(sys.argv[1])) as part:
    part.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def half_written(path: Path) -> Path:
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == -9
    (part,) = path.parent.glob(f".{path.name}.*.part")
    return part


def test_what_a_killed_process_left_goes_and_what_others_write_stays(tmp_path: Path) -> None:
    left = half_written(tmp_path / "a.tar")
    old, new = (tmp_path / f".{name}.tar.elsewhere.7.7.part" for name in "bc")
    others = [tmp_path / name for name in ("a.part", ".mine.part", f".d.tar.{socket.gethostname()}.x.7.part")]
    for path in (old, new, *others):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    with appearing(tmp_path / "e.tar") as part:
        part.write_bytes(b"whole")
        remove_left_parts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {new.name, "e.tar", *(path.name for path in others)}
    assert not left.exists()


def test_running_and_merging_a_plan_clears_its_folder(tmp_path: Path) -> None:
    plan(photos(tmp_path / "set", {"cats": 2}), tmp_path / "plan", **QUICK)
    before = half_written(tmp_path / "plan/shards/00000.tar")
    assert run_shards(tmp_path / "plan").status.is_complete
    assert not before.exists()
    after = half_written(tmp_path / "plan/running/00000.json")
    merge(tmp_path / "plan", tmp_path / "merged")
    assert not after.exists()
