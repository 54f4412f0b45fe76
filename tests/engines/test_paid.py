"""What a paid engine states of its price, and what it does with a visitor's key and limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai import engines
from augmentai.engines.base import Estimate
from augmentai.engines.budget import CreditLimits, Ledger, LedgerError
from augmentai.engines.stability import StabilityEngine
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, run_job, settings_for, some_sources


def estimate(settings: Settings, recipe: Recipe, sources: int) -> Estimate | None:
    return engines.estimate([StabilityEngine(settings)], recipe, sources * recipe.variations)


ESTIMATES = [
    # settings, recipe, sources: images, each, credits, affordable
    ({}, {}, 10, (10, 3.5, 35.0, 10)),
    ({}, {"variations": 4}, 10, (40, 3.5, 140.0, 40)),
    ({"stability_model": "sd3.5-large"}, {}, 2, (2, 6.5, 13.0, 2)),
    ({"stability_model": "sd3-large-turbo"}, {}, 2, (2, 4.0, 8.0, 2)),
    ({"stability_endpoint": "ultra"}, {}, 2, (2, 8.0, 16.0, 2)),
    ({"stability_endpoint": "structure"}, {}, 2, (2, 5.0, 10.0, 2)),
    ({"stability_prices": {"sd3.5-medium": 1.25}}, {}, 4, (4, 1.25, 5.0, 4)),
    ({"credits_per_job": 30}, {}, 10, (10, 3.5, 35.0, 8)),
    ({}, {"strength": 0}, 10, (10, 0.0, 0.0, 10)),
    ({}, {}, 0, (0, 3.5, 0.0, 0)),
]


@pytest.mark.parametrize(("changes", "recipe", "sources", "expected"), ESTIMATES)
def test_estimate(changes: dict[str, Any], recipe: dict[str, Any], sources: int, expected: tuple[Any, ...]) -> None:
    found = estimate(Settings(stability_api_key=KEY, **changes), Recipe(**recipe), sources)
    assert found is not None
    assert (found.pictures, found.credits_each, found.credits, found.affordable) == expected


@pytest.mark.parametrize(
    ("changes", "engine"), [({"stability_api_key": ""}, "auto"), ({}, "gan"), ({"stability_model": "sdxl"}, "auto")]
)
def test_no_estimate_where_the_hosted_engine_is_not_used(changes: dict[str, Any], engine: str) -> None:
    assert estimate(Settings(**({"stability_api_key": KEY} | changes)), Recipe(engine=engine), 10) is None


def test_estimate_knows_what_the_day_has_left(tmp_path: Path) -> None:
    settings = Settings(stability_api_key=KEY, credits_per_day=20, state=tmp_path)
    ledger = Ledger(CreditLimits.from_settings(settings))
    ledger.reserve(12)
    found = estimate(settings, Recipe(), 10)
    assert found is not None
    assert (found.spent_today, found.cap_credits, found.affordable) == (12, 8, 2)
    assert str(found) == "up to 35 credits (10 images at 3.5); the limit of 8 credits allows 2 of them"
    (tmp_path / "stability_credits.json").write_text("{")
    found = estimate(settings, Recipe(), 10)
    assert found is not None
    assert found.affordable == 0
    with pytest.raises(LedgerError):
        ledger.spent()


def test_estimate_is_what_the_service_charges(emulator: Emulator) -> None:  # noqa: F811
    settings, recipe = settings_for(emulator), Recipe(variations=2, seed=3)
    found = estimate(settings, recipe, 3)
    ran = run_job(settings, some_sources(3), recipe)
    assert found is not None
    assert found.credits == emulator.stats()["charged"] == ran.report.credits == 30


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
