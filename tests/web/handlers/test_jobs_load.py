"""Twenty visitors at once: everybody is served in turn and gets their own images. `benchmarks/load.py` does more."""

from __future__ import annotations

from pathlib import Path

import requests

from augmentai.settings import Settings
from tests.support.app_server import serving
from tests.support.crowd import crowd, photo_of

VISITORS = 20


def test_twenty_at_once(tmp_path: Path) -> None:
    """As strangers come to a public page: through a proxy, each from an address of their own."""
    photos = [photo_of(number, tmp_path) for number in range(VISITORS)]
    with serving(Settings(public=True, proxies=1), tmp_path / "gradio") as url:
        visits = crowd(url, photos, variations=1, addresses=True)
        assert [visit.problem for visit in visits if visit.problem] == []
        assert [(visit.made, visit.ours) for visit in visits] == [(1, 1)] * VISITORS
        assert requests.get(url, timeout=30).ok


def test_a_full_queue_is_reported_at_once(tmp_path: Path) -> None:
    """A queue that is full refuses with words, and serves all whom it took in."""
    photos = [photo_of(number, tmp_path) for number in range(8)]
    with serving(Settings(queue_size=2), tmp_path / "gradio") as url:
        visits = crowd(url, photos, variations=16)
        refused = [visit.problem for visit in visits if visit.problem]
        assert refused
        assert all("queue is full" in problem.lower() for problem in refused), refused
        served = [visit for visit in visits if not visit.problem]
        assert len(served) >= 2
        assert all(visit.ours == 16 for visit in served)
