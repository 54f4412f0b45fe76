"""The hosted engine.

`endpoints` describes the service's calls, `prepare` and `placement` the pixels, `client` and `connection` the HTTP
requests, `responses` what comes back, `rate_limit` the waiting; `run` makes one job's requests, and `engine` is what
the rest of AugmentAI sees.
"""

from augmentai.engines.stability.engine import StabilityEngine

__all__ = ["StabilityEngine"]
