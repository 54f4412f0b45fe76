"""A tab for one visitor after the other: where the page's scripts are compiled, it opens in a third of the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.support.page_steps import DONE_MS

_DESK_WH = (1280, 900)
_KEPT_BY_A_SITE = "cookies,local_storage,indexeddb,cache_storage,service_workers"


def patient(context: Any) -> Any:
    """A context of the browser that gives a busy machine its time."""
    context.set_default_timeout(DONE_MS)
    return context


class Tab:
    """Each visitor finds it empty: no cookies, nothing stored, no permissions."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._page: Any = None

    @contextmanager
    def visitor(self, url: str, size_wh: tuple[int, int] = _DESK_WH, still: bool = False) -> Iterator[Any]:
        """A fresh visitor at an address of the app; fails if any request left for another host.

        still: whether the visitor prefers that nothing moves.
        """
        page = self._opened()
        page.set_viewport_size(dict(zip(("width", "height"), size_wh, strict=True)))
        page.emulate_media(reduced_motion="reduce" if still else "no-preference")
        host = urlsplit(url).netloc
        own = (f"http://{host}/", f"ws://{host}/", "data:", "blob:")
        strangers: list[str] = []

        def note(request: Any) -> None:
            if not request.url.startswith(own):
                strangers.append(request.url)

        page.context.on("request", note)
        try:
            page.goto(url)
            page.wait_for_selector("#augment")
            yield page
        except BaseException:
            self.close()  # in whatever state it is
            raise
        page.context.remove_listener("request", note)
        self._leave(f"http://{host}")
        assert strangers == []

    def close(self) -> None:
        if self._page is not None:
            self._page.context.close()
            self._page = None

    def _opened(self) -> Any:
        if self._page is None or self._page.is_closed():
            self.close()
            self._page = patient(self._browser.new_context(accept_downloads=True)).new_page()
        return self._page

    def _leave(self, origin: str) -> None:
        """Forget the visitor."""
        page = self._page
        if page.is_closed():
            self.close()
            return
        for other in page.context.pages:
            if other is not page:
                other.close()
        page.unroute_all()
        page.evaluate("sessionStorage.clear()")
        page.goto("about:blank")
        page.context.clear_permissions()
        page.context.clear_cookies()
        session = page.context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": _KEPT_BY_A_SITE})
        session.detach()
