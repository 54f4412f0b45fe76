"""What a job would cost, told before the click, and a visitor's own key for their own job."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import PurePosixPath

from augmentai.dataset.read import PICTURE_SUFFIXES
from augmentai.engines import with_settings
from augmentai.engines.base import Engine
from augmentai.engines.stability import StabilityEngine, estimate, visitor_settings
from augmentai.recipe import Recipe
from augmentai.settings import Settings

_BALANCE_SECONDS = 300.0  # how long a balance is taken for true


def own_key(settings: Settings, engines: Sequence[Engine], key: str) -> tuple[Settings, Sequence[Engine]]:
    """Settings and engines for one job with a visitor's own key; the owner's limits of credits are not the visitor's.

    The key lives in these objects and goes with them; no key, and all stays as it was.
    """
    changed = visitor_settings(settings, key or "")
    return changed, engines if changed is settings else with_settings(engines, changed)


def count_pictures(files: Sequence[str]) -> int:
    """How many pictures these uploads hold, by their names: quick, and at most what a job will find."""
    total = 0
    for file in files:
        if not zipfile.is_zipfile(file):
            total += 1
            continue
        try:
            with zipfile.ZipFile(file) as archive:
                names = [PurePosixPath(name) for name in archive.namelist()]
        except (zipfile.BadZipFile, OSError):
            continue
        total += sum(name.suffix.lower() in PICTURE_SUFFIXES and "__MACOSX" not in name.parts for name in names)
    return total


def cost_line(settings: Settings, recipe: Recipe, pictures: int, balance: float | None) -> str:
    """One line of HTML: the most that this job can cost; empty where it costs nothing."""
    cost = estimate(settings, recipe, pictures)
    if cost is None or not cost.pictures:
        return ""
    line = f"<b>Cost:</b> {escape(str(cost))}"
    if balance is not None:
        line += f". The account holds about {balance:,.0f}"
    return f'<p class="aug-line">{line}.</p>'


class Balance:
    """The account's credits, asked for in the background and remembered for five minutes."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engine = next((engine for engine in engines if isinstance(engine, StabilityEngine)), None)
        self._known: float | None = None
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def known(self) -> float | None:
        """What was last heard; never waits. The first call only asks."""
        with self._lock:
            due = time.monotonic() - self._asked > _BALANCE_SECONDS
            if due:
                self._asked = time.monotonic()
        if due and self._engine is not None and self._engine.readiness().configured:
            threading.Thread(target=self._ask, name="balance", daemon=True).start()
        return self._known

    def _ask(self) -> None:
        assert self._engine is not None
        self._known = self._engine.balance()
