"""The hosted engine.

`registry` knows the service's calls, `prepare` the pixels, `client` the wire, `answers` what comes back, `pace` the
waiting, `money` the credits; `run` leads one job through them and `engine` is the door.
"""

from augmentai.engines.stability.api_key import visitor_settings
from augmentai.engines.stability.budget import estimate
from augmentai.engines.stability.engine import StabilityEngine

__all__ = ["StabilityEngine", "estimate", "visitor_settings"]
