"""What a queued job waits for, and when it is likely to start: as jobs/scripts/prelude/outlook.lua sees it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.model import Job, QueuePlace, Waiting
from jobs.pauses import Pause
from jobs.record import JobRecord
from jobs.records import to_datetime, to_job
from jobs.states import Reason

HELD = frozenset({"paused", "concurrency_limit"})
"""What a job waits for that may not run now."""


@dataclass(frozen=True)
class Outlook:
    """Of a job that is not queued, there is nothing to say."""

    waiting: Waiting | None = None
    position: int | None = None
    """Jobs before it in its queue."""
    held: bool = False
    """It may not run now: about so many would be before it if it could."""
    likely_start: datetime | None = None

    @classmethod
    def parse(cls, found: Sequence[Any], record: Mapping[str, Any]) -> "Outlook":
        """Of a job with this record; `found` is what the script says of it, nothing if it is not queued."""
        if not found:
            return cls()
        reason, gate, more, position, likely_start = found
        since = to_datetime(record.get("queued_at") or record["created_at"])
        what = gate.replace(":", " ", 1)
        waiting: Waiting | None = Waiting(on=reason, since=since)
        match reason:
            case "paused":
                pause, verb = Pause.parse(more), "struck" if "new" in json.loads(more) else "paused"
                waiting = Waiting(
                    on=reason, since=max(pause.at, since), detail=f"{pause.by} {verb} {what}: {pause.why}"
                )
            case "concurrency_limit":
                detail = f"as many jobs of {what} run as may; {more} wait before it"
                waiting = Waiting(on=reason, since=since, detail=detail)
            case "rate_limited":
                detail = f"{gate} is called as often as it may be until then"
                waiting = Waiting(on=reason, since=since, until=to_datetime(more), detail=detail)
            case _ if record.get("state_reason") == Reason.NO_CAPABLE_WORKER:
                waiting = None
            case _:
                pass
        return cls(
            waiting,
            position=position,
            held=reason in HELD,
            likely_start=to_datetime(likely_start) if likely_start else None,
        )

    def job(self, record: JobRecord) -> Job:
        """The job that it is the outlook of."""
        place = QueuePlace(
            name=record["queue"],
            position=self.position,
            position_is_approximate=self.held,
            estimated_start_at=self.likely_start,
        )
        return to_job(record, place=place, waiting=self.waiting)
