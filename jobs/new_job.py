"""A job that a client asks for, and what became of the request."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from jobs.kind import Kind
from jobs.limits import Concurrency
from jobs.prices import to_micros
from jobs.priorities import DEFAULT_PRIORITY
from jobs.records import to_datetime, to_ms
from jobs.settings import Settings


@dataclass(frozen=True)
class Dedup:
    """Another job of the same user with this key is not made."""

    key: str
    within: timedelta | None = None
    """Of the first one's creation; None: until that has ended."""
    reject: bool = False
    """Whether the request for another one is an error, or gets the first."""

    def argument(self) -> dict[str, Any]:
        """As create.lua takes it."""
        return {"key": self.key, "seconds": _whole_seconds(self.within) or 0, "reject": self.reject}


@dataclass(frozen=True)
class NewJob:
    """What a client asks for. `input` is the kind's own input model, dumped to JSON types."""

    kind: Kind
    input: Mapping[str, Any]
    user_id: str | None = None
    priority: int = DEFAULT_PRIORITY
    max_attempts: int | None = None
    """None: as the deployment has it. So for the start deadline."""
    start_deadline: timedelta | None = None
    max_cost: Decimal | None = None
    """USD."""
    time_limit: timedelta | None = None
    """Of one attempt; None: as its kind has it."""
    retention: timedelta | None = None
    """When it has ended; None: as the deployment has it."""
    run_at: datetime | None = None
    """It is not queued before; None, or a past one: at once."""
    delay: timedelta | None = None
    """The same from its creation, in place of `run_at`."""
    dedup: Dedup | None = None
    concurrency: Concurrency | None = None
    models: Sequence[str] = ()
    """Whom it asks: `provider/model` each, or a provider without a choice of models."""

    def with_defaults(self, settings: Settings) -> "NewJob":
        """With what the client left open as the deployment has it."""
        return replace(
            self,
            max_attempts=self.max_attempts or settings.max_attempts,
            start_deadline=self.start_deadline or settings.start_deadline,
        )

    def due(self, created_at: datetime) -> datetime | None:
        """When it is to be queued; None: when it is created."""
        due = created_at + self.delay if self.delay else self.run_at
        return to_datetime(to_ms(due)) if due and to_ms(due) > to_ms(created_at) else None

    def record(self) -> dict[str, str]:
        """Its part of the record."""
        return self._if_asked_for() | {
            "kind": self.kind.name,
            "queue": self.kind.queue,
            "priority": str(self.priority),
            "input": json.dumps(self.input),
            "user_id": self.user_id or "",
            "max_attempts": str(self.max_attempts),
            "max_cost": str(to_micros(self.max_cost)) if self.max_cost else "",
        }

    def _if_asked_for(self) -> dict[str, str]:
        """Fields that most records do without."""
        found = {
            "run_at": to_ms(self.run_at) if self.run_at else None,
            "delay": self.delay // timedelta(milliseconds=1) if self.delay else None,
            "time_limit": _whole_seconds(self.time_limit),
            "retention": _whole_seconds(self.retention),
            "models": " ".join(self.models) or None,
            "concurrency_key": self.concurrency.key if self.concurrency else None,
            "concurrency_limit": self.concurrency.limit if self.concurrency else None,
        }
        return {name: str(value) for name, value in found.items() if value is not None}


def _whole_seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else int(duration.total_seconds())


@dataclass(frozen=True)
class Idempotency:
    """A client's key, whose it is, and a fingerprint of the request."""

    owner: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Created:
    """A job or a batch, made now or before."""

    job_id: str
    replayed: bool
    """An earlier request with the same key, or the first retry, made it."""
    duplicate: bool = False
    """There is a job with the same `dedup_key` already, and this is it."""
    created_at: datetime | None = None
    """When it was made; None for a replay."""
    new: NewJob | None = None
    """The job as it was made, defaults filled in; None for a replay, a retry and a batch."""
