"""Renewals of many leases, sent together when they are due together."""

import asyncio

from jobs.renewals import Renewal
from jobs.store import JobStore


class Renewer:
    """All methods belong to one event loop."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._due: list[tuple[Renewal, asyncio.Future[None]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def renew(self, renewal: Renewal) -> None:
        """Raises LeaseLost and StoreUnavailable."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._due.append((renewal, answer))
        if len(self._due) == 1:
            self._sending = asyncio.create_task(self._send())
        await answer

    async def _send(self) -> None:
        # Until it is this task's turn, all others that are due now have said so.
        due, self._due = self._due, []
        try:
            found = await self._store.renew_all([renewal for renewal, _ in due])
        except Exception as error:  # noqa: BLE001  # of whatever sort, it is for those who wait
            found = [error] * len(due)
        for (_, answer), failure in zip(due, found, strict=True):
            if answer.done():
                continue
            if failure is None:
                answer.set_result(None)
            else:
                answer.set_exception(failure)
