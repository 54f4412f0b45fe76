"""Images of paid engines that store no answers of their own, on disk from the moment the engine yields them.

An engine knows best what it received, and stores it with `Reservation.store`. One that does not would have its images
bought again after a kill; here they are kept as they were yielded.
"""

from __future__ import annotations

import io
import json

from PIL import Image

from augmentai.dataset.paid_answers import PaidAnswer
from augmentai.engines.base import Engine, Made, Task
from augmentai.engines.paid import item_of
from augmentai.engines.run_ledger import RunLedger

_COMPRESS_LEVEL = 1  # of a PNG that is there for a moment


class KeptImages:
    """The images of one engine in one run.

    Args:
        engine: whose images these are.
        ledger: the run's ledger, with its answers.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from augmentai.engines.gan import GanEngine
        >>> from augmentai.images import Photo
        >>> from augmentai.recipe import Recipe
        >>> from augmentai.settings import Settings
        >>> from augmentai.types import Source
        >>> source, photo = Source.from_bytes("a.png", b"a"), Photo(Image.new("RGB", (4, 3)), "PNG", "RGB")
        >>> engine, task = GanEngine(Settings()), Task(source, photo, 1, 7, Recipe())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     kept = KeptImages(engine, RunLedger(answers=Path(folder, "answers")))
        ...     kept.keep(engine.made(task, Image.new("RGB", (4, 3), "red"), details={"credits": 2.5}))
        ...     found = kept.find(task)
        >>> found.image.getpixel((0, 0)), found.details["credits"]
        ((255, 0, 0), 0.0)
    """

    def __init__(self, engine: Engine, ledger: RunLedger) -> None:
        self._engine, self._ledger = engine, ledger
        self._model = engine.model_version()

    def keep(self, made: Made) -> None:
        """Put an image on disk, unless the engine has stored what it is made of."""
        answers, item = self._ledger.answers, item_of(self._engine.name, made.task)
        if not answers.are_stored or answers.find(item, self._model) is not None:
            return
        png = io.BytesIO()
        made.image.save(png, "PNG", compress_level=_COMPRESS_LEVEL)
        note = {
            "model": made.model,
            "seconds": made.seconds,
            "prompt": made.prompt,
            "repainted": made.repainted,
            "details": dict(made.details),
            "strength": made.strength,
        }
        answer = PaidAnswer(answers.unique_request(item), png.getvalue(), json.dumps(note))
        answers.store(item, _of_image(self._model), answer)

    def find(self, task: Task) -> Made | None:
        """The image that an earlier process paid for. What it cost is in the run's ledger already."""
        item, model = item_of(self._engine.name, task), _of_image(self._model)
        if (answer := self._ledger.answers.find(item, model)) is None:
            return None
        try:
            note = json.loads(answer.note)
            image = Image.open(io.BytesIO(answer.data)).convert("RGB")
            note["details"] = note["details"] | {"credits": 0.0}
            return Made(task, self._engine.name, image, **note)
        except (OSError, ValueError, TypeError, KeyError):
            self._ledger.answers.discard(item, model)
            return None


def _of_image(model: str) -> str:
    """Apart from an answer of the same model that the engine itself has stored."""
    return f"image of {model}"
