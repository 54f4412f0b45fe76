"""A run that several processes share ends as if one had made it, whatever happens to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import Engine, JobView, Made, Refused, Task
from augmentai.engines.gan import GanEngine
from augmentai.engines.none import NoEngine
from augmentai.pipeline import worker_pool
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.pipeline.run_state import RunState
from augmentai.pipeline.worker_pool import workers_for
from augmentai.recipe import Recipe
from augmentai.settings import ROOT, Settings
from tests.support.image_files import jpeg, zipped
from tests.support.runs import contents_of, lines_in, photos_in_classes

RECIPE = Recipe(seed=5, engine="gan", variations=3)
PLAIN = Recipe(seed=5, engine="none", variations=2, operations=["exposure", "rotate"])


def job_over(photos: Path, recipe: Recipe, engine: Engine | None = None, workers: int | None = 2) -> Job:
    settings = Settings()
    engine = engine or (GanEngine if recipe.engine == "gan" else NoEngine)(settings)
    return Job(gather([photos], limits(settings)), recipe, settings, [engine], workers=workers)


def run_to_end(job: Job, out: Path, photos: Path) -> Job:
    for _ in run_to_disk(job, out, [photos]):
        pass
    return job


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return photos_in_classes(10, tmp_path / "photos")


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The processes that were forked; all have ended when the test has."""
    pids: list[int] = []
    real = worker_pool.fork

    def counted(*args: object) -> object:
        one = real(*args)  # type: ignore[arg-type]
        pids.append(one.pid)
        return one

    monkeypatch.setattr(worker_pool, "fork", counted)
    yield pids
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("recipe", [RECIPE, PLAIN], ids=["gan", "none"])
def test_any_number_of_processes_makes_the_same_files(
    recipe: Recipe, photos: Path, tmp_path: Path, forks: list[int]
) -> None:
    (photos / "class 0" / "bad.jpg").write_bytes(b"bad")
    (photos / "class 1" / "twin.png").write_bytes((photos / "class 0" / "00.png").read_bytes())
    found = []
    for workers in (1, 2, 4):
        job = run_to_end(job_over(photos, recipe, workers=workers), tmp_path / str(workers), photos)
        found.append((contents_of(tmp_path / str(workers)), job.report.variations, job.report.failures))
    assert found[0] == found[1] == found[2]
    assert found[0][1] > 20
    assert len(forks) == 2 + 4


def test_labels_and_what_a_format_cannot_hold(tmp_path: Path, forks: list[int]) -> None:
    photos = tmp_path / "photos"
    for number in range(6):
        for folder, name, data in (
            ("images", f"{number}.jpg", jpeg((64, 48), seed=number)),
            ("labels", f"{number}.txt", b"0 0.5 0.5 0.4 0.4\n"),
        ):
            path = photos / folder / "train" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    (photos / "data.yaml").write_text("path: .\ntrain: images/train\nnames: [cat]\n")
    recipe = replace(RECIPE, geometry="light")
    for workers in (1, 3):
        run_to_end(job_over(photos, recipe, workers=workers), tmp_path / str(workers), photos)
    assert contents_of(tmp_path / "1") == contents_of(tmp_path / "3")
    assert len(list((tmp_path / "3").rglob("*__v*.txt"))) == 18
    assert len(forks) == 3


class Fatal(NoEngine):
    """Ends its process, or raises, when it meets one image."""

    def __init__(self, path: str, do: Callable[[], object], times: Path | None = None) -> None:
        super().__init__(Settings())
        self._path, self._do, self._once = path, do, times

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        for task in tasks:
            if task.source.path == self._path and not (self._once and self._once.exists()):
                if self._once:
                    self._once.touch()
                self._do()
            yield self.made(task, task.photo.rgb, strength=0.0)


def test_a_process_that_is_killed_costs_its_image_alone(photos: Path, tmp_path: Path, forks: list[int]) -> None:
    engine = Fatal("class 1/05.jpg", lambda: os.kill(os.getpid(), signal.SIGKILL))
    run_to_end(job_over(photos, PLAIN, workers=1), tmp_path / "whole", photos)
    job = run_to_end(job_over(photos, PLAIN, engine), tmp_path / "out", photos)
    (failure,) = job.report.failures
    assert failure["file"] == "class 1/05.jpg"
    assert failure["reason"] == (
        "each process that made it failed: it was ended by SIGKILL; make the image smaller, or set AUGMENTAI_WORKERS=1"
    )
    assert job.report.variations == 18
    assert not job.report.stopped
    assert images(tmp_path / "out") == {
        name: data for name, data in images(tmp_path / "whole").items() if "05" not in name
    }


def test_a_process_that_is_killed_once_costs_nothing(photos: Path, tmp_path: Path, forks: list[int]) -> None:
    once = tmp_path / "once"
    engine = Fatal("class 1/05.jpg", lambda: os.kill(os.getpid(), signal.SIGKILL), once)
    run_to_end(job_over(photos, PLAIN, workers=1), tmp_path / "whole", photos)
    job = run_to_end(job_over(photos, PLAIN, engine), tmp_path / "out", photos)
    assert images(tmp_path / "out") == images(tmp_path / "whole")
    assert not job.report.failures
    words = "made again, since the process that made it did not finish: it was ended by SIGKILL"
    assert any(words in notice for notice in job.report.as_dict()["notices"])


def test_an_error_that_ends_a_process_is_told(
    photos: Path, tmp_path: Path, forks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: RunState) -> None:
        raise RuntimeError("no threads left")

    monkeypatch.setattr(RunState, "operations", property(broken))
    job = run_to_end(job_over(photos, PLAIN), tmp_path / "out", photos)
    assert len(job.report.failures) == 10
    assert all("no threads left" in failure["reason"] for failure in job.report.failures)


def images(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.rglob("*__v*")}


def test_a_stop_ends_the_processes_and_the_rest_is_made_later(photos: Path, tmp_path: Path, forks: list[int]) -> None:
    run_to_end(job_over(photos, RECIPE, workers=1), tmp_path / "whole", photos)
    job = job_over(photos, RECIPE)
    for _ in run_to_disk(job, tmp_path / "out", [photos]):
        job.stop.set()
    assert job.report.stopped
    assert 0 < lines_in(tmp_path / "out") < 30
    outcomes = run_to_disk(job_over(photos, RECIPE), tmp_path / "out", [photos])
    next(outcomes)
    outcomes.close()  # as the page does when nobody waits any more
    job = run_to_end(job_over(photos, RECIPE), tmp_path / "out", photos)
    assert not job.report.stopped
    assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_command_that_is_ended_leaves_no_process_and_can_be_resumed(number: int, tmp_path: Path) -> None:
    photos = photos_in_classes(60, tmp_path / "photos")
    out = tmp_path / "out"
    words = [sys.executable, "-m", "augmentai", photos, "-e", "gan", "-n", "3", "--seed", "5", "-o"]
    environment = {**os.environ, "AUGMENTAI_WORKERS": "2", "PYTHONPATH": str(ROOT)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": ROOT}
    command = subprocess.Popen([*words, out], start_new_session=True, **quiet)  # type: ignore[call-overload]
    while lines_in(out) < 10:
        assert command.poll() is None
        time.sleep(0.02)
    group = others_of(command.pid)
    assert len(group) == 2
    if number == signal.SIGKILL:
        command.kill()
    else:
        os.killpg(command.pid, number)  # as a terminal does: to all of them
    command.wait(30)
    deadline = time.monotonic() + 20
    while others_of(command.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not others_of(command.pid)
    assert lines_in(out) < 180
    assert subprocess.run([*words, out], check=False, **quiet).returncode == 0  # type: ignore[call-overload]
    job = run_to_end(job_over(photos, replace(RECIPE, seed=5), workers=1), tmp_path / "whole", photos)
    assert job.report.variations == 180
    assert images(out) == images(tmp_path / "whole")


def others_of(session: int) -> list[int]:
    """The processes of a session, its leader and what has ended left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, (state, _, _, of) = int(path.parent.name), path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and pid != session and state != "Z":
            found.append(pid)
    return found


class TestWhoShares:
    def workers(self, job: Job, wanted: int | None = 4) -> int:
        state = RunState(job.plan, job.output, job.engines, 10**8)
        return workers_for(job.plan.sources, state, wanted)

    def test_small_runs_stay_in_one_process(self, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker_pool, "usable_cores", lambda: 4)
        assert self.workers(job_over(photos, RECIPE), None) == 1
        assert self.workers(job_over(photos, replace(RECIPE, variations=5)), None) == 2
        assert self.workers(job_over(photos, replace(RECIPE, variations=16)), None) == 4
        assert self.workers(job_over(photos, RECIPE)) == 4  # if that is asked for

    def test_each_has_room_for_an_image(self, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker_pool, "usable_cores", lambda: 4)
        monkeypatch.setattr(worker_pool, "mean_pixels", lambda *_: 50e6)
        job = job_over(photos, replace(RECIPE, variations=16))
        state = RunState(job.plan, job.output, job.engines, 10**8)
        state.memory = type(state.memory)(limit_mb=850)
        assert workers_for(job.plan.sources, state, None) == 2

    def test_engines_that_need_a_device_or_a_connection_do_not(self, photos: Path) -> None:
        class Other(NoEngine):
            works_in_processes = False

        assert self.workers(job_over(photos, PLAIN)) == 4
        assert self.workers(job_over(photos, PLAIN, Other(Settings()))) == 1

    def test_sets_in_a_zip_do_not(self, photos: Path, tmp_path: Path) -> None:
        archive = tmp_path / "photos.zip"
        archive.write_bytes(zipped({f"{n}.jpg": jpeg(seed=n) for n in range(6)}))
        assert self.workers(job_over(archive, RECIPE)) == 1

    def test_sets_whose_labels_are_in_one_file_do_not(self, photos: Path) -> None:
        (photos / "labels.csv").write_text(
            "filename,width,height,class,xmin,ymin,xmax,ymax\nclass 0/00.png,48,64,cat,4,4,20,20\n"
        )
        assert self.workers(job_over(photos, RECIPE)) == 1
