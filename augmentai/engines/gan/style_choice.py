"""Which style a variation is painted in: a donor's, or a blend of two, chosen by the variation's seed alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from augmentai.engines.base import Task
from augmentai.gan.style_donors import StyleDonors, seeded_order
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.gan.runtime.arrays import Array
    from augmentai.gan.runtime.network import Network

FEW_DONORS = 8  # with fewer, the style bank joins in, or variations would look alike
_RETRY_STEP = 17  # donors to skip for each rejected attempt: past those of the other variations
_TWIN = 0.98  # cosine of two styles: above it they count as the same, and borrowing one would change nothing
_MAX_SECOND_SHARE = 0.4  # of a second donor: more styles than donors

_order = lru_cache(maxsize=16)(seeded_order)  # of a source, for all its variations

StyleOf = Callable[[Source], "Array | None"]  # of a donor; None if it cannot be decoded


def choose_style(task: Task, own: Array, network: Network, donors: StyleDonors, style_of: StyleOf) -> tuple[Array, str]:
    """The style of one variation, and the donors' names for the manifest.

    Variations alternate between the job's own images and the style bank: the first keep the look of the class, the
    others bring light that the job does not have.

    Args:
        task: the variation.
        own: the source's own style.
        network: with the style bank.
        donors: the images of the job that may lend their style.
        style_of: encodes a donor.

    Shape:
        own: float32 (1, D); output: float32 (1, D) of unit RMS.
    """
    from augmentai.gan.runtime.arrays import unit_rms

    candidates = donors.for_source(task.source)
    bank = range(len(network.bank))
    round_number, of_bank = divmod(task.index - 1, 2)
    enough = len(candidates) >= FEW_DONORS
    pool: list[Source | int] = [*bank] if bank and (of_bank or not enough) else [*candidates]
    start = (round_number if enough else task.index - 1) + _RETRY_STEP * task.attempt
    order = _order(len(pool), f"{task.recipe.seed}:{task.source.sha256}:donors")

    def lender(position: int) -> tuple[str, Array]:
        for step in range(len(order)):
            donor = pool[order[(position + step) % len(order)]]
            if isinstance(donor, int):
                return f"bank {donor}", network.bank[donor]
            style = style_of(donor)
            # An image that cannot be decoded lends nothing, nor does a twin of the source; the next one does.
            if style is not None and float((style * own[0]).mean()) < _TWIN:
                return f"{donor.path} {donor.sha256[:12]}", style
        if len(network.bank):
            choice = order[position % len(order)] % len(network.bank)
            return f"bank {choice}", network.bank[choice]
        return "none", own[0]

    (name, first), (second_name, second) = lender(start), lender(start + len(pool) // 2)
    share = (task.seed % 1000) / 1000 * _MAX_SECOND_SHARE
    blended = unit_rms(np.float32(1 - share) * first + np.float32(share) * second)[None]
    return blended, name if name == second_name else f"{name} + {share:.2f} of {second_name}"
