"""A real MCP client, called from tests that are not asynchronous."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, Tool

from augmentai.settings import ROOT


@dataclass
class Caller:
    """A client that is connected.

    Attributes:
        progress: what the calls so far have reported: done, all, words.
    """

    portal: BlockingPortal
    client: Client
    progress: list[tuple[float, float | None, str | None]] = field(default_factory=list)

    def tools(self) -> dict[str, Tool]:
        return {tool.name: tool for tool in self.portal.call(self.client.list_tools).tools}

    def begin(self, tool: str, **arguments: Any) -> Future[CallToolResult]:
        """Call a tool and do not wait; cancelling what is returned cancels the call."""

        async def report(done: float, total: float | None, words: str | None) -> None:
            self.progress.append((done, total, words))

        call = partial(self.client.call_tool, tool, arguments, progress_callback=report)
        return self.portal.start_task_soon(call)

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        return self.begin(tool, **arguments).result(120)

    def refused(self, tool: str, **arguments: Any) -> str:
        """The message of a call that is refused."""
        result = self.call(tool, **arguments)
        assert result.is_error, result.content
        return str(result.content[0].text)


@contextmanager
def connected(server: Any) -> Iterator[Caller]:
    """A client of a server in this process, or of whatever else the package `mcp` can connect to."""
    with start_blocking_portal() as portal:
        client = Client(server)
        with portal.wrap_async_context_manager(client):
            yield Caller(portal, client)


@contextmanager
def mcp_process(*folders: Path) -> Iterator[Caller]:
    """A client of `augmentai mcp`, started by the client as assistants do."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AUGMENTAI_", "STABILITY_"))}
    words = ["-m", "augmentai", "mcp", *map(str, folders)]
    program = StdioServerParameters(command=sys.executable, args=words, env={**clean, "PYTHONPATH": str(ROOT)})
    with connected(stdio_client(program)) as caller:
        yield caller
