"""One run shared out among workers: planned once, made in shards on one machine, Ray, Slurm or Hugging Face Jobs, and
merged into the set that a single run would have written."""

from augmentai.cluster.api import merge, plan, run_shards, status
from augmentai.cluster.errors import ClusterError
from augmentai.cluster.executors import Resources
from augmentai.cluster.progress import Status

__all__ = ["ClusterError", "Resources", "Status", "merge", "plan", "run_shards", "status"]
