"""A real disk of a few megabytes, which fills."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: float, files: int = 100_000) -> Iterator[Path]:
    """A file system in memory of this size, for so many files. Skips the test where none can be mounted."""
    folder.mkdir(parents=True)
    options = f"size={int(megabytes * 1024)}k,nr_inodes={files}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here ({done.stderr.strip()}); run the tests as root")
    try:
        yield folder
    finally:
        if shutil.which("chattr"):
            subprocess.run(["chattr", "-R", "-i", str(folder)], capture_output=True, check=False)
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def failing_disk(folder: Path) -> Iterator[Path]:
    """A file system that `make_read_only` breaks. Skips the test where none can be mounted."""
    folder.mkdir(parents=True)
    image = folder.with_suffix(".img")
    image.write_bytes(bytes(8 << 20))
    for command in (["mkfs.ext4", "-q", str(image)], ["mount", "-o", "loop", str(image), str(folder)]):
        if shutil.which(command[0]) is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip(f"no disk of its own can be mounted here ({command[0]}); run the tests as root on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def make_read_only(disk: Path) -> None:
    """What the system does with a disk that fails: nothing can be written any more, to open files neither."""
    subprocess.run(["mount", "-o", "remount,abort", str(disk)], check=True)


def take_all_inodes(disk: Path) -> None:
    """Make empty files until there can be no more."""
    with suppress(OSError):
        for number in itertools.count():
            (disk / f"empty{number}").touch()


def make_unchangeable(disk: Path) -> None:
    """Let nobody add or remove files, not even root. Skips the test where that cannot be done."""
    for folder in (disk, *filter(Path.is_dir, disk.iterdir())):
        done = subprocess.run(["chattr", "+i", str(folder)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no folder can be made unchangeable here ({done.stderr.strip()})")


def fill(disk: Path) -> Path:
    """Take all that is left of a disk, as somebody else might. Returns the file that takes it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast
