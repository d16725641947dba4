"""The fleet's numbers for Prometheus. They are kept in Redis, so any API process tells those of the whole fleet."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from jobs import kinds
from jobs.fleet import Counters, Fleet, Queue, Schedules
from jobs.scripts import BOUNDS
from jobs.states import FINAL, State
from jobs.strikes import Strike, Struck

_BUCKETS = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
"""As `observe` in jobs/scripts/prelude names them."""

_LABELS = [*(str(float(bound)) for bound in BOUNDS), "+Inf"]
"""The same as OpenMetrics spells them."""

_COUNTED = {
    "claims_refused": ("duplicate_deliveries_refused", "Deliveries of a job that was not there to be claimed"),
    "writes_refused": ("writes_refused", "Writes of workers that had lost their lease"),
    "leases_expired": ("leases_expired", "Leases that ended because their worker fell silent"),
    "children_lost": ("children_lost", "Worker processes that died while they ran a job"),
    "messages_lost": ("messages_lost", "Messages that the broker lost and that were sent again"),
    "clock_jumps": ("clock_jumps", "Times that the clock of Redis jumped"),
    "quarantined": ("records_quarantined", "Bad records that sweeps have put aside"),
    "messages_dropped": ("messages_dropped", "Messages on the broker that were none of ours"),
    "interrupted": ("interrupted", "Jobs handed back by a worker that was told to stop"),
    "schedule_runs_made": ("schedule_runs_made", "Jobs that schedules made"),
    "schedule_runs_left_out": (
        "schedule_runs_left_out",
        "Runs of schedules left out, for the job before had not ended",
    ),
    "steps_saved": ("steps_saved", "Results of steps that were saved"),
    "steps_reused": ("steps_reused", "Saved steps that a later attempt did not have to pay for"),
}
"""Counter of the scripts -> name and help of the metric."""


@dataclass(frozen=True, eq=False)  # the registry keeps it by identity
class FleetCollector(Collector):
    """What Redis said a moment ago, as metrics. Each of them is there from the start, with 0."""

    counters: Counters
    queues: list[Queue]
    paused_kinds: Collection[str]
    strikes: Collection[Strike]
    workers: int
    schedules: Schedules
    due: int

    @classmethod
    async def read(cls, fleet: Fleet) -> "FleetCollector":
        """Raises StoreUnavailable."""
        return cls(
            await fleet.counters(),
            await fleet.queues(),
            await fleet.paused_kinds(),
            await fleet.strikes(),
            len(await fleet.workers()),
            await fleet.schedules(),
            await fleet.due(),
        )

    def collect(self) -> Iterator[Metric]:
        yield from self._events()
        yield self._histogram("wait_seconds", "How long jobs waited for a worker")
        yield self._histogram("run_seconds", "How long runs took")
        yield from self._now()

    def _events(self) -> Iterator[Metric]:
        created = CounterMetricFamily("headrace_jobs_created", "Jobs accepted", labels=["kind"])
        finished = CounterMetricFamily("headrace_jobs_finished", "Jobs ended", labels=["kind", "state"])
        for kind in kinds.known():
            created.add_metric([kind.name], self._total(f"created:{kind.name}"))
            for state in sorted(FINAL):
                finished.add_metric([kind.name, state], self._total(f"finished:{kind.name}:{state}"))
        yield created
        yield finished
        for counter, (name, description) in _COUNTED.items():
            yield CounterMetricFamily(f"headrace_{name}", description, value=self._total(counter))

    def _histogram(self, series: str, description: str) -> Metric:
        histogram = HistogramMetricFamily(f"headrace_{series}", description, labels=["kind"])
        for kind in kinds.known():
            # Redis counts each bucket by itself, Prometheus wants those below included.
            counts = accumulate(self._total(f"{series}:{kind.name}:{bound}") for bound in _BUCKETS)
            milliseconds = self._total(f"{series}:{kind.name}:sum")
            histogram.add_metric([kind.name], list(zip(_LABELS, counts, strict=True)), milliseconds / 1000)
        return histogram

    def _now(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("headrace_jobs", "Jobs that are kept, by state", labels=["state"])
        for state in State:
            jobs.add_metric([state], self.counters.by_state.get(state, 0))
        yield jobs
        depth = GaugeMetricFamily("headrace_queue_depth", "Jobs that wait for a worker", labels=["queue"])
        oldest = GaugeMetricFamily(
            "headrace_queue_oldest_seconds", "Age of the job that waits longest", labels=["queue"]
        )
        held = GaugeMetricFamily("headrace_queue_held", "Of them, those that may not run now", labels=["queue"])
        paused = GaugeMetricFamily("headrace_queue_paused", "1 where a queue is paused", labels=["queue"])
        for queue in self.queues:
            depth.add_metric([queue.name], queue.queued)
            oldest.add_metric([queue.name], queue.oldest_seconds or 0)
            held.add_metric([queue.name], queue.held)
            paused.add_metric([queue.name], queue.paused is not None)
        yield from (depth, oldest, held, paused)
        kinds_paused = GaugeMetricFamily("headrace_kind_paused", "1 where a kind is paused", labels=["kind"])
        for kind in kinds.known():
            kinds_paused.add_metric([kind.name], kind.name in self.paused_kinds)
        yield kinds_paused
        strikes = GaugeMetricFamily("headrace_strikes", "Strikes, by what is struck", labels=["what"])
        for what in get_args(Struck):
            strikes.add_metric([what], sum(strike.what == what for strike in self.strikes))
        yield strikes
        running = self.counters.by_state.get(State.RUNNING, 0)
        ready = sum(queue.queued - queue.held for queue in self.queues)
        yield GaugeMetricFamily("headrace_jobs_running", "Jobs that a worker runs", value=running)
        yield GaugeMetricFamily(
            "headrace_demand",
            "Jobs that run, may run, or are due: what to scale workers by",
            value=ready + running + self.due,
        )
        yield GaugeMetricFamily("headrace_workers", "Workers that reported within the last minute", value=self.workers)

        schedules = GaugeMetricFamily("headrace_schedules", "Schedules", labels=["state"])
        schedules.add_metric(["active"], self.schedules.total - self.schedules.paused)
        schedules.add_metric(["paused"], self.schedules.paused)
        yield schedules
        yield GaugeMetricFamily(
            "headrace_schedules_late_seconds",
            "How late the schedule is that waits longest for its job to be made",
            value=self.schedules.longest_late_seconds,
        )

    def _total(self, counter: str) -> int:
        return self.counters.totals.get(counter, 0)
