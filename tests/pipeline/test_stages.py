"""The list of stages: what passes from one to the next, and how the chain ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.writers.output_set import OutputSet
from augmentai.engines.base import JobView, Made, Refused, Task
from augmentai.pipeline import stages
from augmentai.pipeline.plan import plan_run
from augmentai.pipeline.run_state import RunState
from augmentai.pipeline.stages import STAGES, run_stages
from augmentai.recipe import Recipe
from augmentai.types import Outcome, Source
from tests.support.image_files import png
from tests.support.jobs import Darker

THREE = tuple(Source.from_bytes(f"cats/{i}.png", png(seed=i), "cats") for i in range(3))


def state(engine: Any, sources: tuple[Source, ...] = THREE, **recipe: Any) -> RunState:
    plan = plan_run(Gathered(sources, (), ()), Recipe(seed=3, engine="gan", **recipe), [engine])
    return RunState(plan, OutputSet(plan.gathered, plan.recipe), [engine], max_pixels=10**6)


def test_every_stage_says_what_it_does() -> None:
    names = [stage.__name__ for stage in STAGES]  # type: ignore[attr-defined]
    assert names[0] == "decode_ahead"
    assert names[-1] == "encode_files"
    assert names.index("make_tasks") < names.index("paint") < names.index("transform") < names.index("judge")
    assert all(stage.__doc__ for stage in STAGES)


def test_sources_become_outcomes() -> None:
    run = state(Darker(), variations=2)
    outcomes = list(run_stages(run.plan.sources, run))
    run.close()
    assert sorted(o.variation.file for o in outcomes if o.variation) == [
        f"cats/{i}__v{n}.png" for i in range(3) for n in (1, 2)
    ]
    assert not run.cut_short


def test_what_a_stage_settles_passes_the_ones_after_it() -> None:
    class Refusing(Darker):
        def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
            for task in tasks:
                yield Refused(task, "not today") if task.index == 1 else self.darker(task)

    broken = Source.from_bytes("cats/broken.png", b"no image", "cats")
    run = state(Refusing(), (*THREE, broken), variations=2)
    outcomes = list(run_stages(run.plan.sources, run))
    run.close()
    reasons = {(o.source.path, o.index): o.reason for o in outcomes}
    assert len(outcomes) == 7
    assert "not today" in reasons["cats/0.png", 1]
    assert reasons["cats/0.png", 2] == ""
    assert reasons["cats/broken.png", 0]


def test_a_rejected_attempt_comes_back_through_the_engine() -> None:
    class SameFirst(Darker):
        """Returns the source itself at the first attempt, which is a near-copy."""

        def darker(self, task: Task) -> Made:
            if task.attempt == 0:
                return Made(task, self.name, task.photo.rgb.copy(), "m", 0.0, repainted=False)
            return super().darker(task)

    run = state(SameFirst(), geometry="none", strength=0.9)
    outcomes = list(run_stages(run.plan.sources, run))
    run.close()
    assert [o.ok for o in outcomes] == [True] * 3
    assert {o.rejections[0].filter for o in outcomes} == {"near_copy"}
    assert {o.attempts for o in outcomes} == {2}


def test_closing_closes_every_stage_from_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    def stage(name: str) -> Any:
        def passing(items: Iterator[Any], run: RunState) -> Iterator[Any]:
            try:
                for item in items:  # noqa: UP028 (delegating would close the stages the other way round)
                    yield item
            finally:
                closed.append(name)

        return passing

    monkeypatch.setattr(stages, "STAGES", (stage("first"), stage("second"), stage("third")))
    outcomes: Iterator[Outcome] = run_stages(THREE, state(Darker()))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert closed == ["third", "second", "first"]
