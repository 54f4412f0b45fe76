"""Workers that are jobs of the Hugging Face Hub: datatrove's executor, which tells why jobs failed and ends them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from datatrove.executor import JobsPipelineExecutor

from augmentai.cluster.errors import ClusterError
from augmentai.storage import StorageError
from augmentai.storage.hub import end_job, end_of_job, jobs_refused


class HubJobs(JobsPipelineExecutor):
    """Jobs that make shards. They end with this process, if it is told to end."""

    def run(self) -> None:
        """Submit the jobs, or, in one of them, make its shards.

        Raises:
            ClusterError: the Hub refuses, or jobs failed; the message says why.
        """
        self._last: dict[int, str] = {}
        try:
            with jobs_refused():
                super().run()
        except (StorageError, ValueError) as error:  # ValueError: there is no token
            raise ClusterError(f"HF Jobs: {error}") from error

    def _submit_array_index(self, array_index: int, pik_path: str, token: str) -> str:
        job = str(super()._submit_array_index(array_index, pik_path, token))
        self._last[array_index] = job
        return job

    def _launch_and_wait(self, nb_jobs: int, pik_path: str, max_concurrent: int, token: str) -> list[int]:
        try:
            failed: list[int] = super()._launch_and_wait(nb_jobs, pik_path, max_concurrent, token)
        except BaseException:
            for job in self._last.values():
                end_job(job, self.namespace, token)
            raise
        if failed:
            why = end_of_job(self._last[failed[0]], self.namespace, token)
            jobs = f"{len(failed)} of {nb_jobs} jobs" if nb_jobs > 1 else "the job"
            raise ClusterError(f"{jobs} failed ({why}); run the same command for what is left")
        return failed


def secrets_named(names: Sequence[str]) -> dict[str, str]:
    """The variables of this environment that jobs are to have.

    Args:
        names: what they are called.

    Raises:
        ClusterError: one is not set.
    """
    if missing := [name for name in names if not os.environ.get(name)]:
        raise ClusterError(f"--secret {missing[0]}: this variable is not set here; set it, so that jobs can have it")
    return {name: os.environ[name] for name in names}
