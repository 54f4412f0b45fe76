"""The hosted engine.

`registry` knows the service's calls, `prepare` the pixels, `client` the wire, `answers` what comes back, `pace` the
waiting, `money` the credits; `run` leads one job through them and `engine` is the door.
"""

from augmentai.engines.stability.engine import StabilityEngine
from augmentai.engines.stability.keys import visitor_settings
from augmentai.engines.stability.money import Estimate, estimate

__all__ = ["Estimate", "StabilityEngine", "estimate", "visitor_settings"]
