"""The key: used however it was pasted, and in nothing that a run leaves behind."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from augmentai.engines.stability import StabilityEngine
from augmentai.recipe import Recipe
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, run_job, settings_for, some_sources
from tests.support.image_files import jpeg

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("key", [f"  {KEY}\n", f"Bearer {KEY}", f'"{KEY}"', f"\t'{KEY}' "])
def test_a_key_is_used_however_it_was_pasted(emulator: Emulator, key: str) -> None:  # noqa: F811
    settings = settings_for(emulator, stability_api_key=key)
    assert run_job(settings, some_sources(1)).engines == {"stability": 1}


@pytest.mark.parametrize("key", ["sk-two words", "sk-line\nbreak", "sk-ключ", "sk-\x00"])
def test_an_unusable_key_is_reported_without_showing_it(emulator: Emulator, key: str) -> None:  # noqa: F811
    readiness = StabilityEngine(settings_for(emulator, stability_api_key=key)).readiness()
    assert (readiness.ready, readiness.configured) == (False, True)
    assert key[3:] not in readiness.reason
    ran = run_job(settings_for(emulator, stability_api_key=key), some_sources(1))
    assert ran.engines == {"gan": 1}


def test_the_key_is_in_nothing_that_a_run_leaves_behind(
    emulator: Emulator,  # noqa: F811
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Through the command line, in a process of its own, with a server that echoes the key in its error."""
    photos = tmp_path / "photos" / "cats"
    photos.mkdir(parents=True)
    for i in range(4):
        (photos / f"{i}.jpg").write_bytes(jpeg(seed=i))
    emulator.control(faults=[{"name": "403", "times": 1}, {"name": "401-echo", "times": -1, "after": 2}])
    own = {
        "STABILITY_API_KEY": KEY,
        "STABILITY_API_BASE": emulator.url,
        "AUGMENTAI_STABILITY_ENDPOINT": "structure",
        "AUGMENTAI_STABILITY_CONCURRENCY": "1",
        "AUGMENTAI_STABILITY_CREDITS_PER_DAY": "100",
        "AUGMENTAI_STATE": str(tmp_path / "state"),
        "PYTHONASYNCIODEBUG": "1",
    }
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "augmentai", str(tmp_path / "photos"), "-o", str(tmp_path / "out")],
        env=os.environ | own,
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    left = done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        left += path.read_bytes() if path.is_file() else b""
        left += str(path).encode()
    assert b'"engine": "stability"' in left
    assert b"401: unauthorized" in left
    assert KEY.encode() not in left
    assert KEY[3:15].encode() not in left
    with caplog.at_level(logging.DEBUG):
        settings = settings_for(emulator)
        engine = StabilityEngine(settings)
        run_job(settings, some_sources(2), Recipe(engine="stability", seed=1), [engine])
    shown = [
        caplog.text,
        repr(settings),
        str(settings),
        repr(engine),
        repr(engine.service.client()),
        repr(vars(engine)),
    ]
    shown += [settings.model_dump_json(), repr(engine.service.client()._session.headers), str(engine.readiness())]
    assert KEY not in "\n".join(shown)
