"""What sweeps have put aside."""

from typing import Any

import redis

from jobs import keys


def put_aside(port: int) -> dict[str, str]:
    """Job or batch -> why. Nothing from a server that is not there any more."""
    try:
        with redis.Redis(port=port, decode_responses=True, socket_timeout=5) as client:
            found: Any = client.hgetall(keys.QUARANTINED)
    except redis.RedisError:
        return {}
    return found
