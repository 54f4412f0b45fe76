"""Small loops compiled when first used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from augmentai.system.llvm import Compiled, Function, compiled_once, expect


class Doubled(Function):
    name, pointers, numbers = "doubled", "ff", 1

    def body(self, source: Any, out: Any, count: Any) -> None:
        with self.loop(self.number(0), count) as i:
            value = self.load(source, i)
            self.build.store(self.build.fadd(value, value), self.build.gep(out, [i]))


def test_a_loop_runs_over_an_array() -> None:
    values, out = np.arange(5, dtype=np.float32), np.zeros(5, np.float32)
    Compiled(Doubled).call("doubled", (values, out), 4)
    assert out.tolist() == [0, 2, 4, 6, 0]


def test_what_cannot_be_compiled_is_tried_once_and_is_none() -> None:
    attempts = []

    def fails() -> Compiled:
        attempts.append(1)
        raise OSError("memory may not be made executable")

    made = compiled_once(fails)
    assert [made(), made()] == [None, None]
    assert len(attempts) == 1


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(4, np.float64),  # of another type
        np.zeros((4, 4), np.float32)[:, 1],  # with gaps
    ],
)
def test_arrays_are_checked(array: Any) -> None:
    with pytest.raises(TypeError, match="expected contiguous float32"):
        expect(np.float32, np.zeros(3, np.float32), array)
