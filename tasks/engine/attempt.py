"""One attempt at a job: claim it, keep the lease, run its pipeline, and bring it to its next state, exactly one."""

import asyncio
from datetime import timedelta
from enum import StrEnum
from importlib.metadata import version

import structlog
from pydantic import BaseModel

from headrace.backoff import backoff
from headrace.context import JobContext
from headrace.errors import (
    Busy,
    Interrupted,
    PipelineError,
    ProviderError,
    RateLimited,
    Rejected,
)
from headrace.pipeline import run_pipeline
from jobs.endings import Ending, completed, failed
from jobs.errors import LeaseLost, StoreUnavailable
from jobs.kind import InvalidKind, Kind
from jobs.leases import Claim, Lease
from jobs.model import Job, JobError
from jobs.states import FINAL, Reason, State
from tasks.engine.backend import LeasedJob, Tools
from tasks.engine.chain import Chain
from tasks.engine.fault import describe
from tasks.engine.lease import LeaseThread
from tasks.engine.loop_guard import CANCEL_GRACE
from tasks.engine.loop_watch import LoopWatch
from tasks.engine.outage import retry_while_unavailable
from tasks.engine.outcome import Left, Outcome

log = structlog.stdlib.get_logger("headrace.attempt")


TRY_ANOTHER_AFTER = timedelta(seconds=5)
"""How soon another worker may try a job that this one cannot run, at first."""


class CancellationIgnored(Exception):
    """The pipeline goes on although it was cancelled; only the end of the process stops it."""


class _Stop(StrEnum):
    """Why an attempt is ended from outside."""

    LOST = "lost"
    INTERRUPTED = "interrupted"
    TIME_LIMIT = "time_limit"


class Attempt:
    """Runs one claimed job. All methods belong to the event loop of the process."""

    def __init__(self, claim: Claim, kind: Kind, tools: Tools, chain: Chain | None = None) -> None:
        """A job of `chain` may be followed by another.

        Raises ValidationError or SavedByNewerVersion for an input or steps that this worker cannot read.
        """
        self._claim = claim
        self._chain = chain
        self._kind = kind
        self._input = kind.input.model_validate(claim.job.input)
        self._tools = tools
        self._time_limit = _time_limit(kind, claim.job)
        self._loop = asyncio.get_running_loop()
        self._backend = LeasedJob(claim.lease, tools)
        self._context = JobContext(self._backend, claim.steps, version=kind.version, errors=kind.errors)
        self._stop: _Stop | None = None
        self._why_lost = ""
        self._ending = False
        self._work: asyncio.Task[BaseModel] | None = None
        self._done_or_told: asyncio.Future[None] = self._loop.create_future()
        self._log = log.bind(job=claim.job.id, kind=kind.name, attempt=claim.job.attempt)

    async def run(self, leases: LeaseThread) -> Outcome:
        """Runs the pipeline to the end of the attempt; returns what became of the job. Raises CancellationIgnored."""
        self._log.info("job started", steps_saved=len(self._claim.steps))
        self._work = self._loop.create_task(self._pipeline())
        limit = self._loop.call_later(self._time_limit.total_seconds(), self._end, _Stop.TIME_LIMIT)
        try:
            watch = LoopWatch(self._kind.package)
            waiting = self._backend.waits.longest
            with (
                watch.ticking(),
                leases.hold(
                    self._claim,
                    on_lost=self._on_lost,
                    waiting=waiting,
                    loop=watch,
                    time_limit=self._limit_of_a_blocked_loop(),
                ),
            ):
                outcome = await self._settle(self._work)
        except LeaseLost as lost:
            outcome = Outcome(Left.LOST, lost.state)
        except StoreUnavailable:
            # The lease has ended by now; the job goes on elsewhere from its last saved step.
            outcome = Outcome(Left.LOST, "unreachable")
        finally:
            limit.cancel()
        self._log.info("job left", outcome=str(outcome))
        if not self._work.done():
            raise CancellationIgnored
        return outcome

    def _limit_of_a_blocked_loop(self) -> float | None:
        # Celery ends a process with one job by the limit of its kind.
        shared = self._tools.settings.jobs_per_worker > 1
        return self._time_limit.total_seconds() if shared else self._claim.job.time_limit_seconds

    def interrupt(self) -> None:
        """The worker is to stop: no further step begins, and those in flight have a moment to be saved."""
        if self._stop is None:
            self._stop = _Stop.INTERRUPTED
            self._context.draining = True
            self._loop.call_later(self._tools.settings.grace.total_seconds(), self._cancel)

    def _on_lost(self, why: str) -> None:
        """From the lease thread."""
        if self._ending and why in FINAL:
            # By this attempt itself, whose renewal was under way then.
            return
        self._log.warning("lease lost", why=why)
        self._why_lost = why
        self._loop.call_soon_threadsafe(self._end, _Stop.LOST)

    def _end(self, why: _Stop) -> None:
        # A lost job must not be written for again, whatever else is under way.
        if self._stop is None or why is _Stop.LOST:
            self._stop = why
            self._cancel()

    def _cancel(self) -> None:
        self._turn()
        if self._work is not None:
            self._work.cancel()

    async def _pipeline(self) -> BaseModel:
        return await run_pipeline(self._kind, self._context, self._input)

    async def _settle(self, work: asyncio.Task[BaseModel]) -> Outcome:
        """Waits for the pipeline, or for the order to stop it, and writes what that means for the job."""
        await self._until_done_or_stuck(work)
        match self._stop:
            case _Stop.LOST:
                return Outcome(Left.LOST, self._why_lost)
            case _Stop.TIME_LIMIT:
                return await self._fail(Reason.TIME_LIMIT, f"It ran longer than {self._time_limit}.")
            case _Stop.INTERRUPTED if _unfinished(work):
                return await self._hand_back()
            case _:
                return await self._conclude(work)

    async def _until_done_or_stuck(self, work: asyncio.Task[BaseModel]) -> None:
        # One future, not a task that waits and a set to wait for: this is on the way of every job.
        work.add_done_callback(self._turn)
        await self._done_or_told
        if not work.done():
            await asyncio.wait({work}, timeout=CANCEL_GRACE)

    def _turn(self, *_: object) -> None:
        if not self._done_or_told.done():
            self._done_or_told.set_result(None)

    async def _conclude(self, work: asyncio.Task[BaseModel]) -> Outcome:
        try:
            body = work.result().model_dump(mode="json")
        except Rejected as error:
            return await self._fail(error.reason, str(error), stage=error.stage)
        except ProviderError as error:
            return await self._retry_later(error)
        except (LeaseLost, StoreUnavailable):
            raise
        except PipelineError as error:
            self._log.exception("the pipeline has a fault", stage=error.stage)
            return await self._fail(error.reason, f"{error}.", stage=error.stage)
        except InvalidKind as error:
            self._log.exception("there is no pipeline")
            return await self._fail(Reason.INTERNAL_ERROR, f"{error}.")
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # a fault of any sort ends the job, not the worker
            stage = self._context.stage_of(error)
            self._log.exception("pipeline failed", stage=stage)
            return await self._fail(Reason.INTERNAL_ERROR, describe(error, self._tools.settings), stage=stage)
        context = self._context
        await self._finish(completed(result=body, counts=context.counts, files=context.files, reused=context.reused))
        return Outcome(Left.COMPLETED)

    async def _retry_later(self, error: ProviderError) -> Outcome:
        settings = self._tools.settings
        retry_after = error.retry_after if isinstance(error, Busy) else None
        wait = retry_after or backoff(self._claim.job.attempt, base=settings.retry_base, limit=settings.retry_max)
        if not isinstance(error, RateLimited):
            # A booked place is worth the whole wait: whoever asks before its time only waits again.
            wait = min(wait, settings.retry_max)
        failure = JobError(reason=error.reason, message=str(error), stage=error.stage)
        state = await retry_while_unavailable(
            lambda: self._tools.store.retry_later(
                self._claim.lease, failure, wait=wait, files=self._context.files, reused=self._context.reused
            ),
            within=settings.lease,
        )
        return _put_off(state, failure)

    async def _fail(self, reason: Reason, message: str, *, stage: str | None = None) -> Outcome:
        failure = JobError(reason=reason, message=message, stage=stage)
        await self._finish(failed(failure, files=self._context.files, reused=self._context.reused))
        return Outcome(Left.FAILED, reason, message)

    async def _finish(self, ending: Ending) -> None:
        self._ending = True
        # While the pipeline still runs, this process has no future, and no other job may have it.
        if self._chain is not None and self._work is not None and self._work.done():
            await self._chain.finish(self._claim.lease, ending)
        else:
            await retry_while_unavailable(
                lambda: self._tools.store.finish(self._claim.lease, ending), within=self._tools.settings.lease
            )

    async def _hand_back(self) -> Outcome:
        state = await retry_while_unavailable(
            lambda: self._tools.store.hand_back(self._claim.lease), within=self._tools.settings.lease
        )
        return Outcome(Left.BACK) if state is State.QUEUED else Outcome(Left.FAILED, Reason.INTERRUPTED)


def _unfinished(work: asyncio.Task[BaseModel]) -> bool:
    return not work.done() or work.cancelled() or isinstance(work.exception(), Interrupted)


def _put_off(state: State, failure: JobError) -> Outcome:
    left = Left.LATER if state is State.SCHEDULED else Left.FAILED
    return Outcome(left, failure.reason, failure.message)


async def leave_to_another(lease: Lease, error: Exception, tools: Tools) -> Outcome:
    """Puts off a claimed job that this worker cannot begin, until another has it; returns what became of it.

    If Redis stays away or the lease is lost, the job goes on as after any lost lease.
    """
    reason = Reason.NO_CAPABLE_WORKER
    message = f"A worker (Headrace {version('headrace')}) cannot run it: {describe(error, tools.settings)}."
    failure = JobError(reason=reason, message=f"{message} It waits for a worker that can.")
    try:
        state = await retry_while_unavailable(
            lambda: tools.store.retry_later(lease, failure, wait=TRY_ANOTHER_AFTER, files=None),
            within=tools.settings.lease,
        )
    except LeaseLost as lost:
        return Outcome(Left.LOST, lost.state)
    except StoreUnavailable:
        return Outcome(Left.LOST, "unreachable")
    return _put_off(state, failure)


def _time_limit(kind: Kind, job: Job) -> timedelta:
    """Its own, if that is shorter than its kind's."""
    own = job.time_limit_seconds
    return kind.time_limit if own is None else min(kind.time_limit, timedelta(seconds=own))
