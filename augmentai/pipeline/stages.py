"""The pipeline on one screen: what happens to a source on its way to a variation, in order.

Each stage is a function `(items, run) -> items` over an iterator; the next stage pulls, so memory does not grow with
the number of images. What a stage settles for good (an unreadable file, a refusal, an image that stays rejected) is an
`Outcome`, and the stages after it pass it on. A stage lets go of what it has passed on (`del`) before it pulls again: a
loop would keep it until the next item comes, and a large image is a hundred megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any

from augmentai.pipeline.deduplicate import deduplicate
from augmentai.pipeline.encode import encode_files
from augmentai.pipeline.judge import judge
from augmentai.pipeline.paint import paint
from augmentai.pipeline.prefetch import decode_ahead, make_tasks, retry_first, skip_leaks
from augmentai.pipeline.run_state import RunState
from augmentai.pipeline.transform import transform
from augmentai.pipeline.write_labels import write_labels
from augmentai.types import Outcome, Source

Stage = Callable[[Iterator[Any], RunState], Iterator[Any]]

STAGES: Sequence[Stage] = (
    decode_ahead,  # Source -> Decoded: pixels and labels, two images ahead of the engine
    skip_leaks,  # Decoded -> Decoded: a near-copy of a validation or test image ends here
    make_tasks,  # Decoded -> Task: one for each variation that does not exist yet
    retry_first,  # Task -> Task: what a filter rejected comes back before anything new
    paint,  # Task -> Begun | Outcome: an engine paints; the next one takes over what it cannot do
    transform,  # Begun -> Draft: geometry and operations move pixels and labels together
    judge,  # Draft -> Draft: filters reject what would not help a training set
    write_labels,  # Draft -> Draft: its label files, in the format of the result
    deduplicate,  # Draft -> Draft: near-duplicates of lower-numbered variations of the same source are rejected
    encode_files,  # Draft -> Outcome: the image file, marked as AI-made
)


def run_stages(sources: Iterable[Source], run: RunState) -> Generator[Outcome, None, None]:
    """Send sources through every stage. Closing the iterator closes the stages, the last one first.

    Args:
        sources: the images to augment.
        run: what the stages share.

    Yields:
        Outcomes as they finish.
    """
    items: Iterator[Any] = iter(sources)
    with ExitStack() as stack:
        for stage in STAGES:
            items = stage(items, run)
            stack.enter_context(closing(items))  # type: ignore[type-var]  # every stage's iterator can be closed
        yield from items
