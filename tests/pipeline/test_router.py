"""The router with engines made for the purpose: every task answered once, by the engine that should."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Readiness, Refused, Task
from augmentai.images import Photo
from augmentai.pipeline.router import Router
from augmentai.recipe import Recipe
from augmentai.types import Source

JOB = JobView((), Recipe(), 1_000_000)


def tasks(count: int) -> list[Task]:
    photo = Photo(Image.new("RGB", (8, 8)), "PNG", "RGB")
    return [Task(Source.from_bytes(f"{i}.png", bytes([i])), photo, 1, i + 1, Recipe()) for i in range(count)]


class Scripted(Engine):
    """An engine that does what `script` says of each task, by its number of calls."""

    auto_rank = 0

    def __init__(self, name: str, script: Callable[[Task], Any], readiness: Callable[[], Readiness] | None = None):
        self.name, self.script = name, script
        self.readiness = readiness or (lambda: Readiness(True))
        self.started = self.closed = 0

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        self.started += 1
        try:
            for task in tasks:
                result = self.script(task)
                if isinstance(result, EngineUnavailableError):
                    raise result
                yield result
        finally:
            self.closed += 1


def made(name: str, **details: Any) -> Callable[[Task], Made]:
    return lambda task: Made(task, name, task.photo.rgb, "m", 0.0, details=details)


def out_at(numbers: set[int], name: str, **how: Any) -> Callable[[Task], Any]:
    seen = iter(range(10_000))

    def script(task: Task) -> Any:
        if next(seen) in numbers:
            return EngineUnavailableError("broken", [task], **how)
        return made(name)(task)

    return script


def routed(engines: list[Any], count: int = 6, engine: str = "auto") -> list[Made | Refused]:
    results = list(Router(engines, Recipe(engine=engine)).route(iter(tasks(count)), JOB))
    assert sorted(result.task.seed for result in results) == list(range(1, count + 1))
    return results


def by(results: list[Made | Refused]) -> list[str]:
    return [result.engine if isinstance(result, Made) else "none" for result in results]


def test_out_for_good_is_not_asked_again_in_this_job_whatever_it_says() -> None:
    first, second = Scripted("a", out_at({2}, "a", for_good=True)), Scripted("b", made("b"))
    results = routed([first, second])
    assert by(results) == ["a", "a", "b", "b", "b", "b"]
    assert first.started == 1
    assert {f.reason for result in results for f in result.task.fallbacks} == {"broken"}


def test_out_for_good_is_over_with_the_job() -> None:
    first, second = Scripted("a", out_at({0}, "a", for_good=True)), Scripted("b", made("b"))
    assert by(routed([first, second])) == ["b"] * 6
    assert by(routed([first, second])) == ["a"] * 6


def test_out_for_a_while_hands_down_one_and_tries_again() -> None:
    first, second = Scripted("a", out_at({2}, "a")), Scripted("b", made("b"))
    assert by(routed([first, second])) == ["a", "a", "b", "a", "a", "a"]


def test_resting_engine_comes_back_within_the_job() -> None:
    asked = iter(range(100))
    rests = Readiness(False, "resting", for_good=False)
    first = Scripted("a", made("a"), lambda: Readiness(True) if next(asked) in {0, 4} else rests)
    results = routed([first, Scripted("b", made("b"))])
    assert by(results) == ["b", "b", "b", "a", "a", "a"]


def test_not_falling_back_leaves_the_rest_undone_and_says_why() -> None:
    first = Scripted("a", out_at({1}, "a", for_good=True, fall_back=False))
    second = Scripted("b", made("b"))
    results = routed([first, second])
    assert by(results) == ["a"] + ["none"] * 5
    assert {result.reason for result in results if isinstance(result, Refused)} == {"a: broken"}
    assert second.started == 0


def test_a_refused_task_goes_to_the_next_engine_and_its_cost_is_counted() -> None:
    first = Scripted("a", lambda task: Refused(task, "no", credits=3.5))
    results = routed([first, Scripted("b", made("b", credits=1.0, donor="x"))], 2)
    assert [result.details for result in results if isinstance(result, Made)] == [{"credits": 4.5, "donor": "x"}] * 2


def test_refused_by_all_says_every_reason() -> None:
    engines = [Scripted("a", lambda task: Refused(task, "no")), Scripted("b", lambda task: Refused(task, "nor me"))]
    assert {result.reason for result in routed(engines)} == {"no engine could make it. a: no; b: nor me"}  # type: ignore[union-attr]


def test_never_configured_is_passed_over_in_silence() -> None:
    first = Scripted("a", made("a"), lambda: Readiness(False, "no key", configured=False))
    router = Router([first, Scripted("b", made("b"))], Recipe())
    assert router.passed_over == {"a": "no key"}
    assert by(list(router.route(iter(tasks(2)), JOB))) == ["b", "b"]


def test_named_engine_is_used_alone() -> None:
    results = routed([Scripted("a", out_at({1}, "a", for_good=True)), Scripted("b", made("b"))], engine="auto")
    assert by(results)[0] == "a"
    engines = [Scripted("gan", out_at({1}, "gan", for_good=True)), Scripted("diffusion", made("diffusion"))]
    assert by(routed(engines, engine="gan")) == ["gan"] + ["none"] * 5


def test_unknown_engine() -> None:
    with pytest.raises(ValueError, match="no engine called 'gan'"):
        Router([Scripted("a", made("a"))], Recipe(engine="gan"))


def test_closing_closes_the_engines_at_once() -> None:
    first, second = Scripted("a", lambda task: Refused(task, "no")), Scripted("b", made("b"))
    results = Router([first, second], Recipe()).route(iter(tasks(3)), JOB)
    next(results)
    assert (first.closed, second.closed) == (0, 0)
    results.close()  # type: ignore[attr-defined]
    assert (first.closed, second.closed) == (1, 1)


def test_tasks_given_back_keep_their_order_over_many_outages() -> None:
    first = Scripted("a", out_at(set(range(0, 400, 2)), "a"))
    results = routed([first, Scripted("b", made("b"))], 200)
    assert [result.task.seed for result in results] == list(range(1, 201))


def test_an_engine_that_comes_back_ends_no_generator_of_tasks() -> None:
    first, second = Scripted("a", out_at({2}, "a")), Scripted("b", made("b"))
    results = list(Router([first, second], Recipe()).route((task for task in tasks(6)), JOB))
    assert by(results) == ["a", "a", "b", "a", "a", "a"]


@pytest.mark.parametrize("fall_back", [True, False])
def test_what_an_engine_left_to_others_is_not_held_in_memory(fall_back: bool) -> None:
    photos: list[weakref.ref[Photo]] = []

    def stream() -> Iterator[Task]:
        for task in tasks(40):
            photo = Photo(Image.new("RGB", (8, 8)), "PNG", "RGB")
            photos.append(weakref.ref(photo))
            yield replace(task, photo=photo)

    first = Scripted("a", out_at({0}, "a", for_good=True, fall_back=fall_back))
    for _ in Router([first, Scripted("b", made("b"))], Recipe()).route(stream(), JOB):
        assert sum(photo() is not None for photo in photos) <= 4
    assert len(photos) == 40


def test_a_defect_in_an_engine_costs_no_image() -> None:
    seen = iter(range(10))

    def script(task: Task) -> Made:
        if next(seen) == 2:
            raise KeyError("a bug")
        return made("a")(task)

    results = routed([Scripted("a", script), Scripted("b", made("b"))])
    assert by(results) == ["a", "a", "b", "a", "a", "a"]
    assert "a fault inside the engine (KeyError: 'a bug')" in results[2].task.fallbacks[0].reason


def test_a_defect_after_an_outage_makes_nothing_twice() -> None:
    answers = iter(["out", "made", "bug", "made", "made", "made"])

    def script(task: Task) -> Any:
        answer = next(answers)
        if answer == "out":
            return EngineUnavailableError("away", [task])
        if answer == "bug":
            raise ValueError("a bug")
        return made("a")(task)

    assert by(routed([Scripted("a", script), Scripted("b", made("b"))])) == ["b", "a", "b", "a", "a", "a"]
