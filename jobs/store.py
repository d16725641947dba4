"""The job store: every change of state is one call here and one Lua script there, and may safely be repeated."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self, cast
from uuid import uuid4

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from jobs import keys
from jobs.celery_app import create_celery
from jobs.connection import answered
from jobs.errors import IdempotencyConflict, JobNotFound, LeaseLost, NotRetryable, UnknownStep
from jobs.kinds import Kind
from jobs.messages import Renderer
from jobs.model import FileRef, Job, JobError, Progress, Reused, UsageItem
from jobs.pipelining import PipelinedRedis
from jobs.prices import to_micros
from jobs.priorities import DEFAULT_PRIORITY
from jobs.records import to_datetime, to_job
from jobs.scripts import Policy, Scripts
from jobs.settings import Settings
from jobs.states import FINAL, State
from jobs.steps import from_step_on
from jobs.usage import in_micros

SWEEP_BATCH = 100
"""Most jobs of each sort that one sweep handles, so that it never holds Redis for long."""

_REPEATED = ("kind", "queue", "priority", "input", "user_id", "max_attempts", "max_cost")
"""The fields that a retry has from the job that it retries."""


@dataclass(frozen=True)
class NewJob:
    """What a client asks for. `input` is the kind's own input model, dumped to JSON types."""

    kind: Kind
    input: Mapping[str, Any]
    user_id: str | None = None
    priority: int = DEFAULT_PRIORITY
    max_attempts: int | None = None
    start_deadline: timedelta | None = None
    max_cost: Decimal | None = None
    """USD."""


@dataclass(frozen=True)
class Idempotency:
    """A client's key, whose it is, and what the request said."""

    owner: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Created:
    job_id: str
    replayed: bool
    """An earlier request with the same key, or the first retry, made it."""
    created_at: datetime | None = None
    """When it was made; None for a replay."""


@dataclass(frozen=True)
class Lease:
    """The right to write for a job, until the fence moves on."""

    job_id: str
    fence: int


@dataclass(frozen=True)
class Claim:
    """A job that this worker runs now, with the steps that earlier attempts saved."""

    lease: Lease
    job: Job
    steps: Mapping[str, str]


@dataclass(frozen=True)
class Refusal:
    """There is nothing to claim: a repeated message, or the job has ended."""

    state: str


@dataclass(frozen=True)
class Swept:
    """What one sweep found."""

    leases_expired: int = 0
    retries_due: int = 0
    hints_lost: int = 0
    expired: int = 0
    more: bool = False
    """There is more to do than one sweep may: the next one can follow at once."""
    elsewhere: bool = False
    """Nothing was looked for, because another worker swept just now."""

    def __bool__(self) -> bool:
        return any((self.leases_expired, self.retries_due, self.hints_lost, self.expired))


@dataclass(frozen=True)
class _Retry:
    """What a new job takes over from an ended one, and in which field the ended one names it."""

    of: str = ""
    named_in: str = ""
    left_out: Sequence[str] = ()


_NO_RETRY = _Retry()


class JobStore:
    """Writes and reads jobs. Every method raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, settings: Settings, renderer: Renderer, *, patience: timedelta) -> None:
        self.redis = redis
        self._settings = settings
        self._renderer = renderer
        self._patience = patience
        self._scripts = Scripts(redis, Policy(retention=settings.retention, max_events=settings.max_events))

    @classmethod
    def open(cls, settings: Settings, *, name: str, patience: timedelta) -> Self:
        """A store on connections of its own, which `aclose` closes."""
        redis = PipelinedRedis.open(settings, name=name, reply_within=patience)
        return cls(redis, settings, Renderer(create_celery(settings)), patience=patience)

    async def aclose(self) -> None:
        await self.redis.aclose()

    # -- Clients ------------------------------------------------------------------------------------------------------

    async def create(self, new: NewJob, idempotency: Idempotency | None = None) -> Created:
        """Stores a job and its message. Raises IdempotencyConflict."""
        return await self._create(self._fields(new), idempotency, start_deadline=new.start_deadline)

    def born(self, job_id: str, new: NewJob, **further: str) -> list[Any]:
        """What `bear` in prelude.lua makes of a job: its id, the ms to start it in, and the fields of its record."""
        fields = self._fields(new)
        fields |= self._message(job_id, fields) | further
        deadline = new.start_deadline or self._settings.start_deadline
        return [job_id, _ms(deadline), *(part for pair in fields.items() for part in pair)]

    async def retry(
        self,
        job_id: str,
        idempotency: Idempotency | None = None,
        *,
        from_step: str | None = None,
        changed_input: Mapping[str, Any] | None = None,
    ) -> Created:
        """A new job from an ended one, its saved steps included. A job is retried once; after that, its retry is.

        `from_step` is made anew, with all steps of later phases; that can be done of a completed job too, and once with
        each step and `changed_input`, which takes the place of the job's own.
        Raises JobNotFound, NotRetryable, UnknownStep, IdempotencyConflict.
        """
        record = await self._record(job_id)
        fields = {field: record[field] for field in _REPEATED}
        if from_step is None:
            return await self._create(fields, idempotency, retry=_Retry(job_id, "retried_as"))
        if record["state"] not in FINAL:
            # Until then there may be more steps than those read here.
            raise NotRetryable(job_id, record["state"])
        saved = await self._saved(job_id)
        if from_step not in saved:
            raise UnknownStep(from_step, sorted(saved))
        if changed_input is not None:
            fields["input"] = json.dumps(changed_input)
        retry = _Retry(job_id, _retried_from(from_step, fields["input"]), from_step_on(saved, from_step))
        return await self._create(fields, idempotency, retry=retry)

    async def cancel(self, job_id: str) -> State:
        """Cancels a job that has not ended; returns the state it is in then. Raises JobNotFound."""
        reply = await self._run(self._scripts.cancel, [keys.job(job_id), keys.signal(job_id)], [job_id])
        if not reply[0]:
            raise JobNotFound(job_id)
        return State(reply[1])

    async def get(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        record = await self._record(job_id)
        return to_job(record, position=await self._position(record))

    # -- Workers ------------------------------------------------------------------------------------------------------

    async def claim(self, job_id: str, *, worker: str, token: str) -> Claim | Refusal:
        """The one door into running. The same `token` may be sent again until an answer comes back."""
        reply = await self._run(
            self._scripts.claim,
            [keys.job(job_id), keys.steps(job_id)],
            [job_id, worker, token, _ms(self._settings.lease)],
        )
        if not reply[0]:
            return Refusal(state=reply[1])
        record = _pairs(reply[1])
        return Claim(lease=Lease(job_id, int(record["fence"])), job=to_job(record), steps=_pairs(reply[2]))

    async def renew(
        self,
        lease: Lease,
        *,
        waiting_for: str = "",
        waiting: timedelta = timedelta(0),
        left: timedelta | None = None,
    ) -> None:
        """A longer lease; and what the job waits for, for how long by now, and how long still, if that is known.

        Raises LeaseLost, as do all writes below.
        """
        until = "" if left is None else _ms(left)
        await self._write(self._scripts.renew, lease, [_ms(self._settings.lease), waiting_for, _ms(waiting), until])

    async def progress(self, lease: Lease, progress: Progress) -> None:
        await self._write(self._scripts.progress, lease, [_progress(progress)])

    async def save_step(
        self,
        lease: Lease,
        step: str,
        result: str,
        *,
        usage: Sequence[UsageItem] = (),
        uncounted: Sequence[UsageItem] = (),
    ) -> None:
        """Keeps a result. `usage` is what the step used; `uncounted` is that of it which `settle` did not count."""
        await self._write(
            self._scripts.save_step,
            lease,
            [step, result, _dump(usage), in_micros(uncounted)],
            key=keys.steps(lease.job_id),
        )

    async def complete(
        self,
        lease: Lease,
        *,
        result: Mapping[str, Any],
        counts: Mapping[str, int] | None = None,
        files: Sequence[FileRef] = (),
        reused: Reused | None = None,
    ) -> None:
        """Ends the job well. `counts` are the last of its progress, which is all of it now."""
        done = Progress(fraction=1, phase="done", counts=dict(counts) if counts else None)
        fields = ["result", json.dumps(result), "progress", _progress(done), *_outcome(files, reused)]
        await self._write(self._scripts.finish, lease, [State.COMPLETED, "", *fields])

    async def fail(
        self, lease: Lease, error: JobError, *, files: Sequence[FileRef] | None = None, reused: Reused | None = None
    ) -> None:
        """Ends the job for good. `files` are those of its finished steps; None: as far as they are saved."""
        fields = ["error", error.model_dump_json(), *_outcome(files, reused)]
        await self._write(self._scripts.finish, lease, [State.FAILED, error.reason, *fields])

    async def retry_later(
        self,
        lease: Lease,
        error: JobError,
        *,
        wait: timedelta,
        files: Sequence[FileRef] = (),
        reused: Reused | None = None,
    ) -> State:
        """Frees the worker until the wait is over; or ends the job as `fail` does, if its attempts are used up.

        A wait for the rate limit uses up none, unless many have followed each other without a call in between.
        """
        fields = [error.model_dump_json(), *_outcome(files, reused)]
        reply = await self._write(self._scripts.retry_later, lease, [error.reason, _ms(wait), *fields])
        return State(reply[1])

    async def hand_back(self, lease: Lease) -> State:
        """Back to the head of its queue; or ends the job as `lose` does, if its attempts are used up.

        That uses up none, unless many have followed each other without a step saved in between.
        """
        reply = await self._write(self._scripts.hand_back, lease, [])
        return State(reply[1])

    # -- Recovery -----------------------------------------------------------------------------------------------------

    async def lease_of(self, job_id: str, *, worker: str) -> Lease | None:
        """The lease that `worker` holds on the job, if it does."""
        async with answered(self._patience):
            state, holder, fence = await self.redis.hmget(keys.job(job_id), ["state", "worker", "fence"])
        return Lease(job_id, int(cast("str", fence))) if state == State.RUNNING and holder == worker else None

    async def lose(self, lease: Lease) -> State:
        """The holder is dead: the job is queued again, or failed when its attempts are used up."""
        reply = await self._write(self._scripts.lose, lease, [])
        return State(reply[1])

    async def sweep(self) -> Swept:
        """Whatever time has done to jobs, unless a worker looked for that less than three quarters of a sweep ago."""
        reply = await self._run(
            self._scripts.sweep,
            [keys.SWEEPING],
            [_ms(self._settings.sweep * 0.75), _ms(self._settings.hint_grace), SWEEP_BATCH],
        )
        if not reply:
            return Swept(elsewhere=True)
        *found, more = reply
        return Swept(*found, more=bool(more))

    # -- Inside -------------------------------------------------------------------------------------------------------

    def _fields(self, new: NewJob) -> dict[str, str]:
        return {
            "kind": new.kind.name,
            "queue": new.kind.queue,
            "priority": str(new.priority),
            "input": json.dumps(new.input),
            "user_id": new.user_id or "",
            "max_attempts": str(new.max_attempts or self._settings.max_attempts),
            "max_cost": str(to_micros(new.max_cost)) if new.max_cost else "",
        }

    def _message(self, job_id: str, fields: Mapping[str, str]) -> dict[str, str]:
        message = self._renderer.message(
            job_id, kind=fields["kind"], queue=fields["queue"], priority=int(fields["priority"])
        )
        return {"lane": message.lane, "message": message.text}

    async def _create(
        self,
        fields: dict[str, str],
        idempotency: Idempotency | None,
        *,
        start_deadline: timedelta | None = None,
        retry: _Retry = _NO_RETRY,
    ) -> Created:
        job_id = str(uuid4())
        fields |= self._message(job_id, fields) | {"retry_of": retry.of}
        deadline = start_deadline or self._settings.start_deadline
        outcome, found, *created_at = await self._run(
            self._scripts.create,
            [
                keys.job(job_id),
                keys.idempotency(idempotency.owner, idempotency.key) if idempotency else keys.IDEMPOTENCY,
                keys.job(retry.of),
                keys.steps(retry.of),
                keys.steps(job_id),
            ],
            [
                job_id,
                idempotency.fingerprint if idempotency else "",
                int(self._settings.idempotency_ttl.total_seconds()),
                _ms(deadline),
                retry.named_in,
                len(retry.left_out),
                *retry.left_out,
                *(part for pair in fields.items() for part in pair),
            ],
        )
        if outcome == "conflict":
            raise IdempotencyConflict(found)
        if outcome == "not_final":
            raise NotRetryable(retry.of, found)
        if outcome == "replayed":
            return Created(job_id=found, replayed=True)
        return Created(job_id=found, replayed=False, created_at=to_datetime(created_at[0]))

    async def _record(self, job_id: str) -> dict[str, str]:
        async with answered(self._patience):
            record = cast("dict[str, str]", await self.redis.hgetall(keys.job(job_id)))
        if "state" not in record:
            raise JobNotFound(job_id)
        return record

    async def _saved(self, job_id: str) -> dict[str, str]:
        async with answered(self._patience):
            return cast("dict[str, str]", await self.redis.hgetall(keys.steps(job_id)))

    async def _position(self, record: Mapping[str, str]) -> int | None:
        if record["state"] != State.QUEUED:
            return None
        lanes = self._renderer.lanes(record["queue"])
        before = lanes[: lanes.index(record["lane"])]
        async with answered(self._patience), self.redis.pipeline(transaction=False) as pipe:
            pipe.zrank(keys.QUEUED + record["lane"], record["id"])
            for lane in before:
                pipe.zcard(keys.QUEUED + lane)
            rank, *waiting = await pipe.execute()
        return None if rank is None else int(rank) + sum(waiting)

    async def _write(self, script: AsyncScript, lease: Lease, args: Sequence[Any], *, key: str = "") -> list[Any]:
        reply = await self._run(script, [key or keys.job(lease.job_id)], [lease.job_id, lease.fence, *args])
        if not reply[0]:
            raise LeaseLost(lease.job_id, reply[1])
        return reply

    async def _run(self, script: AsyncScript, script_keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
        async with answered(self._patience):
            return cast("list[Any]", await script(keys=script_keys, args=args))


def _retried_from(step: str, said: str) -> str:
    """The field in which a job names the retry from that step with that input."""
    return f"retried_as:{step}:{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)


def _progress(progress: Progress) -> str:
    return progress.model_dump_json(exclude_none=True)


def _outcome(files: Sequence[FileRef] | None, reused: Reused | None) -> list[str]:
    kept = [] if files is None else ["files", _dump(files)]
    return [*kept, "reused", (reused or Reused()).model_dump_json()]


def _dump(items: Sequence[FileRef] | Sequence[UsageItem]) -> str:
    return json.dumps([item.model_dump() for item in items])


def _pairs(flat: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """HGETALL from within a script comes flat: name, value, name, value."""
    return dict(flat) if isinstance(flat, Mapping) else dict(zip(flat[::2], flat[1::2], strict=True))
