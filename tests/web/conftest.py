"""A real server with the real local GAN."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from augmentai.settings import Settings
from tests.web.serving import serving


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as `app.py` starts it, without any key, on a free port of the loopback."""
    with serving(Settings(), tmp_path_factory.mktemp("gradio")) as url:
        yield url
