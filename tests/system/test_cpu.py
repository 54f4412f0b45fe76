"""As many threads as the container may use cores, not as many as its host has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from augmentai.system.cpu import has_bfloat16, usable_cores

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "150000 100000"}, min(2, ALL or 1)),
        ({"cpu.max": "max 100000"}, ALL),
        ({"cpu.max": "rubbish"}, ALL),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, ALL),
        ({}, ALL),
    ],
)
def test_the_container_quota_is_respected(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert usable_cores(tmp_path) == expected


def test_on_this_machine() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx512f avx512_bf16", True),
        ("fpu amx_bf16 amx_tile", True),
        ("fpu avx2 avx512f", False),
        ("fpu notavx512_bf16x", False),
    ],
)
def test_bfloat16_is_read_from_the_flags(tmp_path: Path, flags: str, expected: bool) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbogomips\t: 5000\n")
    assert has_bfloat16(tmp_path) == expected


def test_bfloat16_is_not_assumed_where_nothing_is_known(tmp_path: Path) -> None:
    assert not has_bfloat16(tmp_path)
