"""Faults are put to platforms of real processes, and what was measured is printed at the end.

`pytest` runs the quick ones (`@pytest.mark.quick`) only; `pytest tests/chaos` runs all of them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.misbehaving_worker import MisbehavingWorker
from tests.support.fault_proxy import FaultProxy
from tests.support.platform import NewPlatform, Platform
from tests.support.stopwatch import Took

HERE = Path(__file__).parent
SHORT = {
    "HEADRACE_LEASE": "3s",
    "HEADRACE_HEARTBEAT": "1s",
    "HEADRACE_SWEEP": "500ms",
    "HEADRACE_MESSAGE_GRACE": "2s",
    "HEADRACE_RETRY_BASE": "100ms",
}
"""For faults whose bound is not promised in seconds."""

NewProxy = Callable[[Platform], FaultProxy]
SpawnMisbehaving = Callable[..., MisbehavingWorker]
Measure = Callable[..., None]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "quick: a fault that is put in every run of the tests, not only in `make chaos`")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the slow ones out unless they are asked for: by a path in here, or by an expression of marks."""
    asked = config.option.markexpr or any("chaos" in str(argument) for argument in config.args)
    slow = [item for item in items if HERE in item.path.parents and not item.get_closest_marker("quick")]
    if slow and not asked:
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports: list[pytest.TestReport] = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get(
        "failed", []
    )
    lines = [str(line) for report in reports for name, line in report.user_properties if name == "measured"]
    if lines:
        terminalreporter.section("measured")
        for line in sorted(lines):
            terminalreporter.write_line(line)


@pytest.fixture
def measure(record_property: Callable[[str, object], None]) -> Measure:
    """Notes how long something took, and fails when that is longer than its bound where cores are free."""

    def note(what: str, took: Took, *, bound: float) -> None:
        starved = took.seconds - took.net
        waited = f"; for {starved:.1f} s something waited for a core" if starved >= 0.1 else ""
        record_property("measured", f"{what}: {took.seconds:.1f} s (at most {bound:g} s{waited})")
        assert took.net <= bound, f"{what}: {took.seconds:.1f} s, at most {bound:g} s{waited}"

    return note


@pytest.fixture
def platform(new_platform: NewPlatform) -> Platform:
    """The default bounds; one provider call at a time, 0.5 s each."""
    return new_platform(HEADRACE_OFFLINE_DELAY="0.5", HEADRACE_CONCURRENCY="1")


@pytest.fixture
def short(new_platform: NewPlatform) -> Platform:
    """Short leases and sweeps; one provider call at a time, 0.5 s each."""
    return new_platform(HEADRACE_OFFLINE_DELAY="0.5", HEADRACE_CONCURRENCY="1", **SHORT)


@pytest.fixture
def new_proxy() -> Iterator[NewProxy]:
    """Starts a proxy before a platform's Redis; a worker given its address has all its connections through it."""
    started: list[FaultProxy] = []

    def new(platform: Platform) -> FaultProxy:
        proxy = FaultProxy(platform.redis.port)
        proxy.start()
        started.append(proxy)
        return proxy

    yield new
    for proxy in started:
        proxy.stop()


@pytest.fixture
def spawn_misbehaving() -> SpawnMisbehaving:
    """Starts a worker of `tests/chaos/misbehaving.py` on a platform that is up."""

    def spawn(platform: Platform, **settings: str) -> MisbehavingWorker:
        log = platform.folder / f"worker-{len(platform.workers)}.log"
        worker = MisbehavingWorker(environment={**platform.environment, **settings}, log=log)
        platform.workers.append(worker)
        platform.processes.append(worker)
        return worker

    return spawn
