"""From one job to the next without a message in between (docs/decisions/0020)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from jobs import kinds
from jobs.endings import Ending
from jobs.errors import LeaseLost
from jobs.leases import Claim, Lease, Refusal
from tasks.engine.backend import Tools
from tasks.engine.outage import retry_while_unavailable
from tasks.engine.turn import Turn

LENGTH = timedelta(seconds=1)
"""After so long Celery's parent is asked for the next job again."""


class Chain:
    """The jobs that a child runs for one message. All claims of a chain have one token."""

    def __init__(  # noqa: PLR0913  # what a child has of its worker
        self,
        tools: Tools,
        *,
        token: str,
        worker: str,
        queues: Callable[[], Sequence[str]],
        goes_on: Callable[[], bool],
        on_answer: Callable[[], object],
    ) -> None:
        """`token` is of all its claims, and begins with the name of this process and a colon.

        `queues` are those that the worker consumes by now. `goes_on` says whether the child may take another job.

        `on_answer` is called each time that the store has answered a claim, be it with a refusal.
        """
        self.token = token
        self._tools = tools
        self._worker = worker
        self._turn = Turn(queues)
        self._goes_on = goes_on
        self._on_answer = on_answer
        self._until = time.monotonic() + LENGTH.total_seconds()
        self._kinds: list[str] = []
        self._next: Claim | None = None

    async def begin(self, job_id: str) -> Claim | Refusal:
        """Claims the job, with patience while Redis is away. Raises StoreUnavailable; then the sweep finds the job."""
        tools, began = self._tools, time.monotonic()
        found = await retry_while_unavailable(
            lambda: tools.store.claim(job_id, worker=self._worker, token=self.token), within=tools.settings.lease
        )
        self._on_answer()
        if isinstance(found, Refusal):
            return found
        self._kinds = _covered_by(found.job.kind, shared=tools.settings.jobs_per_worker > 1)
        return await self._in_time(found, began)

    async def finish(self, lease: Lease, ending: Ending) -> None:
        """Ends the job, and claims the next one if this chain may go on. Raises LeaseLost and StoreUnavailable."""
        tools, began, queues = self._tools, time.monotonic(), self._turn.order()
        if began >= self._until or not self._goes_on():
            await retry_while_unavailable(lambda: tools.store.finish(lease, ending), within=tools.settings.lease)
            return
        found = await retry_while_unavailable(
            lambda: tools.store.finish_and_claim(
                lease, ending, worker=self._worker, token=self.token, queues=queues, kinds=self._kinds
            ),
            within=tools.settings.lease,
        )
        self._on_answer()
        if found is not None:
            self._turn.serve(found.job.queue.name)
            claimed = await self._in_time(found, began)
            self._next = claimed if isinstance(claimed, Claim) else None

    def take_next(self) -> Claim | None:
        """What was claimed when the last job was finished."""
        claim, self._next = self._next, None
        return claim

    async def _in_time(self, claim: Claim, began: float) -> Claim | Refusal:
        """The claim with its whole lease: the reply to an earlier try may be lost, and a repeat does not renew it."""
        settings, store = self._tools.settings, self._tools.store
        claim = replace(claim, requested_at=began)
        if time.monotonic() - began <= settings.heartbeat.total_seconds():
            return claim
        renewed_at = time.monotonic()
        try:
            await retry_while_unavailable(lambda: store.renew(claim.lease), within=settings.lease)
        except LeaseLost as lost:
            return Refusal(lost.state)
        return replace(claim, requested_at=renewed_at)


def _covered_by(kind: str, *, shared: bool) -> list[str]:
    """Celery ends the process by the time limit of the kind that the message names: no other job may need longer.

    A process that many jobs share is not Celery's to end.
    """
    limits = {known.name: known.time_limit for known in kinds.known()}
    return [name for name, limit in limits.items() if shared or (kind in limits and limit <= limits[kind])]
