"""The job store: every change of state is one call here and one Lua script there, and may safely be repeated."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self, cast

from redis.asyncio import Redis

from jobs import keys
from jobs.celery_app import renderer_of
from jobs.confirmation import ConfirmedRedis
from jobs.connection import answered
from jobs.endings import Ending, completed, failed, kept
from jobs.errors import ConcurrencyLimit, DuplicateJob, IdempotencyConflict, JobNotFound, LeaseLost, NotRetryable
from jobs.fleet import WorkerReport
from jobs.ids import new_id
from jobs.leases import Claim, Lease, Refusal
from jobs.messages import Renderer
from jobs.model import FileRef, Job, JobError, Progress, Reused, UsageItem
from jobs.new_job import Created, Idempotency, NewJob
from jobs.pauses import Pauses
from jobs.pipelining import PipelinedRedis
from jobs.purges import Purges
from jobs.reader import JobReader
from jobs.record import JobRecord
from jobs.records import to_datetime, to_job
from jobs.renewals import Renewal, renew
from jobs.retry import NO_RETRY, Retry, repeated, retry_from, whole
from jobs.scripts import Scripts
from jobs.settings import Settings
from jobs.states import FINAL, State
from jobs.steps import read_steps, stage_steps
from jobs.strikes import Strikes, StruckOut
from jobs.usage import in_micros
from jobs.waiting import Outlook

SWEEP_BATCH = 100
"""Most jobs of each sort that one sweep handles, so that it never holds Redis for long."""


@dataclass(frozen=True)
class Swept:
    """What one sweep found."""

    leases_expired: int = 0
    retries_due: int = 0
    """With jobs that were to run later, and now are to."""
    messages_lost: int = 0
    expired: int = 0
    more: bool = False
    """There is more to do than one sweep may: the next one can follow at once."""
    elsewhere: bool = False
    """Nothing was looked for, because another worker swept just now."""

    def __bool__(self) -> bool:
        return any((self.leases_expired, self.retries_due, self.messages_lost, self.expired))


class JobStore:
    """Writes and reads jobs. Every method raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, settings: Settings, renderer: Renderer, *, patience: timedelta) -> None:
        self.redis = redis
        self._confirmed = (
            ConfirmedRedis.open(settings, name="headrace-confirmed", reply_within=patience)
            if settings.redis_wait
            else None
        )
        self.scripts = Scripts(redis, settings, renderer, patience=patience, confirmed=self._confirmed)
        self.pauses = Pauses(redis, self.scripts, patience=patience)
        self.purges = Purges(redis, self.scripts, patience=patience)
        self.strikes = Strikes(redis, self.scripts, patience=patience)
        self._reader = JobReader(redis, patience=patience)
        self._settings = settings
        self._patience = patience
        self._asked_to_sweep: float | None = None
        """By this machine's clock that does not jump."""

    @classmethod
    def open(cls, settings: Settings, *, name: str, patience: timedelta) -> Self:
        """A store on connections of its own, which `aclose` closes."""
        redis = PipelinedRedis.open(settings, name=name, reply_within=patience)
        return cls(redis, settings, renderer_of(settings), patience=patience)

    async def aclose(self) -> None:
        if self._confirmed is not None:
            await self._confirmed.aclose()
        await self.redis.aclose()

    # -- Clients ------------------------------------------------------------------------------------------------------

    async def create(self, new: NewJob, idempotency: Idempotency | None = None) -> Created:
        """Stores a job, and its message if it may run now. Raises IdempotencyConflict, DuplicateJob."""
        new = new.with_defaults(self._settings)
        return await self._create(new.record(), idempotency, start_within=new.start_deadline, new=new)

    def staged(self, job_id: str, new: NewJob, *, batch: str, custom_id: str) -> list[Any]:
        """A job of a batch as `expand` in scripts/prelude reads it: its id, the ms to start it in, and its fields."""
        new = new.with_defaults(self._settings)
        fields = {**new.record(), "batch": batch, "custom_id": custom_id}
        return [job_id, _ms(new.start_deadline or timedelta(0)), *(part for pair in fields.items() for part in pair)]

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
        record, *_ = await self._look(job_id)
        if record["state"] not in FINAL:
            # Until then there may be more steps than those read here.
            raise NotRetryable(job_id, record["state"])
        fields = repeated(record, changed_input=None if changed_input is None else json.dumps(changed_input))
        if from_step is None:
            return await self._create(fields, idempotency, retry=whole(job_id))
        saved = await read_steps(self.redis, job_id, patience=self._patience)
        return await self._create(fields, idempotency, retry=retry_from(job_id, from_step, saved, fields["input"]))

    async def cancel(self, job_id: str) -> State:
        """Cancels a job that has not ended; returns the state it is in then. Raises JobNotFound."""
        reply = await self.scripts.cancel(job_id=job_id)
        if not reply[0]:
            raise JobNotFound(job_id)
        return State.read(reply[1])

    async def get(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        record, outlook = await self._look(job_id)
        return outlook.job(record)

    # -- Workers ------------------------------------------------------------------------------------------------------

    async def claim(self, job_id: str, *, worker: str, token: str) -> Claim | Refusal:
        """The one door into running. The same `token` may be sent again until an answer comes back."""
        requested_at = time.monotonic()
        found, *answer = await self.scripts.claim(
            job_id=job_id, holder=worker, token=token, lease=_ms(self._settings.lease)
        )
        if not found:
            return Refusal(state=answer[0])
        return await self._claim_of(answer, token, requested_at)

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
        [lost] = await self.renew_all([Renewal(lease, waiting_for, waiting, left)])
        if lost:
            raise lost

    async def renew_all(self, renewals: Sequence[Renewal]) -> list[LeaseLost | None]:
        """The same for many at once; returns of each whether it is lost."""
        return await renew(self.scripts, renewals, length=self._settings.lease)

    async def progress(self, lease: Lease, progress: Progress) -> None:
        reply = await self.scripts.progress(**lease.fence_fields(), progress=_progress(progress))
        _written(lease, reply)

    async def save_step(  # noqa: PLR0913  # what is kept of a step
        self,
        lease: Lease,
        step: str,
        result: str,
        *,
        files: Sequence[FileRef] = (),
        usage: Sequence[UsageItem] = (),
        uncounted: Sequence[UsageItem] = (),
    ) -> None:
        """Keeps a result, and the names of its `files`.

        `usage` is what the step used; `uncounted` is that of it which `settle` did not count.
        """
        reply = await self.scripts.save_step(
            **lease.fence_fields(),
            step=step,
            result=result,
            files=_dump(files) if files else "",
            usage=[item.model_dump() for item in usage],
            uncounted=in_micros(uncounted),
        )
        _written(lease, reply)

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
        await self.finish(lease, completed(result=result, counts=counts, files=files, reused=reused))

    async def fail(
        self, lease: Lease, error: JobError, *, files: Sequence[FileRef] | None = None, reused: Reused | None = None
    ) -> None:
        """Ends the job for good. `files` are those of its finished steps; None: as far as they are saved."""
        await self.finish(lease, failed(error, files=files, reused=reused))

    async def finish(self, lease: Lease, ending: Ending) -> None:
        """Ends the job, whichever way."""
        reply = await self.scripts.finish(
            **lease.fence_fields(), state=ending.state, reason=ending.reason, outcome=ending.outcome
        )
        _written(lease, reply)

    async def finish_and_claim(  # noqa: PLR0913  # an ending and a claim
        self,
        lease: Lease,
        ending: Ending,
        *,
        worker: str,
        token: str,
        queues: Sequence[str],
        kinds: Sequence[str],
    ) -> Claim | None:
        """Ends the job as `complete` or `fail` do, and claims the next one that may run, in one round trip.

        The next is the most urgent of what waits in `queues`, that of an earlier queue before one as urgent, if its
        kind is among `kinds`; else None: then the worker asks Celery, which has a message if a job waits that this call
        did not take. The same `token` may be sent again until an answer comes back, and gets the same job. Raises
        LeaseLost; then nothing was claimed.
        """
        requested_at = time.monotonic()
        reply = await self.scripts.finish_next(
            **lease.fence_fields(),
            state=ending.state,
            reason=ending.reason,
            outcome=ending.outcome,
            holder=worker,
            token=token,
            lease=_ms(self._settings.lease),
            queues=queues,
            kinds=kinds,
        )
        if not reply[0]:
            raise LeaseLost(lease.job_id, reply[1])
        return await self._claim_of(reply[1:], token, requested_at) if len(reply) > 1 else None

    async def retry_later(
        self,
        lease: Lease,
        error: JobError,
        *,
        wait: timedelta,
        files: Sequence[FileRef] | None = (),
        reused: Reused | None = None,
    ) -> State:
        """Frees the worker until the wait is over; or ends the job as `fail` does, if its attempts are used up.

        A wait for the rate limit uses up none, unless many have followed each other without a call in between.
        One for a capable worker uses up none; it fails the job when it has lasted as long as the first start may take.
        """
        reply = await self.scripts.retry_later(
            **lease.fence_fields(),
            reason=error.reason,
            wait=_ms(wait),
            failure=error.model_dump_json(),
            outcome=kept(files=files, reused=reused),
        )
        return State.read(_written(lease, reply))

    async def hand_back(self, lease: Lease) -> State:
        """Back to the head of its queue; or ends the job as `lose` does, if its attempts are used up.

        That uses up none, unless many have followed each other without a step saved in between.
        """
        return State.read(_written(lease, await self.scripts.hand_back(**lease.fence_fields())))

    # -- Recovery -----------------------------------------------------------------------------------------------------

    async def lease_of(self, job_id: str, *, token: str) -> Lease | None:
        """The lease under that claim on the job, or on one that was claimed after it in a chain, if there is one."""
        next_id: str | None = job_id
        while next_id is not None:
            job_id = next_id
            async with answered(self._patience):
                found = await self.redis.hmget(keys.job(job_id), ["state", "claim", "fence", "next"])
            state, claimed_by, fence, next_id = cast("list[str | None]", found)
            if state == State.RUNNING and claimed_by == token:
                return Lease(job_id, int(fence or 0), token)
        return None

    async def lose(self, lease: Lease) -> State:
        """The holder is dead: the job is queued again, or failed when its attempts are used up."""
        return State.read(_written(lease, await self.scripts.lose(**lease.fence_fields())))

    async def report(self, worker: WorkerReport, *, dropped: int = 0) -> int:
        """Notes that `worker` is there, for a minute, and has dropped so many messages since its last report.

        Returns how many messages wait in its queues.
        """
        [messages] = await self.scripts.report(
            worker=worker.id,
            report=worker.model_dump_json(exclude={"id", "seen_at"}),
            queues=worker.queues,
            slots=worker.slots,
            dropped=dropped,
        )
        return messages

    async def sweep(self) -> Swept:
        """Whatever time has done to jobs, unless a worker looked for that less than three quarters of a sweep ago."""
        asking, asked = time.monotonic(), self._asked_to_sweep
        reply = await self.scripts.sweep(
            pause=_ms(self._settings.sweep * 0.75),
            grace=_ms(self._settings.message_grace),
            most=SWEEP_BATCH,
            lease=_ms(self._settings.lease),
            elapsed=None if asked is None else round((asking - asked) * 1000),
        )
        self._asked_to_sweep = asking
        if not reply:
            return Swept(elsewhere=True)
        *found, more = reply
        return Swept(*found, more=bool(more))

    # -- Inside -------------------------------------------------------------------------------------------------------

    async def _create(
        self,
        fields: Mapping[str, str],
        idempotency: Idempotency | None,
        *,
        start_within: timedelta | None = None,
        new: NewJob | None = None,
        retry: Retry = NO_RETRY,
    ) -> Created:
        job_id, dedup, limit = new_id(), new.dedup if new else None, new.concurrency if new else None
        if retry.of:
            await stage_steps(self.redis, of=retry.of, to=job_id, left_out=retry.left_out, patience=self._patience)
        outcome, found, *created_at = await self.scripts.create(
            job_id=job_id,
            fields={**fields, "retry_of": retry.of},
            start_within=_ms(start_within or self._settings.start_deadline),
            remembered_as=keys.idempotency(idempotency.owner, idempotency.key) if idempotency else "",
            fingerprint=idempotency.fingerprint if idempotency else "",
            remember=int(self._settings.idempotency_ttl.total_seconds()),
            retry_of=retry.of,
            named_in=retry.named_in,
            left_out=retry.left_out,
            on_limit=limit.on_limit if limit else "queue",
            dedup=dedup.argument() if dedup else {},
        )
        if outcome == "conflict":
            raise IdempotencyConflict(found)
        if outcome == "not_final":
            raise NotRetryable(retry.of, found)
        if outcome == "struck":
            raise StruckOut.parse(found)
        if outcome == "limited" and limit:
            raise ConcurrencyLimit(limit.key, found)
        if outcome == "duplicate" and dedup and dedup.reject:
            raise DuplicateJob(found)
        if outcome != "created":
            return Created(job_id=found, replayed=outcome == "replayed", duplicate=outcome == "duplicate")
        at, outlook = created_at
        waiting = Outlook.parse(outlook, {"created_at": at}).waiting
        return Created(job_id=found, replayed=False, created_at=to_datetime(at), new=new, waiting=waiting)

    async def _claim_of(self, answer: Sequence[Any], token: str, requested_at: float) -> Claim:
        job_id, fields, input_text, saved = answer
        record = await self._reader.whole(job_id, pairs(fields), input_text)
        assert record is not None, "it was claimed"
        steps = await read_steps(self.redis, job_id, patience=self._patience) if saved else {}
        lease = Lease(job_id, int(record["fence"]), token)
        return Claim(lease, job=to_job(record), steps=steps, requested_at=requested_at)

    async def _look(self, job_id: str) -> tuple[JobRecord, Outlook]:
        fields, *rest = await self.scripts.look(job_id=job_id)
        input_text, outlook = rest if len(rest) > 1 else (None, ())
        record = await self._reader.whole(job_id, pairs(fields), input_text)
        if record is None:
            raise JobNotFound(job_id)
        return record, Outlook.parse(outlook, record)


def _written(lease: Lease, reply: list[Any]) -> str:
    """What a write was answered, if that is more than yes. Raises LeaseLost."""
    if not reply[0]:
        raise LeaseLost(lease.job_id, reply[1])
    return reply[1] if len(reply) > 1 else ""


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)


def _progress(progress: Progress) -> str:
    return progress.model_dump_json(exclude_none=True)


def _dump(items: Sequence[FileRef]) -> str:
    return json.dumps([item.model_dump() for item in items])


def pairs(flat: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """HGETALL from within a script comes flat: name, value, name, value."""
    return dict(flat) if isinstance(flat, Mapping) else dict(zip(flat[::2], flat[1::2], strict=True))
