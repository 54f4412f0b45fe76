"""What a process does that makes some of the images of a run, and the messages that it sends."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from threading import Event
from typing import Any

from PIL import Image

from augmentai.annotations import Labels
from augmentai.pipeline.run_state import RunState, failure_reason
from augmentai.pipeline.stages import run_stages
from augmentai.system.memory import Tidying
from augmentai.system.threads import use_one_thread
from augmentai.types import Outcome, Source, SourceKey


@dataclass(frozen=True)
class Taken:
    """The process has taken one of the images that were assigned to it."""


@dataclass(frozen=True)
class Settled:
    """An outcome, without what the other process has or can do without.

    Attributes:
        source: of which image.
        outcome: with another source, and an image of no size.
    """

    source: SourceKey
    outcome: Outcome

    @classmethod
    def of(cls, outcome: Outcome) -> Settled:
        """Pack an outcome."""
        made = outcome.variation
        if made is not None:
            labels = None if made.labels is None else Labels(made.labels.shapes)
            made = replace(made, image=_NO_IMAGE, labels=labels)
        return cls(outcome.source.key, replace(outcome, source=_NO_SOURCE, variation=made))

    def unpacked(self, source: Source) -> Outcome:
        """The outcome; its image is decoded from its file where it is looked at."""
        made = self.outcome.variation
        if made is not None:
            made = replace(made, image=Image.open(io.BytesIO(made.data)))
        return replace(self.outcome, source=source, variation=made)


@dataclass(frozen=True)
class Finished:
    """The process has nothing left to do.

    Attributes:
        cut_short: whether a stop left work undone.
        outages: engines that could not continue, and why.
        losses: what the format of the result cannot hold.
        fault: an unexpected error that ended its work; "" if all is well.
    """

    cut_short: bool
    outages: Mapping[str, str]
    losses: Sequence[str]
    fault: str = ""


_NO_IMAGE = Image.new("1", (1, 1))
_NO_SOURCE = Source("", None, "", 0, bytes)


def make_assigned(pipe: Connection, stop: Event, sources: Sequence[Source], run: RunState) -> None:
    """Make the variations of the images that are assigned to this process, until there are no more.

    Args:
        pipe: brings numbers of images, and None after the last; takes `Taken`, `Settled`, and `Finished` at the end.
        stop: ends the work early.
        sources: all images of the run.
        run: its state when this process was forked, which is its own from now on.
    """
    use_one_thread()
    run.stop = stop
    tidying, fault = Tidying(), ""
    try:
        with closing(run_stages(_assigned(pipe, sources), run)) as outcomes:
            for outcome in outcomes:
                _send(pipe, outcome)
                pixels = outcome.pixels
                del outcome
                tidying.made(pixels)
    except (BrokenPipeError, ConnectionError):
        return  # nobody is there to listen
    except Exception as error:
        fault = failure_reason(error)
    losses = tuple(getattr(run.output, "losses", ()))
    pipe.send(Finished(run.cut_short, dict(run.outages), losses, fault))


def _assigned(pipe: Connection, sources: Sequence[Source]) -> Iterator[Source]:
    while (number := pipe.recv()) is not None:
        pipe.send(Taken())
        yield sources[number]


def _send(pipe: Connection, outcome: Outcome) -> None:
    settled: Any = Settled.of(outcome)
    try:
        pipe.send(settled)
    except (BrokenPipeError, ConnectionError):
        raise
    except Exception as error:  # an operation of another package noted something that cannot be sent
        failed = replace(settled.outcome, variation=None, reason=failure_reason(error))
        pipe.send(Settled(settled.source, failed))
