"""What Headrace is asked to reach, computed from one run."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.bench import Figures
from bench.measures import (
    drain,
    growth,
    http,
    idle,
    latency,
    many_jobs,
    provider_bound,
    recovery,
    startup,
    streams,
    submit,
)
from bench.systems import CELERY, CELERY_LATE, HEADRACE

Measured = Callable[[Figures], float | None]


@dataclass(frozen=True)
class Target:
    asked: str
    measured: Measured
    limit: float
    at_most: bool = False

    def met(self, measured: float) -> bool:
        return measured <= self.limit if self.at_most else measured >= self.limit


def _ratio(figure: str, to: str, *, of: str = HEADRACE.name, to_figure: str | None = None) -> Measured:
    return lambda figures: figures.ratio((of, figure), (to, to_figure or figure))


def _value(figure: str, of: str = HEADRACE.name) -> Measured:
    return lambda figures: figures.middle(of, figure)


def _calls(row: str) -> Measured:
    return _value(provider_bound.RATE, row)


def _growth(figure: str) -> Measured:
    few, *_, many = growth.levels(quick=False)
    return _ratio(figure, growth.row(few), of=growth.row(many))


def _most(figure: str) -> Measured:
    return _value(figure, growth.row(growth.levels(quick=False)[-1]))


def _streams(figure: str) -> Measured:
    return _value(figure, streams.row(streams.count(quick=False)))


TARGETS = [
    Target("`store.create`, one at a time, ≥ 2 x plain `send_task`", _ratio(submit.ONE, CELERY.name), 2),
    Target("... 32 at once, ≥ 2 x", _ratio(submit.MANY, CELERY.name, to_figure=submit.ONE), 2),
    Target("POST, 32 clients, ≥ 0.85 of an empty route", _ratio("POST, 32", http.EMPTY), 0.85),
    Target("... ≥ 2.5 x the route that calls `send_task` in the loop", _ratio("POST, 32", http.IN_LOOP), 2.5),
    Target("... ≥ 2.5 x the route that calls it in a thread", _ratio("POST, 32", http.IN_THREAD), 2.5),
    Target("GET of a job, 32 clients, /s, ≥ 4,000", _value(http.LOOK), 4000),
    Target("dispatch p50 ≤ 1.0 x plain Celery", _ratio(latency.P50, CELERY.name), 1, at_most=True),
    Target("drain, one worker, jobs/s, ≥ 1,800", _value(drain.RATE), 1800),
    Target("... ≥ 2 x plain Celery acks_late", _ratio(drain.RATE, CELERY_LATE.name), 2),
    Target("calls a minute, one worker, `warmup`, ≥ 1,000", _calls(provider_bound.warmup_row(1)), 1000),
    Target("... a batch, ≥ 1,000", _calls(provider_bound.batch_row(1)), 1000),
    Target("calls a minute, ten workers, `warmup`, ≥ 2,000", _calls(provider_bound.warmup_row(10)), 2000),
    Target("... a batch, ≥ 2,000", _calls(provider_bound.batch_row(10)), 2000),
    Target("bytes of a job, 1,000 queued, < 1,800", _value(growth.BYTES, growth.row(1000)), 1800, at_most=True),
    Target("... 100,000 queued, ≤ 1.1 x at 1,000", _growth(growth.BYTES), 1.1, at_most=True),
    Target("Redis' time to create a job, the same, ≤ 1.3 x", _growth(growth.CREATE), 1.3, at_most=True),
    Target("Redis' time to run a job, the same, ≤ 1.3 x", _growth(growth.RUN), 1.3, at_most=True),
    Target("a list that matches none of 100,000 jobs, 32 clients, /s, ≥ 500", _most(growth.LIST), 500),
    Target("KiB of an API process for an idle event stream, < 40", _streams(streams.MEMORY), 40, at_most=True),
    Target("Redis connections for all of them, ≤ 4", _streams(streams.CONNECTIONS), 4, at_most=True),
    Target("event to client p99 at 500 events/s, ms, < 100", _streams(streams.P99), 100, at_most=True),
    Target("API ready, s, < 2", _value(startup.API), 2, at_most=True),
    Target("worker consuming, s, < 3", _value(drain.START), 3, at_most=True),
    Target("idle worker's memory, MiB, ≤ 72", _value(idle.MEMORY), 72, at_most=True),
    Target("idle worker's commands a second ≤ 4", _value(idle.COMMANDS), 4, at_most=True),
    Target("1,000 jobs of 20 s in one child, MiB, < 160", _value(many_jobs.MEMORY, many_jobs.ROW), 160, at_most=True),
    Target("... all started after, s, < 3", _value(many_jobs.STARTED, many_jobs.ROW), 3, at_most=True),
    Target("runs again after SIGKILL, s, ≤ 12", _value(recovery.KILLED), 12, at_most=True),
    Target("... after SIGTERM, s, ≤ 3", _value(recovery.STOPPED), 3, at_most=True),
    Target("... after a lost child, s, ≤ 0.3", _value(recovery.CHILD), 0.3, at_most=True),
]
