"""Runs measurements of the page and of the API within their visitors' limits; errors become messages."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.dataset.writers.base import OutputError
from augmentai.engines import estimate, title
from augmentai.lift import LiftError
from augmentai.recipe import Recipe, RecipeError
from augmentai.web.access.rate_limit import LimitReachedError, wait_words
from augmentai.web.access.visitors import Visitors, address_of
from augmentai.web.handlers.job_runner import JobRunner
from augmentai.web.jobs.lift_job import LiftRequest, LiftSnapshot, run_lift
from augmentai.web.parsing.pool import ParsingError
from augmentai.web.recipe_files import wrong_setting

MOST_RECIPES = 4  # at once; each makes the intervals of all wider
_PER_IMAGE = 4  # variations of a measurement, which are small, that count as one image of the visitor's hour


class LiftRunner:
    """Runs measurements, one at a time with the jobs, on free engines alone."""

    def __init__(self, runner: JobRunner) -> None:
        self.jobs = runner

    def run(self, wanted: LiftRequest, stop: Event, request: gr.Request) -> Iterator[LiftSnapshot]:
        """Measure.

        Args:
            wanted: what.
            stop: ends it.
            request: of the visitor.

        Raises:
            gr.Error: it cannot be measured; the message says why.
        """
        self.check(wanted.recipes)
        allowance = _Allowance(self.jobs.visitors, request)
        admitted = LiftRequest(**{**vars(wanted), "admit": allowance.reserve})
        share = 0.0
        try:
            with self.jobs.running_jobs.running(stop):
                for snapshot in run_lift(admitted, self.jobs.settings, Path(get_upload_folder()), stop):
                    share = snapshot.progress.share if snapshot.report is None else 1.0
                    yield snapshot
        except LimitReachedError as error:
            raise gr.Error(str(error), title="Limit reached", print_exception=False) from error
        except LiftError as error:
            raise gr.Error(_without_paths(str(error)), title="Not measured", print_exception=False) from error
        except RecipeError as error:
            raise wrong_setting(error) from error
        except ParsingError as error:
            raise gr.Error(str(error), title="A file could not be read", print_exception=False) from error
        except OutputError as error:
            raise gr.Error(_without_paths(str(error)), title="Not measured", print_exception=False) from error
        finally:
            allowance.give_back(1 - share)

    def check(self, recipes: Mapping[str, Recipe]) -> None:
        """Raise gr.Error if these are none, too many, or cost credits."""
        if not recipes:
            raise gr.Error("Nothing is chosen. Choose what to measure.", title="Not measured", print_exception=False)
        if len(recipes) > MOST_RECIPES:
            message = f"{len(recipes)} recipes are chosen; at most {MOST_RECIPES} are measured at once."
            raise gr.Error(message, title="Not measured", print_exception=False)
        for name, recipe in recipes.items():
            if any(engine.name == recipe.engine and engine.paid for engine in self.jobs.engines):
                raise gr.Error(self._price(name, recipe), title="Not measured", print_exception=False)

    def _price(self, name: str, recipe: Recipe) -> str:
        cost = estimate(self.jobs.engines, recipe, 100 * recipe.variations)
        price = f": {cost} for 100 images" if cost is not None else ""
        return (
            f"{name}: measuring {title(recipe.engine)} would cost credits{price}. The page measures free engines "
            "alone; on the command line, augmentai lift --paid measures it."
        )


class _Allowance:
    """What a measurement takes of its visitor's hour: an image for every few variations, less if it ends before."""

    def __init__(self, visitors: Visitors, request: gr.Request) -> None:
        self._window, self._address = visitors.images, address_of(request, visitors.proxies)
        self._taken = 0

    def reserve(self, variations: int) -> None:
        """Raise LimitReachedError if so many variations are more than is left."""
        wanted = math.ceil(variations / _PER_IMAGE)
        if self._window.reserve(self._address, wanted):
            self._taken = wanted
            return
        left, seconds = self._window.remaining(self._address), self._window.seconds_until(self._address, wanted)
        raise LimitReachedError(
            f"Hourly image limit reached: this measurement makes up to {variations:,} small variations, which count as "
            f"{wanted:,} images, and you have {left:,.0f} of {self._window.limit:,.0f} left. Try again "
            f"{wait_words(seconds)}, or measure fewer recipes, variations or images."
        )

    def give_back(self, share: float) -> None:
        """Return this share of what was reserved."""
        self._window.add(self._address, -self._taken * share)
        self._taken = 0


def _without_paths(message: str) -> str:
    """The server's paths are not revealed."""
    return message.replace(f"{get_upload_folder()}{os.sep}", "")
