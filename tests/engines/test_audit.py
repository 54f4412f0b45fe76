"""Engines of other packages that charge as they should not: every credit is in every book, and no more is spent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.engines.base import Engine
from augmentai.engines.ledger import CreditLimits, Ledger
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.paid_runs import RunCounts, all_counts, cat_photos, in_manifest
from tests.support.plugin_package import installed, write_package

PHOTOS = 4
Install = Callable[..., Engine]

# `self.charge` is the service: it counts what it is asked to charge, as an account elsewhere would.
ODD = """
import sys
import numpy as np
from PIL import ImageOps
from augmentai.engines.base import Engine, EngineUnavailableError, Refused
from augmentai.engines.paid import PaidEngine

account = []


class Odd(PaidEngine):
    name = "odd"

    def credits_per_image(self, recipe):
        return 2.5

    def charge(self, credits=2.5):
        account.append(credits)
        return {"credits": credits}

    def painted(self, task):
        return ImageOps.invert(task.photo.rgb)

    def make(self, tasks, job):
        self.job = job
        for number, task in enumerate(tasks):
            yield from self.answers(task, number)

    def answers(self, task, number):
        reservation = self.reserve(task, self.job)
        details = self.charge()
        reservation.settle(True)
        yield self.made(task, self.painted(task), details=details)
"""
UNRESERVED = "odd: it charged 2.5 credits that it had not reserved, so that no limit could hold; update its package"
NOT_PAID = "odd: it charged 2.5 credits without being a paid engine, so that no limit could hold; update its package"

# What is changed, credits that are charged, images that are made, and what is said of the others.
CASES = {
    "as it should": ("", 10, 4, ""),
    "without reserving": (
        "def answers(self, task, number): yield self.made(task, self.painted(task), details=self.charge())",
        *(2.5, 1, UNRESERVED),
    ),
    "without reserving, all at once": (
        """
def make(self, tasks, job):
    for task, details in [(task, self.charge()) for task in tasks]:
        yield self.made(task, self.painted(task), details=details)
""",
        *(10, 4, ""),
    ),
    "more than it reserved": (
        """
def answers(self, task, number):
    self.reserve(task, self.job).settle(True)
    yield self.made(task, self.painted(task), details=self.charge(4))
""",
        *(4, 1, "odd: it charged 1.5 credits that it had not reserved"),
    ),
    "what it reserved for nothing by name": (
        """
def answers(self, task, number):
    self.budget(self.job).reserve(2.5, self.job.stop.is_set).settle(True)
    yield self.made(task, self.painted(task), details=self.charge())
""",
        *(10, 4, ""),
    ),
    "and settles too late": (
        """
def answers(self, task, number):
    reservation = self.reserve(task, self.job)
    yield self.made(task, self.painted(task), details=self.charge())
    reservation.settle(True)
""",
        *(10, 4, ""),
    ),
    "and never settles": (
        """
def answers(self, task, number):
    self.reserve(task, self.job)
    yield self.made(task, self.painted(task), details=self.charge())
""",
        *(10, 4, ""),
    ),
    "and does not say so": (
        """
def answers(self, task, number):
    self.charge()
    self.reserve(task, self.job).settle(True)
    yield self.made(task, self.painted(task))
""",
        *(10, 4, ""),
    ),
    "twice for one image": (
        """
def answers(self, task, number):
    for _ in range(2):
        self.reserve(task, self.job).settle(True)
        yield self.made(task, self.painted(task), details=self.charge())
""",
        *(20, 4, ""),
    ),
    "twice for one image, reserved once": (
        """
def answers(self, task, number):
    self.reserve(task, self.job).settle(True)
    for _ in range(2):
        yield self.made(task, self.painted(task), details=self.charge())
""",
        *(5, 1, UNRESERVED),
    ),
    "and then refuses": (
        """
def answers(self, task, number):
    self.reserve(task, self.job).settle(True)
    yield Refused(task, "not today", self.charge()["credits"])
""",
        *(10, 0, "odd: not today"),
    ),
    "and then refuses, without reserving": (
        "def answers(self, task, number): yield Refused(task, 'not today', self.charge()['credits'])",
        *(2.5, 0, UNRESERVED),
    ),
    "and never answers": (
        """
def answers(self, task, number):
    self.reserve(task, self.job).settle(True)
    self.charge()
    yield from ()
""",
        *(10, 0, "odd: it ended without an answer to this image; update its package (2.5 credits were charged)"),
    ),
    "and raises": (
        """
def answers(self, task, number):
    self.reserve(task, self.job).settle(True)
    self.charge()
    raise KeyError("bug")
    yield
""",
        *(10, 0, "odd: a fault inside the engine (KeyError: 'bug'); please report it (2.5 credits were charged)"),
    ),
    "and ends the program": (
        """
def answers(self, task, number):
    self.reserve(task, self.job).settle(True)
    self.charge()
    sys.exit(3)
    yield
""",
        *(10, 0, "RuntimeError: it tried to end the program with status 3); please report it (2.5 credits were"),
    ),
    "and gives the image back": (
        """
def answers(self, task, number):
    self.reserve(task, self.job).settle(True)
    self.charge()
    raise EngineUnavailableError("tired", [task], for_good=True)
    yield
""",
        *(2.5, 0, "odd: tired"),
    ),
    "and gives up without giving back": (
        """
def answers(self, task, number):
    self.reserve(task, self.job).settle(True)
    self.charge()
    raise EngineUnavailableError("tired", for_good=True)
    yield
""",
        *(2.5, 0, "odd: tired"),
    ),
    "for an image of another size": (
        """
def answers(self, task, number):
    yield self.made(task, self.painted(task).resize((5, 4)), details=self.charge())
""",
        *(2.5, 0, "odd: it returned an image of 5x4 pixels"),
    ),
    "for what no manifest can hold": (
        """
def answers(self, task, number):
    yield self.made(task, self.painted(task), details=self.charge() | {"odd": float("nan")})
""",
        *(2.5, 0, "odd: its details cannot be stored in a manifest"),
    ),
    "in a number of NumPy": (
        """
def answers(self, task, number):
    details = {"credits": np.float32(self.charge()["credits"])}
    yield self.made(task, self.painted(task), details=details)
""",
        *(2.5, 1, UNRESERVED),
    ),
    "for an image that nobody asked for": (
        """
def answers(self, task, number):
    self.reserve(task, self.job).settle(True)
    yield self.made(task, self.painted(task), details=self.charge())
    yield Refused(None, "a present", self.charge()["credits"])
""",
        *(5, 1, UNRESERVED),
    ),
    "though it is free": (
        """
def answers(self, task, number):
    yield self.made(task, self.painted(task), details=self.charge())
""",
        *(2.5, 1, NOT_PAID),
    ),
    "though it is free, and refuses": (
        """
def answers(self, task, number):
    yield Refused(task, "not today", self.charge()["credits"])
""",
        *(2.5, 0, NOT_PAID),
    ),
}
NOT_OF_AN_IMAGE = ["twice for one image", "twice for one image, reserved once", "for an image that nobody asked for"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(credits_per_day=1000, state=tmp_path / "state")


@pytest.fixture
def odd_engine(tmp_path: Path, settings: Settings) -> Iterator[Install]:
    """Installs the package with one thing changed, for the length of a test, and returns its engine."""
    with ExitStack() as stack:

        def install(changed: str, base: str = "PaidEngine", limited: Settings = settings) -> Engine:
            changed = "".join(f"    {line}\n" for line in changed.splitlines())
            source = f"{ODD.replace('class Odd(PaidEngine)', f'class Odd({base})')}\n{changed}"
            points = {"augmentai.engines": {"odd": "odd_engine:Odd"}}
            stack.enter_context(installed(write_package(tmp_path, "odd_engine", source, points)))
            return next(engine for engine in available(limited) if engine.name == "odd")

        yield install


def account() -> float:
    """What the engine's service has charged."""
    return sum(sys.modules["odd_engine"].account)


def run(engine: Engine, tmp_path: Path, settings: Settings) -> dict[str, Any]:
    photos = tmp_path / "photos"
    photos = photos if photos.exists() else cat_photos(photos, PHOTOS)
    recipe = Recipe(engine="odd", seed=7, filters=False, geometry="none")
    job = Job(gather([photos], limits(settings)), recipe, settings, [engine])
    list(run_to_disk(job, tmp_path / "out", [photos]))
    return job.report.as_dict()


@pytest.mark.parametrize("case", CASES)
def test_what_it_charges_is_in_every_book(case: str, odd_engine: Install, tmp_path: Path, settings: Settings) -> None:
    changed, charged, made, says = CASES[case]
    engine, out = odd_engine(changed, base="Engine" if says == NOT_PAID else "PaidEngine"), tmp_path / "out"
    report = run(engine, tmp_path, settings)
    assert (account(), report["variations"]) == (charged, made)
    assert says in str(report["failures"])
    assert RunCounts.of(out).committed == charged
    assert books(out, report, settings, case) == {charged}
    again = run(engine, tmp_path, settings)  # also after a resume, whatever that makes
    assert books(out, again, settings, case) == {account()}
    assert account() == charged or UNRESERVED not in says


def books(out: Path, report: dict[str, Any], settings: Settings, case: str) -> set[float]:
    """What each of the books says; an answer that belongs to no image has no line in the manifest."""
    counts = all_counts(out, report, settings)
    return counts - {in_manifest(out)} if case in NOT_OF_AN_IMAGE else counts


def test_what_it_left_open_may_have_been_charged(odd_engine: Install, tmp_path: Path, settings: Settings) -> None:
    changed = """
def answers(self, task, number):
    self.reserve(task, self.job)
    self.charge()
    raise KeyError("bug")
    yield
"""
    report = run(odd_engine(changed), tmp_path, settings)
    assert (report["credits"], account()) == (0, 10)
    assert "up to 4 requests were in flight at the stop or lost their connection" in str(report["notices"])
    assert RunCounts.of(tmp_path / "out").committed == 10 == Ledger(CreditLimits.from_settings(settings)).spent()


@pytest.mark.parametrize("cap", [{"credits_per_job": 2}, {"credits_per_day": 2}])
@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("without reserving")])
def test_without_room_in_the_limits_it_is_given_nothing(
    case: str, cap: dict[str, float], odd_engine: Install, tmp_path: Path, settings: Settings
) -> None:
    limited = settings.model_copy(update=cap)
    report = run(odd_engine(CASES[case][0], limited=limited), tmp_path, limited)
    assert (account(), report["variations"]) == (0, 0)
    assert "odd: the limit of 2 credits a " in str(report["failures"])


@pytest.mark.parametrize("cap", [{"credits_per_job": 6}, {"credits_per_day": 6}])
def test_at_a_limit_it_never_waits_for_what_it_left_unsettled(
    cap: dict[str, float], odd_engine: Install, tmp_path: Path, settings: Settings
) -> None:
    limited = settings.model_copy(update=cap)
    report = run(odd_engine(CASES["and never settles"][0], limited=limited), tmp_path, limited)
    assert (account(), report["variations"]) == (5, 2)
    assert "(5 spent, the next image costs 2.5)" in str(report["failures"])


def test_it_stays_out_of_the_jobs_that_follow(odd_engine: Install, tmp_path: Path, settings: Settings) -> None:
    engine = odd_engine(CASES["without reserving"][0])
    run(engine, tmp_path, settings)
    assert UNRESERVED.endswith(engine.readiness().reason)
    assert not engine.readiness().ready
    assert engine.with_limits(100).readiness() == engine.readiness()


@pytest.mark.parametrize(
    ("changed", "base", "reason"),
    [
        ("paid = False", "PaidEngine", "is a PaidEngine that says paid = False"),
        ("def __init__(self, settings): self.settings = settings", "PaidEngine", "has no limits of credits"),
        ("def __init__(self, settings): pass", "PaidEngine", "has no settings; call super().__init__(settings)"),
        ("def __init__(self, settings): pass", "Engine", "has no settings; call super().__init__(settings)"),
        ("paid = True", "Engine", "is paid without being a PaidEngine"),
    ],
)
def test_one_that_cannot_be_counted_is_not_used(changed: str, base: str, reason: str, odd_engine: Install) -> None:
    assert reason in odd_engine(changed, base=base).readiness().reason


def test_a_visitor_never_gets_the_engine_of_the_owner(odd_engine: Install) -> None:
    engine = odd_engine("key_title = 'Odd key'\ndef _keyed(self, key): return self")
    with pytest.raises(RuntimeError, match="gave a visitor the owner's own engine"):
        engine.with_key("mine")  # type: ignore[attr-defined]
    assert not engine.visitor_pays  # type: ignore[attr-defined]
