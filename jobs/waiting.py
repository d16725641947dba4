"""Why a queued job may not run yet."""

import json

from jobs.model import Waiting
from jobs.pauses import Pause
from jobs.record import JobRecord
from jobs.records import to_datetime
from jobs.states import State


def hindrance(record: JobRecord, closed: str | None, order: str | None) -> Waiting | None:
    """What a queued job waits for before its turn can come; `order` is the pause or strike of `closed` (JSON)."""
    since = to_datetime(record.get("queued_at") or record["created_at"])
    if closed and order:
        known, verb = Pause.parse(order), "struck" if "new" in json.loads(order) else "paused"
        what = closed.replace(":", " ", 1)
        return Waiting(on="paused", since=max(known.at, since), detail=f"{known.by} {verb} {what}: {known.why}")
    gate = record.get("parked_at")
    if record["state"] == State.QUEUED and gate:
        what, _, name = gate.partition(":")
        return Waiting(on="concurrency_limit", since=since, detail=f"as many jobs of {what} {name} run as may")
    return None
