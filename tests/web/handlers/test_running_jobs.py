"""What a server that is to end waits for."""

from __future__ import annotations

from pathlib import Path
from threading import Event

from augmentai.dataset.readers.gather import Gathered
from augmentai.pipeline.job import Job
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.web.handlers.running_jobs import RunningJobs
from augmentai.web.jobs.run import JobRequest


def test_requests_in_flight_are_waited_for_when_their_visitor_has_left() -> None:
    jobs, stop, settled = RunningJobs(), Event(), Event()
    admitted = Job(Gathered((), (), ()), Recipe(), Settings(), [])
    request = jobs.tracked(JobRequest(_nothing, Recipe(), ended=settled.set), stop)
    with jobs.running(stop):
        request.admit(admitted)
    assert jobs.stop_all(seconds=0), "its visitor has left, its requests are in flight"
    assert stop.is_set()
    assert request.ending.is_set()
    request.ended()
    assert settled.is_set()
    assert not jobs.stop_all(seconds=0)


def test_a_job_that_was_never_admitted_is_not_waited_for() -> None:
    jobs, stop = RunningJobs(), Event()
    with jobs.running(stop):
        jobs.tracked(JobRequest(_nothing, Recipe()), stop).ended()
    assert not jobs.stop_all(seconds=0)


def _nothing(folder: Path, stop: Event) -> Gathered:
    return Gathered((), (), ())
