"""Credits: never more than the limits, with any number in flight, over restarts and between processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from augmentai.engines.budget import Budget, CapReachedError
from augmentai.engines.ledger import CreditLimits, Ledger
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, PRICE, run_job, settings_for, some_sources


@pytest.mark.parametrize("connections", [1, 6])
@pytest.mark.parametrize(("cap", "hosted"), [(0, 0), (4.9, 0), (5, 1), (22, 4), (1000, 10)])
def test_cap_of_a_job_holds_with_many_in_flight(
    emulator: Emulator,  # noqa: F811
    connections: int,
    cap: float,
    hosted: int,
) -> None:
    emulator.control(latency=0.05)
    ran = run_job(settings_for(emulator, stability_concurrency=connections, credits_per_job=cap), some_sources(10))
    assert emulator.stats()["charged"] == hosted * PRICE <= cap
    assert ran.engines.get("stability", 0) == hosted
    assert ran.engines.get("gan", 0) == 10 - hosted
    if hosted < 10:
        assert f"the limit of {cap:g} credits a job is reached ({hosted * PRICE:g} spent" in ran.reasons


def test_what_was_not_charged_makes_room_for_others(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(latency=0.1, faults=[{"name": "403", "times": 2}])
    ran = run_job(settings_for(emulator, stability_concurrency=4, credits_per_job=20), some_sources(8))
    assert emulator.stats()["charged"] == 20
    assert ran.engines == {"stability": 4, "gan": 4}


def test_at_the_cap_the_rest_can_be_left_undone(emulator: Emulator) -> None:  # noqa: F811
    settings = settings_for(emulator, credits_per_job=10, credits_on_cap="stop")
    ran = run_job(settings, some_sources(5))
    assert ran.engines == {"stability": 2}
    undone = [outcome.reason for outcome in ran.outcomes if not outcome.ok]
    assert len(undone) == 3
    assert all(reason.startswith("stability: the limit of 10 credits a job is reached") for reason in undone)


def test_cap_of_a_day_outlives_the_engine_and_is_shared(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    settings = settings_for(emulator, credits_per_day=25, state=tmp_path / "new" / "folder")
    first = run_job(settings, some_sources(3))
    assert first.engines == {"stability": 3}
    assert Ledger(CreditLimits.from_settings(settings)).spent() == 15
    second = run_job(settings, some_sources(5))  # a new engine, as after a restart
    assert second.engines == {"stability": 2, "gan": 3}
    assert "the limit of 25 credits a day is reached (25 spent" in second.reasons
    assert run_job(settings, some_sources(2)).engines == {"gan": 2}
    assert emulator.stats()["charged"] == 25


def test_the_days_file_holds_one_day_and_nothing_else(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    days = tmp_path / "stability_credits.json"
    days.write_text(json.dumps({"2026-01-01": 99.0}))
    settings = settings_for(emulator, credits_per_day=10, state=tmp_path)
    assert run_job(settings, some_sources(3)).engines == {"stability": 2, "gan": 1}
    assert list(json.loads(days.read_text()).values()) == [10.0]
    assert KEY not in "".join(path.read_text() for path in tmp_path.iterdir())


def test_no_daily_limit_leaves_no_file(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    run_job(settings_for(emulator, state=tmp_path), some_sources(1))
    assert not list(tmp_path.iterdir())


def test_a_state_folder_that_cannot_be_made_stops_spending(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "file").write_text("")
    ran = run_job(settings_for(emulator, credits_per_day=50, state=tmp_path / "file" / "x"), some_sources(2))
    assert ran.engines == {"gan": 2}
    assert "cannot be written to" in ran.reasons


def test_a_reservation_counts_once(tmp_path: Path) -> None:
    limits = CreditLimits(per_job=10, per_day=10, folder=tmp_path)
    budget, ledger = Budget(limits), Ledger(limits)
    reservations = [budget.reserve(5, lambda: False) for _ in range(2)]
    assert reservations[0] is not None
    assert reservations[1] is not None
    assert ledger.spent() == 10
    reservations[0].settle(False)
    reservations[0].settle(False)
    assert ledger.spent() == 5
    reservations[1].settle(None)
    reservations[1].settle(True)
    assert (budget.spent, budget.maybe_spent, ledger.spent()) == (0, 5, 5)
    again = budget.reserve(5, lambda: False)
    assert again is not None
    again.settle(True)
    with pytest.raises(CapReachedError):
        budget.reserve(5, lambda: False)


def test_maybe_charged_counts_against_the_cap(emulator: Emulator) -> None:  # noqa: F811
    emulator.fault("reset-headers", times=2, charged=False)
    settings = settings_for(emulator, stability_concurrency=1, credits_per_job=15)
    ran = run_job(settings, some_sources(4))
    assert ran.engines == {"stability": 1, "gan": 3}  # both attempts at the first may have been charged
    assert "may have been charged" in ran.reasons
