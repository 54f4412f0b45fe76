"""The count of the day: exact between threads and processes; where it cannot be trusted, nothing is spent."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from augmentai.engines import ledger as ledger_module
from augmentai.engines.budget import Budget
from augmentai.engines.ledger import CreditLimits, Ledger, LedgerError, today
from augmentai.settings import ROOT, Settings, SettingsError, load_settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import run_job, settings_for, some_sources

FILE = "stability_credits.json"


def ledger_in(folder: Path, cap: float = 100) -> Ledger:
    return Ledger(CreditLimits(None, cap, folder))


def test_many_processes_share_one_days_limit(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from augmentai.engines.ledger import CreditLimits, Ledger\n"
        f"ledger = Ledger(CreditLimits(None, 100, Path({str(tmp_path)!r})))\n"
        "print(sum(ledger.reserve(1.5) for _ in range(40)))\n"
    )
    command = [sys.executable, "-c", script]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]
    taken = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(taken) == 66  # 99 credits; the 67th would make 100.5
    assert Ledger(CreditLimits(None, 100, tmp_path)).spent() == 99


def test_threads_of_one_process_share_one_days_limit(tmp_path: Path) -> None:
    reserved: list[bool] = []
    threads = [
        threading.Thread(target=lambda: reserved.extend(ledger_in(tmp_path, 20).reserve(1.5) for _ in range(5)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(reserved), sum(reserved), ledger_in(tmp_path).spent()) == (20, 13, 19.5)


DAMAGED = [
    # content of the file, what the message says of it
    ("", "it is not JSON"),
    ("{", "it is not JSON"),
    ("\x00\x01", "it is not JSON"),
    ("[]", "it does not map days to credits"),
    ("null", "it does not map days to credits"),
    ("0", "it does not map days to credits"),
    ('{"2026-01-01": "many"}', "'many' is not an amount of credits"),
    ('{"2026-01-01": "5"}', "'5' is not an amount of credits"),
    ('{"2026-01-01": null}', "None is not an amount of credits"),
    ('{"2026-01-01": true}', "True is not an amount of credits"),
    ('{"2026-01-01": {}}', "{} is not an amount of credits"),
    ('{"TODAY": NaN}', "nan is not an amount of credits"),
    ('{"TODAY": Infinity}', "inf is not an amount of credits"),
    ('{"TODAY": -Infinity}', "-inf is not an amount of credits"),
    ('{"TODAY": 1e999}', "inf is not an amount of credits"),
    ('{"TODAY": 1' + "0" * 400 + "}", "is not an amount of credits"),
    ('{"TODAY": -1000}', "-1000 is not an amount of credits"),
    ('{"TODAY": -0.5, "2026-01-01": 3}', "-0.5 is not an amount of credits"),
    ('{"TODAY": 90, "TODAY": 0}', "one day is in it twice"),
    ('{"yesterday": 3}', "Invalid isoformat string: 'yesterday'"),
    ('{"20260101": 3}', "'20260101' is not a day like 2026-01-31"),
    ("[" * 100_000, "cannot be read from"),
]


@pytest.mark.parametrize(("content", "says"), DAMAGED)
def test_a_damaged_file_is_named_and_never_counts_as_nothing(tmp_path: Path, content: str, says: str) -> None:
    path, ledger = tmp_path / FILE, ledger_in(tmp_path)
    content = content.replace("TODAY", today())
    path.write_text(content)
    for spend in (ledger.spent, lambda: ledger.reserve(1), lambda: ledger.release(1, today())):
        with pytest.raises(LedgerError) as caught:
            spend()
        assert says in str(caught.value)
        assert f"cannot be read from {path}" in str(caught.value)
        assert "so none are spent; correct the file, or delete it to begin at 0" in str(caught.value)
    assert path.read_text() == content
    assert CreditLimits(None, 100, tmp_path).remaining() == (0, 100)


@pytest.mark.parametrize("content", ["{", '{"TODAY": NaN}', '{"TODAY": -1}', '{"9999-01-01": 1}'])
def test_a_damaged_file_stops_the_spending_of_a_job(emulator: Emulator, tmp_path: Path, content: str) -> None:  # noqa: F811
    (tmp_path / FILE).write_text(content.replace("TODAY", today()))
    ran = run_job(settings_for(emulator, credits_per_day=50, state=tmp_path), some_sources(2))
    assert ran.engines == {"gan": 2}
    assert str(tmp_path / FILE) in ran.reasons
    assert emulator.stats()["charged"] == 0


def test_what_is_not_a_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(LedgerError, match="it is not a file"):
        ledger_in(tmp_path).spent()


def test_a_link_that_leads_nowhere_is_not_an_empty_count(tmp_path: Path) -> None:
    (tmp_path / FILE).symlink_to(tmp_path / "disk that is not mounted" / FILE)
    with pytest.raises(LedgerError, match="it is not a file"):
        ledger_in(tmp_path).reserve(1)


def test_a_clock_that_goes_back_stops_spending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = iter(["2026-03-02", "2026-03-01", "2026-03-01", "2026-03-02", "2026-03-03"])
    monkeypatch.setattr(ledger_module, "today", lambda: next(days))
    ledger = ledger_in(tmp_path, 10)
    assert ledger.reserve(8)
    for spend in (ledger.spent, lambda: ledger.reserve(1)):
        with pytest.raises(LedgerError) as caught:
            spend()
        assert f"the clock says 2026-03-01 (UTC), but {tmp_path / FILE} counts credits on 2026-03-02" in str(
            caught.value
        )
        assert "correct the clock, or delete the file to begin at 0" in str(caught.value)
    assert not ledger.reserve(8)  # the clock is right again, and nothing was forgotten
    assert ledger.reserve(8)  # the next day


@pytest.mark.parametrize("credits", [math.nan, math.inf, -math.inf, -1, -1e-9])
def test_an_amount_that_is_not_one_is_not_spent(tmp_path: Path, credits: float) -> None:
    ledger = ledger_in(tmp_path)
    ledger.reserve(5)
    with pytest.raises(LedgerError, match="expected a number from 0"):
        ledger.reserve(credits)
    with pytest.raises(LedgerError, match="expected a number from 0"):
        Budget(CreditLimits(None, None, tmp_path)).reserve(credits, lambda: False)
    ledger.release(credits, today())
    assert ledger.spent() == 5


@pytest.mark.parametrize("limit", [math.nan, math.inf, -1, -0.001])
@pytest.mark.parametrize("limits", [lambda one: (one, None), lambda one: (None, one)])
def test_a_limit_that_limits_nothing_is_refused(
    limit: float, limits: Callable[[float], tuple[float | None, float | None]], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="is not a limit of credits; expected a number from 0, or None for no limit"):
        CreditLimits(*limits(limit), tmp_path)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e999"])
@pytest.mark.parametrize("name", ["AUGMENTAI_CREDITS_PER_JOB", "AUGMENTAI_CREDITS_PER_DAY"])
def test_settings_refuse_such_a_limit(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


@pytest.mark.parametrize("value", ["nan", "inf", "-1"])
def test_settings_refuse_such_limits_of_visitors_and_prices(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUGMENTAI_VISITOR_CREDITS_PER_HOUR", value)
    monkeypatch.setenv("AUGMENTAI_STABILITY_PRICES", f"ultra={value}")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "AUGMENTAI_VISITOR_CREDITS_PER_HOUR" in str(caught.value)
    assert "AUGMENTAI_STABILITY_PRICES" in str(caught.value)


def test_another_process_that_never_lets_go_stops_spending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_LOCK_SECONDS", 0.2)
    lock = FileLock(tmp_path / "stability_credits.lock")
    with lock, pytest.raises(LedgerError, match=r"another process has held .*stability_credits\.lock for 0\.2 s"):
        ledger_in(tmp_path).reserve(1)
    assert ledger_in(tmp_path).reserve(1)


def test_two_processes_spend_at_once_on_the_service(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    emulator.control(latency=0.05)
    script = (
        "from pathlib import Path\n"
        "from augmentai.engines.stability import StabilityEngine\n"
        "from tests.support.hosted_job import run_job, settings_for, some_sources\n"
        f"settings = settings_for({emulator.url!r}, credits_per_day=42, state=Path({str(tmp_path)!r}))\n"
        "ran = run_job(settings, some_sources(8, label='SET'), engines=[StabilityEngine(settings)])\n"
        "print(ran.engines.get('stability', 0))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script.replace("SET", name)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for name in ("first", "second")
    ]
    made = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert sum(made) == 8  # 40 credits; the 9th image would make 45
    assert emulator.stats()["charged"] == 40 == ledger_in(tmp_path).spent()
    assert json.loads((tmp_path / FILE).read_text()) == {today(): 40.0}


def test_negative_amounts_cannot_be_set_in_code() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Settings(credits_per_day=-1)
