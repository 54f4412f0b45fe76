"""The measurement: for each classic policy, accuracy with and without the variations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from torch import Tensor

from augmentai import augment
from augmentai.images import decode
from augmentai.lift.shift import shifted
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from benchmarks.from_scratch.classifier import accuracy, train_classifier
from benchmarks.from_scratch.data import LabelledSet, LiftError, to_tensor
from benchmarks.from_scratch.policies import POLICIES, policy

WITHOUT = "without"


@dataclass(frozen=True)
class LiftPlan:
    """What is measured.

    Args:
        shots: Training images per class.
        seed: Of the choice of training images and of the training.
        steps: Batches of 64, the same for every classifier.
        policies: Names of classic policies, see `benchmarks.from_scratch.policies`.
        device: "cpu" or "cuda", for the classifiers.
    """

    shots: int = 10
    seed: int = 1
    steps: int = 600
    policies: Sequence[str] = POLICIES
    device: str = "cpu"


@dataclass(frozen=True)
class LiftResult:
    """One trained classifier.

    Args:
        set, shots, seed, policy: What it was trained on.
        made_with: "without", or the name of the recipe that made the variations.
        clean, shifted: Test accuracy in percent, on the test images as they are and shifted.
    """

    set: str
    shots: int
    seed: int
    policy: str
    made_with: str
    clean: float
    shifted: float

    def as_dict(self) -> dict[str, object]:
        """Return the fields for JSON."""
        return asdict(self)


def measure(
    data: LabelledSet,
    plan: LiftPlan,
    recipes: Mapping[str, Recipe],
    settings: Settings | None = None,
    on_progress: Callable[[str], None] = lambda words: None,
) -> list[LiftResult]:
    """Train one classifier per policy without variations and one with the variations of each recipe.

    Only training images are augmented; no engine ever sees the test images.

    Args:
        data: The labelled set.
        plan: What to measure.
        recipes: Name -> the recipe whose variations are measured.
        settings: For the engines; `Settings()` by default.
        on_progress: Called with what is being done, in words.

    Returns:
        One result per policy and recipe, plus one per policy without variations.

    Raises:
        LiftError: A recipe made no variation at all.
    """
    sources = data.shots(plan.shots, plan.seed)
    images, labels = data.pixels(sources)
    test, expected = (tensor.to(plan.device) for tensor in data.pixels(data.test))
    hard = shifted(test.cpu(), seed=20_000 + plan.seed).to(plan.device)
    pools = {WITHOUT: images[:, None]}
    for name, recipe in recipes.items():
        on_progress(f"{data.name}: {recipe.variations} variations of {len(sources)} images, {name}")
        pools[name] = with_variations(sources, images, recipe, settings or Settings())
    results = []
    for policy_name in plan.policies:
        for made_with, pool in pools.items():
            on_progress(f"{data.name}, {plan.shots} per class, seed {plan.seed}: {policy_name}, {made_with}")
            batch_policy, pool_on_device = policy(policy_name), pool.to(plan.device)
            model = train_classifier(
                pool_on_device, labels.to(plan.device), len(data.classes), batch_policy, plan.steps, plan.seed
            )
            scores = (round(accuracy(model, x, expected), 2) for x in (test, hard))
            results.append(LiftResult(data.name, plan.shots, plan.seed, policy_name, made_with, *scores))
    return results


def with_variations(sources: Sequence[Source], images: Tensor, recipe: Recipe, settings: Settings) -> Tensor:
    """Make the variations of sources, as the classifier sees them.

    Args:
        sources: What is augmented.
        images: The sources as the classifier sees them.
        recipe: What makes the variations.
        settings: For the engines.

    Returns:
        Each source followed by its variations; the source itself stands in for a variation that could not be made.

    Raises:
        LiftError: No variation could be made.

    Shape:
        images: uint8 (N, 3, 64, 64); output: uint8 (N, 1 + variations, 3, 64, 64).
    """
    pools = images[:, None].repeat(1, 1 + recipe.variations, 1, 1, 1)
    rows = {(source.path, source.sha256): number for number, source in enumerate(sources)}
    made, reason = 0, "no source could be read"
    for outcome in augment(sources, recipe, settings):
        if outcome.variation is None:
            reason = outcome.reason
            continue
        image = to_tensor(decode(outcome.variation.data, outcome.variation.file, settings.max_pixels).rgb)
        pools[rows[outcome.source.path, outcome.source.sha256], outcome.index] = image
        made += 1
    if not made:
        raise LiftError(f"no variation could be made: {reason}")
    return pools
