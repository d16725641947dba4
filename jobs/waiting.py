"""What a queued job waits for, and when it is likely to start: as jobs/scripts/prelude/outlook.lua sees it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.model import Waiting
from jobs.pauses import Pause
from jobs.records import to_datetime
from jobs.states import Reason


@dataclass(frozen=True)
class Outlook:
    """Of a job that is not queued, there is nothing to say."""

    waiting: Waiting | None = None
    position: int | None = None
    """Jobs before it in its queue."""
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
            case _ if record.get("state_reason") == Reason.NO_CAPABLE_WORKER:
                waiting = None
            case _:
                pass
        return cls(
            waiting,
            position=None if position == "" else position,
            likely_start=to_datetime(likely_start) if likely_start else None,
        )
