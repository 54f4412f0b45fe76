"""Why a plan cannot be made, run or merged."""

from __future__ import annotations

from augmentai.system.extras import missing


class ClusterError(RuntimeError):
    """A plan or its shards cannot be used; the message names the URL, what was found, and what to do."""


def check_installed() -> None:
    """Raise ClusterError if the packages of the extra `cluster` are not installed."""
    if reason := missing("cluster"):
        raise ClusterError(f"runs cannot be shared out among workers: {reason}")
