"""Sources are decoded ahead of the engine, unless they are large."""

from __future__ import annotations

import pytest

from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.writers.output_set import OutputSet
from augmentai.engines.image_memory import ImageMemory
from augmentai.pipeline import prefetch
from augmentai.pipeline.plan import plan_run
from augmentai.pipeline.run_state import RunState
from augmentai.recipe import Recipe
from augmentai.types import Source
from tests.support.image_files import png
from tests.support.jobs import Darker


@pytest.mark.parametrize(("limit_mb", "ahead"), [(100, 2), (0.001, 0)])
def test_large_sources_are_decoded_when_it_is_their_turn(
    limit_mb: float, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tuple(Source.from_bytes(f"{number}.png", png(seed=number)) for number in range(6))
    plan = plan_run(Gathered(sources, (), ()), Recipe(seed=1, engine="gan"), [Darker()])
    run = RunState(plan, OutputSet(plan.gathered, plan.recipe), [Darker()], 10**6, memory=ImageMemory(limit_mb))
    decoded: list[str] = []
    real = prefetch.decode
    monkeypatch.setattr(prefetch, "decode", lambda data, name, most: (decoded.append(name), real(data, name, most))[1])
    paths = []
    for item in prefetch.decode_ahead(iter(sources), run):
        run.decoders.submit(int).result()  # what was begun before is done
        paths.append(item.source.path)
        assert len(decoded) == min(len(sources), len(paths) + ahead)
    assert paths == decoded == [source.path for source in sources]
    run.close()
