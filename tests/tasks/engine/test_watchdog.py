"""The watchdog tells a worker that does not work from one that has nothing to do, or no Redis."""

import json
from datetime import timedelta
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tasks.engine.health import HealthServer
from tasks.engine.watchdog import Watchdog


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watchdog(clock: Clock) -> Watchdog:
    dog = Watchdog(timedelta(seconds=30), clock=clock)
    dog.ready()
    return dog


def _pass(clock: Clock, watchdog: Watchdog, seconds: int, *, messages: int, busy: bool, turning: bool = True) -> None:
    for _ in range(seconds):
        clock.now += 1
        watchdog.looked(messages=messages, busy=busy)
        if turning:
            watchdog.tick()


@pytest.mark.parametrize(("messages", "busy"), [(0, False), (0, True), (5, True)])
def test_a_worker_that_is_busy_or_has_nothing_to_do_is_fine(
    clock: Clock, watchdog: Watchdog, messages: int, busy: bool
) -> None:
    _pass(clock, watchdog, 3600, messages=messages, busy=busy)
    assert watchdog.fault() is None
    assert watchdog.consumes()


def test_an_idle_worker_that_leaves_messages_lying_is_deaf(clock: Clock, watchdog: Watchdog) -> None:
    _pass(clock, watchdog, 30, messages=1, busy=False)
    assert watchdog.fault() is None
    assert not watchdog.consumes()
    _pass(clock, watchdog, 1, messages=1, busy=False)
    assert "idle for 31 s" in str(watchdog.fault())


def test_claims_show_that_it_works(clock: Clock, watchdog: Watchdog) -> None:
    """Between two short jobs it may look idle with a full queue each time."""
    for _ in range(60):
        _pass(clock, watchdog, 2, messages=100, busy=False)
        watchdog.received()
        watchdog.claimed(at=clock.now)
    assert watchdog.fault() is None


@pytest.mark.parametrize("busy", [True, False])
def test_messages_that_are_taken_and_never_claimed_are_no_work(clock: Clock, watchdog: Watchdog, *, busy: bool) -> None:
    """As with a connection of the child's that leads nowhere, while the parent's works."""
    watchdog.claimed(at=clock.now - 5)
    watchdog.received()
    for _ in range(6):
        _pass(clock, watchdog, 5, messages=0, busy=busy)
        assert watchdog.fault() is None
        watchdog.received()
        watchdog.claimed(at=995.0)
    assert not watchdog.consumes()
    _pass(clock, watchdog, 1, messages=0, busy=busy)
    assert watchdog.fault() == "took messages for 31 s and claimed no job"


def test_a_claimed_job_may_run_for_as_long_as_it_likes(clock: Clock, watchdog: Watchdog) -> None:
    watchdog.received()
    claimed = clock.now = clock.now + 1
    for _ in range(60):
        _pass(clock, watchdog, 60, messages=3, busy=True)
        watchdog.claimed(at=claimed)
        assert watchdog.fault() is None
        assert watchdog.consumes()


def test_without_redis_no_claim_is_missed(clock: Clock, watchdog: Watchdog) -> None:
    watchdog.received()
    for _ in range(600):
        clock.now += 1
        watchdog.store_away()
    assert watchdog.alive()


def test_a_worker_whose_store_has_not_answered_yet_is_not_ready(clock: Clock) -> None:
    dog = Watchdog(timedelta(seconds=30), clock=clock)
    dog.ready()
    assert dog.started()
    assert not dog.consumes()
    dog.looked(messages=0, busy=False)
    assert dog.consumes()


def test_a_loop_that_does_not_turn_is_stuck(clock: Clock, watchdog: Watchdog) -> None:
    _pass(clock, watchdog, 60, messages=0, busy=True, turning=False)
    assert watchdog.fault() is None
    _pass(clock, watchdog, 1, messages=0, busy=True, turning=False)
    assert "has not turned for 61 s" in str(watchdog.fault())
    assert not watchdog.alive()


def test_a_stuck_loop_is_not_believed_to_be_busy(clock: Clock, watchdog: Watchdog) -> None:
    """It had a job when it got stuck, and cannot have heard of its end."""
    _pass(clock, watchdog, 39, messages=1, busy=True, turning=False)
    assert watchdog.fault() is None
    _pass(clock, watchdog, 1, messages=1, busy=True, turning=False)
    assert "while messages wait" in str(watchdog.fault())


def test_without_redis_nothing_is_the_workers_fault(clock: Clock, watchdog: Watchdog) -> None:
    for _ in range(600):
        clock.now += 1
        watchdog.store_away()
    assert watchdog.alive()
    assert not watchdog.consumes()


def test_health_is_told_over_http(clock: Clock) -> None:
    dog = Watchdog(timedelta(seconds=30), clock=clock)
    server = HealthServer(0, dog)
    server.start()
    try:
        assert [_get(server, check) for check in ("live", "ready", "startup")] == [200, 503, 503]
        dog.ready()
        _pass(clock, dog, 1, messages=0, busy=False)
        assert [_get(server, check) for check in ("live", "ready", "startup")] == [200, 200, 200]
        _pass(clock, dog, 31, messages=1, busy=False)
        assert [_get(server, check) for check in ("live", "ready", "startup")] == [503, 503, 200]
        assert _get(server, "else") == 404
    finally:
        server.close()


def _get(server: HealthServer, check: str) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{server.port}/health/{check}", timeout=5) as answer:
            assert json.load(answer) == {"status": "ok"}
            return int(answer.status)
    except HTTPError as refused:
        with refused:
            return refused.code
