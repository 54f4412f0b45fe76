"""Drafts are begun while the engine makes the next images: what a stop and a fault of the engine leave of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.writers.output_set import OutputSet
from augmentai.engines.base import Made, Refused, Task
from augmentai.engines.image_memory import ImageMemory, working_bytes
from augmentai.images import decode
from augmentai.pipeline.drafts import begin_drafts
from augmentai.pipeline.plan import plan_run
from augmentai.pipeline.run_state import RunState
from augmentai.recipe import Recipe
from augmentai.types import Source
from tests.support.image_files import png
from tests.support.jobs import Darker

FREE, CHARGED, REFUSED = "free", "charged", "refused"


def new_run() -> RunState:
    plan = plan_run(Gathered((), (), ()), Recipe(seed=1, engine="gan"), [Darker()])
    return RunState(plan, OutputSet(plan.gathered, plan.recipe), [Darker()], max_pixels=10**6)


def answers(kinds: list[str]) -> list[Made | Refused]:
    found: list[Made | Refused] = []
    for index, kind in enumerate(kinds, start=1):
        data = png(seed=index)
        task = Task(Source.from_bytes(f"{index}.png", data), decode(data, "a.png", 10**6), index, index, Recipe(seed=1))
        credits = {"credits": 5.0} if kind == CHARGED else {}
        made = Made(task, "stand-in", task.photo.rgb, "m", 0.0, details=credits)
        found.append(Refused(task, "moderated", 5.0) if kind == REFUSED else made)
    return found


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [
        ([FREE, FREE], []),  # left to the next run
        ([CHARGED, FREE], [1]),  # what was paid for is finished
        ([FREE, CHARGED, FREE, CHARGED], [2, 4]),
        ([FREE, REFUSED], [2]),  # a refusal may have cost credits, which count
    ],
)
def test_a_stop_keeps_what_cost_credits(kinds: list[str], kept: list[int]) -> None:
    run = new_run()
    run.stop.set()
    assert [one.task.index for one in begin_drafts(iter(answers(kinds)), run)] == kept
    run.close()


def test_a_fault_of_the_engine_comes_after_all_that_it_made() -> None:
    run = new_run()
    seen: list[int] = []

    def results() -> Iterator[Made | Refused]:
        yield from answers([FREE, FREE, REFUSED, FREE])
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        seen.extend(one.task.index for one in begin_drafts(results(), run))
    assert seen == [1, 2, 3, 4]
    run.close()


def test_large_images_of_16_bits_are_made_one_by_one() -> None:
    run = new_run()
    seen: list[int] = []
    seen_before: list[int] = []  # each image

    def results() -> Iterator[Made | Refused]:
        for made in answers([FREE, FREE, FREE]):
            photo = made.task.photo
            width, height = photo.size_wh
            seen_before.append(len(seen))
            deep = replace(photo, fine=np.zeros((height, width, 3), np.uint16))
            run.memory = ImageMemory(2e-6 * working_bytes(photo))
            run.memory.take(made.task.source.key, made.task.index, deep)
            yield replace(made, task=replace(made.task, photo=deep))

    seen.extend(one.task.index for one in begin_drafts(results(), run))
    assert seen_before == [0, 1, 2]
    run.close()
