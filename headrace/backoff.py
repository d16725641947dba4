"""How long to wait before trying again: capped exponential backoff with full jitter.

Full jitter, a random share of the whole wait, spreads many waiters best: Brooker, "Exponential Backoff And Jitter",
AWS Architecture Blog, 2015.
"""

import random
from datetime import timedelta


def backoff(attempt: int, *, base: timedelta, limit: timedelta) -> timedelta:
    """The wait after failed attempt number `attempt` (from 1): random, up to base x 2^(attempt - 1) or `limit`."""
    # No exponent so large that the float overflows: 2^32 bases exceed any limit.
    ceiling = min(limit, base * 2 ** min(attempt - 1, 32))
    return ceiling * random.random()  # noqa: S311  # spreads load, guards nothing
