"""Credits: never more than the limits, with any number in flight, over restarts and between processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from augmentai.engines.stability import StabilityEngine, estimate
from augmentai.engines.stability.budget import Budget, CapReachedError, Ledger, LedgerError
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, PRICE, run_job, settings_for, some_sources

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("wires", [1, 6])
@pytest.mark.parametrize(("cap", "hosted"), [(0, 0), (4.9, 0), (5, 1), (22, 4), (1000, 10)])
def test_cap_of_a_job_holds_with_many_in_flight(emulator: Emulator, wires: int, cap: float, hosted: int) -> None:  # noqa: F811
    emulator.control(latency=0.05)
    ran = run_job(settings_for(emulator, stability_concurrency=wires, stability_credits_per_job=cap), some_sources(10))
    assert emulator.stats()["charged"] == hosted * PRICE <= cap
    assert ran.engines.get("stability", 0) == hosted
    assert ran.engines.get("gan", 0) == 10 - hosted
    if hosted < 10:
        assert f"the limit of {cap:g} credits a job is reached ({hosted * PRICE:g} spent" in ran.reasons


def test_what_was_not_charged_makes_room_for_others(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(latency=0.1, faults=[{"name": "403", "times": 2}])
    ran = run_job(settings_for(emulator, stability_concurrency=4, stability_credits_per_job=20), some_sources(8))
    assert emulator.stats()["charged"] == 20
    assert ran.engines == {"stability": 4, "gan": 4}


def test_at_the_cap_the_rest_can_be_left_undone(emulator: Emulator) -> None:  # noqa: F811
    settings = settings_for(emulator, stability_credits_per_job=10, stability_on_cap="stop")
    ran = run_job(settings, some_sources(5))
    assert ran.engines == {"stability": 2}
    undone = [outcome.reason for outcome in ran.outcomes if not outcome.ok]
    assert len(undone) == 3
    assert all(reason.startswith("stability: the limit of 10 credits a job is reached") for reason in undone)


def test_cap_of_a_day_outlives_the_engine_and_is_shared(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    settings = settings_for(emulator, stability_credits_per_day=25, state=tmp_path / "new" / "folder")
    first = run_job(settings, some_sources(3))
    assert first.engines == {"stability": 3}
    assert Ledger(settings).spent() == 15
    second = run_job(settings, some_sources(5))  # a new engine, as after a restart
    assert second.engines == {"stability": 2, "gan": 3}
    assert "the limit of 25 credits a day is reached (25 spent" in second.reasons
    assert run_job(settings, some_sources(2)).engines == {"gan": 2}
    assert emulator.stats()["charged"] == 25


def test_the_days_file_holds_one_day_and_nothing_else(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    days = tmp_path / "stability_credits.json"
    days.write_text(json.dumps({"2026-01-01": 99.0}))
    settings = settings_for(emulator, stability_credits_per_day=10, state=tmp_path)
    assert run_job(settings, some_sources(3)).engines == {"stability": 2, "gan": 1}
    assert list(json.loads(days.read_text()).values()) == [10.0]
    assert KEY not in "".join(path.read_text() for path in tmp_path.iterdir())


def test_no_daily_limit_leaves_no_file(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    run_job(settings_for(emulator, state=tmp_path), some_sources(1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["{", "[]", '{"2026-01-01": "many"}', "\x00\x01"])
def test_a_days_file_that_cannot_be_read_stops_spending(emulator: Emulator, tmp_path: Path, content: str) -> None:  # noqa: F811
    (tmp_path / "stability_credits.json").write_text(content)
    ran = run_job(settings_for(emulator, stability_credits_per_day=50, state=tmp_path), some_sources(2))
    assert ran.engines == {"gan": 2}
    assert "cannot be read from" in ran.reasons
    assert emulator.stats()["charged"] == 0


def test_a_state_folder_that_cannot_be_made_stops_spending(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "file").write_text("")
    ran = run_job(settings_for(emulator, stability_credits_per_day=50, state=tmp_path / "file" / "x"), some_sources(2))
    assert ran.engines == {"gan": 2}
    assert "cannot be written to" in ran.reasons


def test_many_processes_share_one_days_limit(tmp_path: Path) -> None:
    script = (
        "from augmentai.engines.stability.budget import Ledger\n"
        "from augmentai.settings import Settings\n"
        f"ledger = Ledger(Settings(stability_credits_per_day=100, state={str(tmp_path)!r}))\n"
        "print(sum(ledger.take(1.5) for _ in range(40)))\n"
    )
    command = [sys.executable, "-c", script]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]
    taken = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(taken) == 66  # 99 credits; the 67th would make 100.5
    assert Ledger(Settings(stability_credits_per_day=100, state=tmp_path)).spent() == 99


def test_a_hold_counts_once(tmp_path: Path) -> None:
    budget = Budget(Settings(stability_credits_per_job=10, stability_credits_per_day=10, state=tmp_path))
    ledger = Ledger(Settings(stability_credits_per_day=10, state=tmp_path))
    holds = [budget.hold(5, lambda: False) for _ in range(2)]
    assert holds[0] is not None
    assert holds[1] is not None
    assert ledger.spent() == 10
    holds[0].settle(False)
    holds[0].settle(False)
    assert ledger.spent() == 5
    holds[1].settle(None)
    holds[1].settle(True)
    assert (budget.spent, budget.maybe_spent, ledger.spent()) == (0, 5, 5)
    again = budget.hold(5, lambda: False)
    assert again is not None
    again.settle(True)
    with pytest.raises(CapReachedError):
        budget.hold(5, lambda: False)


def test_maybe_charged_counts_against_the_cap(emulator: Emulator) -> None:  # noqa: F811
    emulator.fault("reset-headers", times=2, charged=False)
    settings = settings_for(emulator, stability_concurrency=1, stability_credits_per_job=15)
    ran = run_job(settings, some_sources(4))
    assert ran.engines == {"stability": 1, "gan": 3}  # two tries of the first may have been paid
    assert "may have been charged" in ran.reasons


ESTIMATES = [
    # settings, recipe, sources: pictures, each, credits, affordable
    ({}, {}, 10, (10, 3.5, 35.0, 10)),
    ({}, {"variations": 4}, 10, (40, 3.5, 140.0, 40)),
    ({"stability_model": "sd3.5-large"}, {}, 2, (2, 6.5, 13.0, 2)),
    ({"stability_model": "sd3-large-turbo"}, {}, 2, (2, 4.0, 8.0, 2)),
    ({"stability_endpoint": "ultra"}, {}, 2, (2, 8.0, 16.0, 2)),
    ({"stability_endpoint": "structure"}, {}, 2, (2, 5.0, 10.0, 2)),
    ({"stability_prices": {"sd3.5-medium": 1.25}}, {}, 4, (4, 1.25, 5.0, 4)),
    ({"stability_credits_per_job": 30}, {}, 10, (10, 3.5, 35.0, 8)),
    ({}, {"strength": 0}, 10, (10, 0.0, 0.0, 10)),
    ({}, {}, 0, (0, 3.5, 0.0, 0)),
]


@pytest.mark.parametrize(("changes", "recipe", "sources", "expected"), ESTIMATES)
def test_estimate(changes: dict[str, Any], recipe: dict[str, Any], sources: int, expected: tuple[Any, ...]) -> None:
    told = estimate(Settings(stability_api_key=KEY, **changes), Recipe(**recipe), sources)
    assert told is not None
    assert (told.pictures, told.credits_each, told.credits, told.affordable) == expected


@pytest.mark.parametrize(
    ("changes", "engine"), [({"stability_api_key": ""}, "auto"), ({}, "gan"), ({"stability_model": "sdxl"}, "auto")]
)
def test_no_estimate_where_the_hosted_engine_is_not_used(changes: dict[str, Any], engine: str) -> None:
    assert estimate(Settings(**({"stability_api_key": KEY} | changes)), Recipe(engine=engine), 10) is None


def test_estimate_knows_what_the_day_has_left(tmp_path: Path) -> None:
    settings = Settings(stability_api_key=KEY, stability_credits_per_day=20, state=tmp_path)
    Ledger(settings).take(12)
    told = estimate(settings, Recipe(), 10)
    assert told is not None
    assert (told.spent_today, told.cap_credits, told.affordable) == (12, 8, 2)
    assert str(told) == "up to 35 credits (10 images at 3.5); the limit of 8 credits allows 2 of them"
    (tmp_path / "stability_credits.json").write_text("{")
    told = estimate(settings, Recipe(), 10)
    assert told is not None
    assert told.affordable == 0
    with pytest.raises(LedgerError):
        Ledger(settings).spent()


def test_estimate_is_what_the_service_charges(emulator: Emulator) -> None:  # noqa: F811
    settings, recipe = settings_for(emulator), Recipe(variations=2, seed=3)
    told = estimate(settings, recipe, 3)
    ran = run_job(settings, some_sources(3), recipe)
    assert told is not None
    assert told.credits == emulator.stats()["charged"] == ran.report.credits == 30


def test_balance_asks_and_never_raises(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(credits=12.5)
    assert StabilityEngine(settings_for(emulator)).balance() == 12.5
    assert StabilityEngine(settings_for(emulator, stability_api_key="sk-bad")).balance() is None
    assert StabilityEngine(settings_for("http://127.0.0.1:9")).balance() is None
    assert StabilityEngine(Settings()).balance() is None


def test_prices_and_fields_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUGMENTAI_STABILITY_PRICES", "ultra=9, sd3.5-medium=3")
    monkeypatch.setenv("AUGMENTAI_STABILITY_FIELDS", '{"style_preset": "photographic"}')
    settings = load_settings()
    assert settings.stability_prices == {"ultra": 9, "sd3.5-medium": 3}
    assert settings.stability_fields == {"style_preset": "photographic"}
