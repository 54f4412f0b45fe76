"""The order of visitors' turns."""

from __future__ import annotations

import pytest

from augmentai.web.access.turns import Turns


@pytest.mark.parametrize(
    ("steps", "order"),
    [
        # one visitor: as they came
        ("a1 a2 a3", "a1 a2 a3"),
        # visitors alternate, whoever has more
        ("a1 a2 a3 b1 b2", "a1 b1 a2 b2 a3"),
        # a newcomer waits for the job at work, not for those behind it
        ("a1 a2 a3 >a1 b1", "b1 a2 a3"),
        # and for one job of each other visitor
        ("a1 a2 a3 a4 b1 b2 b3 >a1 .a1 >b1 .b1 >a2 c1", "b2 c1 a3 b3 a4"),
        # what was taken back counts no longer
        ("a1 a2 a3 .a2 .a3 a4 b1", "a1 b1 a4"),
        # the visitor who just had a turn comes last
        ("a1 >a1 .a1 a2 >a2 b1 b2 a3", "b1 a3 b2"),
        # one job after the other: the turn goes back and forth
        ("a1 b1 >a1 a2 .a1 >b1 b2 .b1 >a2 a3", "b2 a3"),
        # newcomers do not push aside whoever has waited
        ("a1 a2 >a1 b1 .a1 >b1 c1 d1 .b1", "a2 c1 d1"),
        # two places at once, both taken by one visitor
        ("a1 a2 a3 a4 >a1 >a2 b1 b2", "b1 a3 b2 a4"),
        ("a1 a2 a3 a4 >a1 >a2 b1 b2 .a1 >b1", "b2 a3 a4"),
    ],
)
def test_order(steps: str, order: str) -> None:
    """a1: a job of visitor a joins; >a1: it starts; .a1: it ends, or is taken back."""
    turns: Turns[str] = Turns()
    for step in steps.split():
        if step.startswith(">"):
            assert turns.order()[0] == step[1:]
            turns.start(step[1:])
        elif step.startswith("."):
            turns.end(step[1:])
        else:
            turns.add(step, step[0])
    assert turns.order() == order.split()
