"""A job whose lease is kept."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from headrace.waits import Waited
from jobs.leases import Claim
from tasks.engine.loop_watch import LoopWatch


@dataclass(eq=False)
class Held:
    """What the thread that keeps the lease knows of it."""

    claim: Claim
    on_lost: Callable[[str], None]
    waiting: Callable[[], Waited | None]
    loop: LoopWatch
    time_limit: float | None
    """Seconds after which a loop that this job blocks is not waited for; None: somebody else sees to that."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Something was said of the job; the next renewal tells what."""
    lost: bool = False
    left: bool = False
    """Its run has ended; what is heard of it now means nothing."""
    keeping: asyncio.Task[None] | None = None
    ran: float = 0.0
    """Seconds, by looks."""
    blocked_since_lost: float = 0.0
    """Seconds, by looks, for which the loop has been blocked since the job was lost."""

    def lose(self, why: str) -> None:
        if not self.left:
            self.lost = True
            self.on_lost(why)
