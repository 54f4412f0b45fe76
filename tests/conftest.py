"""Every test sees the same environment, whoever runs it: no keys, no settings, no telemetry, two threads."""

from __future__ import annotations

import atexit
import gc
import os
import sys

for _name in list(os.environ):
    if _name.startswith(("STABILITY_", "AUGMENTAI_", "HF_", "HUGGING", "AWS_", "FSSPEC_")):
        del os.environ[_name]
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["AUGMENTAI_CACHE_MB"] = "0"  # tests leave nothing in the cache directory of whoever runs them
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "2")  # both are read when torch is first loaded
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait by spinning starve each other on busy cores

# Modules are compiled once, and not by each of the many processes that tests start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

from collections.abc import Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402
from tempfile import TemporaryDirectory  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402

from augmentai.engines.gan import GanEngine  # noqa: E402
from augmentai.settings import ROOT, Settings  # noqa: E402
from tests.support.s3_server import S3Server  # noqa: E402

# Rooms whose files take long, longest first.
_SLOW_ROOMS = ("browser", "web", "pipeline", "lift", "operations", "engines", "gan", "deploy", "cli")


def pytest_collectstart() -> None:
    """Nothing that is loaded for tests is garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end; neither a later collection of garbage nor the last looks at it."""
    gc.collect()
    gc.freeze()
    gc.enable()
    atexit.register(gc.freeze)


# A busy machine is no failure; where a failure would refuse somebody's work, every run has the same examples.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings()


@pytest.fixture(scope="session")
def gan() -> GanEngine:
    """The real local engine, loaded once."""
    return GanEngine(Settings())


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as `app.py` starts it, without any key, on a free port of the loopback, with the real local GAN.

    One for tests with a browser and without: where uploads go is said to Gradio by the environment, once for all
    servers of a process, so that two that live on side by side would take each other's.
    """
    from tests.support.app_server import serving

    with serving(Settings(), tmp_path_factory.mktemp("gradio")) as url:
        yield url


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter: pytest's own are closed to them."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        yield folder


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, to whom every file is readable. Does nothing for anyone else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes an hour, unless it is asked for. Slow files come first, or one worker would be left with one
    of them while the others have nothing to do."""
    if "nightly" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("nightly")])
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    items.sort(key=lambda item: _rank(item.path.relative_to(ROOT).parts))


def _rank(parts: tuple[str, ...]) -> int:
    room = parts[1] if parts[0] == "tests" else ""
    return _SLOW_ROOMS.index(room) if room in _SLOW_ROOMS else len(_SLOW_ROOMS)


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[S3Server]:
    from tests.support.s3_server import s3_server

    with s3_server() as server:
        yield server


@pytest.fixture
def s3(_s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """An S3 server with an empty bucket, which this process has credentials for."""
    from s3fs import S3FileSystem

    for name, value in _s3_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(S3FileSystem, "retries", 3)  # of five, each after a longer rest
    S3FileSystem.clear_instance_cache()
    _s3_server.clear()
    yield _s3_server
    S3FileSystem.clear_instance_cache()
