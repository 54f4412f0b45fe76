"""What `recipe.yaml` says of a run, from its plan and the digests of its set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from augmentai.dataset.run_record import RunRecord, SetDigests, record_of
from augmentai.engines import model_versions
from augmentai.engines.base import Engine
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.resolve import followed
from augmentai.recipe.steps import step_names
from augmentai.registry import packages_of
from augmentai.storage import Place


def record_of_plan(
    plan: RunPlan, digests: SetDigests, engines: Sequence[Engine], inputs: Iterable[Place], out: Place
) -> RunRecord:
    """What `recipe.yaml` will say of a run.

    Args:
        plan: what the run will do.
        digests: of its set.
        engines: those that there are.
        inputs: the files and folders that were named.
        out: the folder or ZIP it is written to.
    """
    used = model_versions(plan.recipe.engine, engines)
    packages = packages_of("formats", (plan.gathered.layout.name, plan.recipe.to))
    packages += packages_of("operations", step_names(plan.recipe.operations))
    record = record_of(plan.recipe, digests, used, inputs, out, plan.retry_round, str(plan.geometry), packages)
    return replace(record, follows=partial(followed, {engine.name: engine for engine in engines}))
