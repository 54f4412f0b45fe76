"""What a paid engine states of its price, and what it does with a visitor's key and limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai import engines
from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.budget import Estimate
from augmentai.engines.ledger import CreditLimits, Ledger, LedgerError
from augmentai.engines.paid import PaidEngine
from augmentai.engines.run_ledger import RunLedger
from augmentai.engines.stability import StabilityEngine
from augmentai.images import Photo
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings
from augmentai.types import Source
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
    assert (found.images, found.credits_each, found.credits, found.affordable) == expected


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


class Charging(PaidEngine):
    """The least that a paid engine states."""

    name = "charging"
    auto_rank = 0

    def credits_per_image(self, recipe: Recipe) -> float:
        if recipe.strength == 1:
            raise ValueError("no price for that")
        return 2.5

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        for task in tasks:
            if (reservation := self.reserve(task, job)) is None:
                return
            reservation.settle(True)
            yield self.made(task, task.photo.rgb, details={"credits": reservation.credits})


class Storing(Charging):
    """The least that an engine does whose answers are not to be bought twice."""

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        for task in tasks:
            if (found := self.bought(task, job)) is None:
                if (reservation := self.reserve(task, job)) is None:
                    return
                answer = f"answer to {task.seed}".encode()
                reservation.store(self.model_version(), answer, "its note")
                reservation.settle(True)
            else:
                answer, reservation = found[0].data + found[0].note.encode(), found[1]
            yield self.made(task, task.photo.rgb, prompt=answer.decode(), details={"credits": reservation.credits})


def test_what_was_paid_for_before_is_found_and_not_paid_for_again(tmp_path: Path) -> None:
    def job() -> JobView:
        return JobView((), Recipe(), 10**6, ledger=RunLedger(tmp_path / "ledger", tmp_path / "answers"))

    engine = Storing(Settings(credits_per_job=7.5))
    first, second = engine.make(iter(tasks(2)), job())
    assert (first.details, second.details) == ({"credits": 2.5}, {"credits": 2.5})  # type: ignore[union-attr]
    lines = (tmp_path / "ledger").read_text().splitlines(keepends=True)
    (tmp_path / "ledger").write_text("".join(lines[:-1]))  # killed before the second was noted as charged
    made = [*engine.make(iter(tasks(3)), last := job())]
    assert [one.prompt for one in made if isinstance(one, Made)] == [
        "answer to 1its note",
        "answer to 2its note",
        "answer to 3",
    ]
    # The first was counted by the earlier process: the pipeline adds that to its task.
    assert [one.details["credits"] for one in made if isinstance(one, Made)] == [0, 2.5, 2.5]
    assert (last.ledger.charged, last.ledger.committed(), last.ledger.charged_before(tasks(1)[0].source.key, 1)) == (
        *(7.5, 7.5),
        2.5,
    )
    for task in tasks(3):
        last.ledger.answers.forget(task.source.key, task.index)
    assert not (tmp_path / "answers").exists()
    with pytest.raises(EngineUnavailableError, match=r"7\.5 spent"):
        next(engine.make(iter(tasks(1)), job()))


def tasks(count: int) -> list[Task]:
    photo = Photo(Image.new("RGB", (8, 8)), "PNG", "RGB")
    return [Task(Source.from_bytes(f"{i}.png", bytes([i])), photo, 1, i + 1, Recipe()) for i in range(count)]


@pytest.mark.parametrize(("on_cap", "fall_back"), [("fallback", True), ("stop", False)])
def test_at_a_limit_it_hands_back_what_it_has_taken(on_cap: str, fall_back: bool) -> None:
    engine = Charging(Settings(credits_per_job=6, credits_on_cap=on_cap))  # type: ignore[arg-type]
    made = []
    with pytest.raises(EngineUnavailableError, match=r"the limit of 6 credits a job is reached \(5 spent") as caught:
        made += engine.make(iter(tasks(4)), JobView((), Recipe(), 10**6))
    assert (caught.value.for_good, caught.value.fall_back) == (True, fall_back)
    assert [task.seed for task in caught.value.unfinished] == [3]


def test_a_count_that_cannot_be_kept_ends_the_engine(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    engine = Charging(Settings(credits_per_day=6, state=tmp_path / "file" / "below"))
    with pytest.raises(EngineUnavailableError, match="cannot be written to") as caught:
        next(engine.make(iter(tasks(1)), JobView((), Recipe(), 10**6)))
    assert caught.value.for_good


def test_a_cancelled_job_reserves_nothing() -> None:
    engine, job = Charging(Settings()), JobView((), Recipe(), 10**6)
    job.stop.set()
    assert list(engine.make(iter(tasks(1)), job)) == []
    assert engine.budget(job).spent == 0


def test_engines_of_one_owner_share_a_job_s_limit_and_a_visitor_has_their_own() -> None:
    class Keyed(Charging):
        name = "keyed"

        def _keyed(self, key: str) -> Keyed:
            return Keyed(self.settings)

    settings, job = Settings(credits_per_job=6), JobView((), Recipe(), 10**6)
    first, second = Charging(settings), Keyed(settings)
    assert len(list(first.make(iter(tasks(2)), job))) == 2
    with pytest.raises(EngineUnavailableError, match="5 spent"):
        next(second.make(iter(tasks(1)), job))
    own = second.with_key("mine")
    assert len(list(own.make(iter(tasks(2)), job))) == 2


def test_a_price_that_there_is_not_costs_no_estimate() -> None:
    assert Charging(Settings()).estimate(Recipe(strength=1), 2) is None


def test_the_dearest_engine_that_a_recipe_may_use_is_foretold() -> None:
    class Dearer(Charging):
        name = "dearer"

        def credits_per_image(self, recipe: Recipe) -> float:
            return 4.0

    settings = Settings()
    dearest = engines.estimate([Charging(settings), Dearer(settings)], Recipe(), 2)
    assert dearest is not None
    assert (dearest.engine, dearest.credits) == ("dearer", 8.0)
    assert engines.estimate([Charging(settings), Dearer(settings)], Recipe(engine="gan"), 2) is None


def test_an_engine_that_takes_no_key_says_so() -> None:
    engine = Charging(Settings())
    assert engines.key_engine([engine]) is None
    assert engines.with_key([engine], "mine") == [engine]
    with pytest.raises(NotImplementedError, match="Charging takes no visitor's key"):
        engine.with_key("mine")
