"""The local GAN, flips, crops and blurs run where torch cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from augmentai.settings import EXAMPLES

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "kornia"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())  # other packages may look for torch, and must not find it either
from augmentai.__main__ import main
sys.exit(main())
"""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKED, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_run_needs_no_torch(tmp_path: Path) -> None:
    out = tmp_path / "out"
    operations = ["--operation", "rotate", "--operation", "defocus_blur"]
    done = run(EXAMPLES / "chelsea.png", "-o", out, "-e", "gan", "-n", 2, "--seed", 5, *operations)
    assert done.returncode == 0, done.stderr
    assert len(list(out.glob("chelsea__v*.png"))) == 2


def test_what_needs_torch_names_its_extra(tmp_path: Path) -> None:
    done = run("lift", EXAMPLES)
    assert done.returncode != 0
    assert "augmentai[lift]" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
