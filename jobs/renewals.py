"""Keeping leases: those of many jobs by one script."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.scripts import Scripts

AT_ONCE = 100
"""Most leases that one script renews, so that it never holds Redis for long."""


@dataclass(frozen=True)
class Renewal:
    """Of a lease; and what its job waits for, for how long by now, and how long still, if that is known."""

    lease: Lease
    waiting_for: str = ""
    waiting: timedelta = timedelta(0)
    left: timedelta | None = None


async def renew(scripts: Scripts, renewals: Sequence[Renewal], *, length: timedelta) -> list[LeaseLost | None]:
    """Makes the leases last for `length` from now; returns of each, in order, None, or that it is lost.

    Raises StoreUnavailable when Redis does not answer; then some may be renewed.
    """
    answers: list[LeaseLost | None] = []
    for first in range(0, len(renewals), AT_ONCE):
        some = renewals[first : first + AT_ONCE]
        replies = await scripts.renew(renewals=[_fields(one) for one in some], lease=_ms(length))
        answers += [
            None if reply[0] else LeaseLost(one.lease.job_id, reply[1])
            for one, reply in zip(some, replies, strict=True)
        ]
    return answers


def _fields(renewal: Renewal) -> dict[str, str | int]:
    fields: dict[str, str | int] = {
        "id": renewal.lease.job_id,
        "fence": renewal.lease.fence,
        "claim": renewal.lease.claim,
        "waiting_for": renewal.waiting_for,
        "waited": _ms(renewal.waiting),
    }
    # None would be cjson's null, which Lua takes to be true.
    return fields if renewal.left is None else {**fields, "left": _ms(renewal.left)}


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
