"""Who may open a job, what becomes of one whose tabs are closed, and how many are remembered."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from augmentai.web.jobs.visitor_jobs import Fate, JobState, VisitorJob, VisitorJobs


def finished(zip_path: Path) -> Any:
    """Results: of them only the place of the ZIP counts here."""
    return SimpleNamespace(zips=[zip_path])


@pytest.mark.parametrize(
    ("visitor", "name", "opens"),
    [
        pytest.param("anna", "", True, id="its visitor"),
        pytest.param("bert", "", False, id="another visitor"),
        pytest.param("", "", False, id="nobody"),
        pytest.param("anna", "of-nobody", False, id="no such job"),
        pytest.param("ännä", "", False, id="not ASCII"),
    ],
)
def test_only_its_visitor_opens_a_job(visitor: str, name: str, opens: bool) -> None:
    jobs = VisitorJobs()
    job = jobs.begin("anna", "tab 1")
    found = jobs.open("tab 2", visitor, name or job.id)
    assert (found is job) is opens
    assert (jobs.shown("tab 2") is job) is opens
    assert [one.id for one in jobs.of("anna")] == [job.id]
    assert jobs.of("bert") == []


@pytest.mark.parametrize(
    ("closed_tab_seconds", "state", "waited", "fate"),
    [
        pytest.param(None, JobState.RUNNING, 1e6, Fate.RUNS_ON, id="to its end"),
        pytest.param(120, JobState.RUNNING, 119, Fate.RUNS_ON, id="for a while"),
        pytest.param(120, JobState.RUNNING, 121, Fate.STOPS, id="then it stops"),
        pytest.param(120, JobState.RUNNING, 126, Fate.IS_CUT_OFF, id="or is cut off"),
        pytest.param(120, JobState.QUEUED, 119, Fate.RUNS_ON, id="keeps its place"),
        pytest.param(120, JobState.QUEUED, 121, Fate.IS_CUT_OFF, id="loses it"),
        pytest.param(0, JobState.RUNNING, 0.5, Fate.RUNS_ON, id="a connection blinks"),
        pytest.param(0, JobState.RUNNING, 1.5, Fate.STOPS, id="at once"),
    ],
)
def test_what_becomes_of_a_job_that_no_tab_shows(
    closed_tab_seconds: float | None, state: JobState, waited: float, fate: Fate
) -> None:
    jobs = VisitorJobs(closed_tab_seconds)
    job = jobs.begin("anna", "tab 1")
    job.state = state
    assert job.fate(True, closed_tab_seconds, 50) is Fate.RUNS_ON
    assert job.fate(False, closed_tab_seconds, 100) is Fate.RUNS_ON
    assert job.fate(False, closed_tab_seconds, 100 + waited) is fate
    jobs.open("tab 2", "anna", job.id)
    assert job.fate(False, closed_tab_seconds, 1e9) is Fate.RUNS_ON, "another tab shows it"
    jobs.close("tab 2")
    assert job.fate(False, closed_tab_seconds, 2e9) is Fate.RUNS_ON, "the time begins anew"


def test_results_that_were_deleted_are_expired(tmp_path: Path) -> None:
    job = VisitorJobs().begin("anna", "tab")
    (tmp_path / "a.zip").write_bytes(b"")
    job.end(finished(tmp_path / "a.zip"))
    assert job.check() is JobState.DONE
    (tmp_path / "a.zip").unlink()
    assert job.check() is JobState.EXPIRED
    assert job.finished is None


def test_an_addition_that_fails_leaves_the_results(tmp_path: Path) -> None:
    jobs = VisitorJobs()
    job = jobs.begin("anna", "tab")
    job.end(finished(tmp_path))
    jobs.again(job, "tab")
    assert jobs.live("tab") is job
    job.end(None, "the queue is full")
    assert job.state is JobState.DONE
    assert job.finished is not None


def test_jobs_that_somebody_makes_up_displace_no_results(tmp_path: Path) -> None:
    jobs = VisitorJobs()
    job = jobs.begin("anna", "tab")
    job.end(finished(tmp_path))
    for number in range(2000):
        jobs.begin(f"stranger {number}", f"tab {number}")
        if not number % 100:
            jobs.end_absent({"tab"}, now=number, message="not queued")
    assert jobs.open("tab 2", "anna", job.id) is job
    assert len(jobs._jobs) < 700


def test_a_visitor_has_a_bounded_number_of_results(tmp_path: Path) -> None:
    jobs = VisitorJobs()
    made: list[VisitorJob] = []
    for number in range(40):
        made.append(jobs.begin("anna", f"tab {number}"))
        made[-1].end(finished(tmp_path))
    assert jobs.of("anna")[0] is made[-1]
    assert 20 <= len(jobs.of("anna")) <= 21


def test_jobs_that_one_tab_makes_up_are_forgotten() -> None:
    jobs = VisitorJobs()
    made: list[weakref.ref[VisitorJob]] = []
    for number in range(2_000):
        made.append(weakref.ref(jobs.begin(f"visitor {number}", "one tab")))
        if not number % 50:
            jobs.end_absent([], number / 50, "never came")
    gc.collect()
    assert sum(one() is not None for one in made) < 1_000
