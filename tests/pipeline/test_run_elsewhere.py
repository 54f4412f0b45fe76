"""The same run on other machines: the same files, whatever the cores, the language, the user and the folders."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from augmentai.settings import ROOT
from tests.support.image_files import jpeg

PHOTOS = 6

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read on Linux")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("elsewhere") / "set", PHOTOS)


def write_photos(folder: Path, count: int, size_wh: tuple[int, int] = (96, 64)) -> Path:
    """Photographs of two classes."""
    for number in range(count):
        path = folder / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(size_wh, seed=number))
    return folder


def run(photos: Path, out: Path, prepare: Callable[[], Any] | None = None, **environment: str | None) -> str:
    """A run in a process of its own. `prepare` is called in it first; None takes a variable away. Its peak memory."""
    script = (
        "import re, sys\n"
        "from augmentai.cli.app import app\n"
        "code = app(sys.argv[1:], standalone_mode=False)\n"
        "print('peak', int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)\n"
        "sys.exit(code)"
    )
    own = {k: v for k, v in os.environ.items() if not k.startswith(("STABILITY", "AUGMENTAI"))}
    own |= {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | {k: v for k, v in environment.items() if v is not None}
    for name in (name for name, value in environment.items() if value is None):
        own.pop(name, None)
    words = [str(photos), "-o", str(out), "-e", "gan", "-n", "2", "--seed", "7", "--originals", "none"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=out.parent,
        env=own,
        preexec_fn=prepare,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(folder: Path) -> dict[str, bytes]:
    """The variations; the manifest holds times."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.jpg"))}


@pytest.fixture(scope="module")
def expected(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("here") / "out"
    run(photos, out)
    made = files(out)
    assert len(made) == 2 * PHOTOS
    return made


def one_core_and_private_files() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.umask(0o077)


ELSEWHERE: dict[str, tuple[Callable[[], Any] | None, dict[str, str | None]]] = {
    # what is called in the process first, variables
    "one core, private files, no home": (
        one_core_and_private_files,
        {"HOME": None, "XDG_CACHE_HOME": None, "TERM": None, "COLUMNS": "20"},
    ),
    "another language, place and hash seed": (
        None,
        {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "12345"},
    ),
    "plain C, a home that is not there, one thread in every library": (
        None,
        {"LANG": "C", "LC_ALL": "C", "HOME": "/nonexistent", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    ),
}


@pytest.mark.parametrize(("prepare", "environment"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_same_files(
    photos: Path,
    expected: dict[str, bytes],
    tmp_path: Path,
    prepare: Callable[[], Any] | None,
    environment: dict[str, str | None],
) -> None:
    run(photos, tmp_path / "out", prepare, **environment)
    assert files(tmp_path / "out") == expected


def test_a_temporary_folder_of_an_odd_name(photos: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    odd = tmp_path / "Ünï cödé 'quoted'"
    odd.mkdir()
    run(photos, odd / "out", TMPDIR=str(odd))
    assert files(odd / "out") == expected


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    few, many = (write_photos(tmp_path / str(count), count, (480, 320)) for count in (20, 120))
    peaks_mb = [int(run(photos, tmp_path / f"out{photos.name}").split("peak ")[1]) for photos in (few, many)]
    assert peaks_mb[1] < peaks_mb[0] + 40, "100 more images and their variations take 138 MB if they are kept"
