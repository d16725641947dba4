"""admit.lua: a call goes when budgets and the shared rate have room for it, and is told when the rate has."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from jobs import keys
from jobs.calls import CallDesk, Go, OverBudget, PlannedCall, Unpriced, Wait
from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.rates import Rate
from jobs.settings import Settings
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BROKEN, LIMITED, desk_of, planned, running, story
from tests.support.time_travel import end_lease, rewrite, sweep

ONE_A_MINUTE = Rate(requests=1)
SECONDS = 10.0
"""That asking itself may take, all in all, on a busy machine; waits are minutes."""


@pytest.fixture
def desk(store: JobStore, settings: Settings) -> CallDesk:
    return desk_of(store, settings)


async def _pass_time(redis: Redis, lease: Lease, seat: str, *, seconds: float) -> None:
    """What is booked comes sooner by so much."""
    client: Any = redis
    slot, _, rest = (await client.hget(keys.job(lease.job_id), f"slot:{seat}")).partition(" ")
    await client.hset(keys.job(lease.job_id), f"slot:{seat}", f"{float(slot) - seconds * 1000} {rest}")


async def _left(desk: CallDesk, lease: Lease, call: PlannedCall) -> float:
    """Seconds to wait; 0 when the call may go."""
    answer = await desk.admit(lease, call)
    if isinstance(answer, Go):
        return 0
    assert isinstance(answer, Wait)
    return answer.left.total_seconds()


# -- Rates ------------------------------------------------------------------------------------------------------------


async def test_without_limits_every_call_goes(desk: CallDesk, store: JobStore, held: Inspector) -> None:
    lease = (await running(store)).lease

    assert [await _left(desk, lease, planned(f"page:{number}#1")) for number in range(20)] == [0] * 20

    assert await held.names("hr:rate:*") == []


async def test_each_waiter_is_told_a_time_of_its_own(desk: CallDesk, store: JobStore) -> None:
    """Jobs of different workers share one queue, in the order in which they asked."""
    leases = [(await running(store)).lease for _ in range(3)]

    waits = [
        await _left(desk, leases[number % 3], planned(f"page:{number}#1", rate=ONE_A_MINUTE)) for number in range(6)
    ]

    assert waits == pytest.approx([0, 60, 120, 180, 240, 300], abs=SECONDS)


async def test_a_second_of_the_rate_may_go_at_once(desk: CallDesk, store: JobStore) -> None:
    lease = (await running(store)).lease

    # Sent at once: what asking takes would count as passed.
    calls = [planned(f"{number}", rate=Rate(requests=600)) for number in range(12)]
    waits = await asyncio.gather(*(_left(desk, lease, call) for call in calls))

    assert waits[:10] == [0] * 10
    assert waits[11] == pytest.approx(0.2, abs=0.1)


async def test_tokens_are_limited_as_well(desk: CallDesk, store: JobStore) -> None:
    lease = (await running(store)).lease
    rate = Rate(requests=6000, tokens=60)

    waits = [await _left(desk, lease, planned(f"{number}", tokens=500, rate=rate)) for number in range(3)]

    assert waits == pytest.approx([0, 499, 999], abs=SECONDS)


async def test_a_wait_for_tokens_is_not_a_burst_of_requests(desk: CallDesk, store: JobStore) -> None:
    """Those that come after a large call are spaced as requests too."""
    lease = (await running(store)).lease
    rate = Rate(requests=1, tokens=60)
    await desk.admit(lease, planned("large", tokens=1000, rate=rate))

    waits = [await _left(desk, lease, planned(f"{number}", tokens=1, rate=rate)) for number in range(3)]

    assert waits == pytest.approx([999, 1059, 1119], abs=SECONDS)


async def test_what_is_booked_is_kept(desk: CallDesk, store: JobStore, redis: Redis) -> None:
    """Asking again is no new place in the queue; when the time has come the call goes."""
    lease = (await running(store)).lease
    for number in range(4):
        await desk.admit(lease, planned(f"{number}", rate=ONE_A_MINUTE))

    assert await _left(desk, lease, planned("3", call_id="again", rate=ONE_A_MINUTE)) == pytest.approx(180, abs=SECONDS)
    await _pass_time(redis, lease, "3", seconds=180)

    assert await _left(desk, lease, planned("3", call_id="again", rate=ONE_A_MINUTE)) == 0


async def test_a_slot_that_was_missed_by_far_is_lost(desk: CallDesk, store: JobStore, redis: Redis) -> None:
    """Or all that an outage held up would go at its end at once."""
    lease = (await running(store)).lease
    for number in range(4):
        await desk.admit(lease, planned(f"{number}", rate=ONE_A_MINUTE))

    await _pass_time(redis, lease, "2", seconds=131)

    assert await _left(desk, lease, planned("2", rate=ONE_A_MINUTE)) == pytest.approx(240, abs=SECONDS)


async def test_a_pause_moves_all_that_is_booked(desk: CallDesk, store: JobStore) -> None:
    """And keeps the distances."""
    lease = (await running(store)).lease
    calls = [planned(f"{number}", rate=ONE_A_MINUTE) for number in range(4)]
    for call in calls:
        await desk.admit(lease, call)

    await desk.settle(lease, calls[0], [], pause=timedelta(seconds=30))

    waits = [await _left(desk, lease, call) for call in [*calls[1:], planned("4", rate=ONE_A_MINUTE)]]
    assert waits == pytest.approx([90, 150, 210, 270], abs=SECONDS)


async def test_a_pause_without_limits_lets_waiters_back_one_by_one(desk: CallDesk, store: JobStore) -> None:
    lease = (await running(store)).lease
    await desk.admit(lease, planned("0"))

    await desk.settle(lease, planned("0"), [], pause=timedelta(seconds=30))

    waits = await asyncio.gather(*(_left(desk, lease, planned(f"{number}")) for number in range(1, 4)))
    assert waits[0] == pytest.approx(30, abs=SECONDS)
    assert [wait - waits[0] for wait in waits] == pytest.approx([0, 0.1, 0.2], abs=0.09)


async def test_a_shorter_pause_does_not_end_a_longer_one(desk: CallDesk, store: JobStore) -> None:
    """Both calls were in flight when the first was refused."""
    lease = (await running(store)).lease
    for seat in ("0", "1"):
        assert await desk.admit(lease, planned(seat)) == Go()

    for seat, seconds in [("0", 30), ("1", 2)]:
        assert await desk.settle(lease, planned(seat), [], pause=timedelta(seconds=seconds))

    assert await _left(desk, lease, planned("2")) == pytest.approx(30, abs=SECONDS)


@hypothesis_settings(
    max_examples=25,
    phases=[Phase.generate],  # shrinking would outlast the test's time limit
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    requests=st.integers(1, 3000),
    tokens=st.integers(0, 200_000),
    sizes=st.lists(st.integers(0, 5000), min_size=2, max_size=40),
)
def test_no_minute_has_more_than_the_rate_and_a_second(
    redis_url: str, requests: int, tokens: int, sizes: list[int]
) -> None:
    """Whatever is asked for: in any window, at most the rate for it, a second's worth, and the call that ends it."""

    async def slots() -> list[tuple[float, float]]:
        """Between which two seconds each may go."""
        settings = Settings.model_validate({"redis_url": redis_url})
        store = JobStore.open(settings, name="tests", patience=timedelta(seconds=5))
        try:
            await store.redis.flushall()
            lease, desk = (await running(store)).lease, desk_of(store, settings)
            inspector = Inspector(store.redis)
            found: list[tuple[float, float]] = []
            for number, size in enumerate(sizes):
                call = planned(f"{number}", tokens=size, rate=Rate(requests, tokens))
                # By the server's clock, before and after the answer: what asking takes counts as passed.
                asked = await inspector.now() / 1000
                left = await _left(desk, lease, call)
                found.append((asked + left, await inspector.now() / 1000 + left))
            return found
        finally:
            await store.aclose()

    at = asyncio.run(slots())
    rounding = 0.01
    for first in range(len(at)):
        for last in range(first + 1, len(at)):
            seconds = at[last][1] - at[first][0] + rounding + 1
            assert last - first <= seconds * requests / 60 + 1
            if tokens:
                assert sum(sizes[first:last]) <= seconds * tokens / 60 + max(sizes[first:last])


# -- Places that are given back ---------------------------------------------------------------------------------------


async def _booked(
    store: JobStore, desk: CallDesk, *, tokens: int = 100, rate: Rate = ONE_A_MINUTE
) -> tuple[str, float]:
    """A job with a call of the model, and in how many seconds that may be made."""
    lease = (await running(store)).lease
    return lease.job_id, await _left(desk, lease, planned(tokens=tokens, rate=rate))


async def _cancel(store: JobStore, lease: Lease) -> None:
    await store.cancel(lease.job_id)


async def _fail(store: JobStore, lease: Lease) -> None:
    await store.fail(lease, BROKEN)


async def _put_off_and_cancel(store: JobStore, lease: Lease) -> None:
    """As most are that wait for a rate."""
    await store.retry_later(lease, LIMITED, wait=timedelta(minutes=3))
    await store.cancel(lease.job_id)


async def _lose_for_good(store: JobStore, lease: Lease) -> None:
    await rewrite(store.redis, lease.job_id, attempt=3)
    await end_lease(store.redis, lease.job_id)
    await sweep(store)


@pytest.mark.parametrize("end", [_cancel, _fail, _put_off_and_cancel, _lose_for_good])
async def test_what_a_job_booked_that_has_ended_is_given_back(
    desk: CallDesk, store: JobStore, held: Inspector, end: Callable[[JobStore, Lease], Awaitable[None]]
) -> None:
    await _booked(store, desk)
    leases = [(await running(store)).lease for _ in range(20)]
    for lease in leases:
        await desk.admit(lease, planned(rate=ONE_A_MINUTE))

    for lease in leases:
        await end(store, lease)

    waits = [(await _booked(store, desk))[1] for _ in range(3)]
    assert waits == pytest.approx([60, 120, 180], abs=SECONDS)
    assert not [name for name in await held.record(leases[0].job_id) if name.startswith("slot:")]


async def test_others_keep_their_times(desk: CallDesk, store: JobStore) -> None:
    """One that is given back in between is the next one's; behind it all is as it was."""
    jobs = [await _booked(store, desk) for _ in range(5)]
    await store.cancel(jobs[2][0])

    waits = [(await _booked(store, desk))[1] for _ in range(2)]

    assert waits == pytest.approx([120, 300], abs=SECONDS)


async def test_a_large_call_has_the_room_of_several_small_ones(desk: CallDesk, store: JobStore) -> None:
    rate = Rate(requests=6000, tokens=60)
    await _booked(store, desk, tokens=10, rate=rate)
    jobs = [await _booked(store, desk, tokens=10, rate=rate) for _ in range(10)]
    for job_id, _ in jobs:
        await store.cancel(job_id)

    _, large = await _booked(store, desk, tokens=30, rate=rate)
    _, small = await _booked(store, desk, tokens=10, rate=rate)

    assert [large, small] == pytest.approx([29, 39], abs=SECONDS)


async def test_a_pause_moves_what_was_given_back(desk: CallDesk, store: JobStore) -> None:
    lease = (await running(store)).lease
    await desk.admit(lease, planned(rate=ONE_A_MINUTE))
    jobs = [await _booked(store, desk) for _ in range(3)]
    await store.cancel(jobs[0][0])
    await desk.settle(lease, planned(rate=ONE_A_MINUTE), [], pause=timedelta(seconds=30))
    await store.cancel(jobs[1][0])

    waits = [(await _booked(store, desk))[1] for _ in range(2)]

    assert waits == pytest.approx([90, 150], abs=SECONDS)


async def test_what_is_past_is_not_given_back(desk: CallDesk, store: JobStore, redis: Redis) -> None:
    await _booked(store, desk)
    lease = (await running(store)).lease
    await desk.admit(lease, planned(rate=ONE_A_MINUTE))
    await _pass_time(redis, lease, "outline#1", seconds=61)
    await store.cancel(lease.job_id)

    assert await redis.exists(keys.RETURNED + "openai/gpt-5.4-mini") == 0


async def test_a_waiting_call_that_is_cancelled_had_reserved_no_money(store: JobStore, settings: Settings) -> None:
    desk = desk_of(store, settings, user_budget="0.0015")
    first = (await running(store, story(user_id="ann"))).lease
    await desk.admit(first, planned("0", cost=500, rate=ONE_A_MINUTE))
    for _ in range(3):
        waits = (await running(store, story(user_id="ann"))).lease
        assert isinstance(await desk.admit(waits, planned("0", cost=1000, rate=ONE_A_MINUTE)), Wait)
        await store.cancel(waits.job_id)

    last = (await running(store, story(user_id="ann"))).lease
    assert await desk.admit(last, planned("1", cost=1000)) == Go()


# -- Budgets ----------------------------------------------------------------------------------------------------------


async def test_what_a_call_may_cost_is_reserved(desk: CallDesk, store: JobStore) -> None:
    """Calls in flight together cannot pass the budget."""
    lease = (await running(store, story(max_cost="0.0025"))).lease

    answers = [await desk.admit(lease, planned(f"{number}", cost=1000)) for number in range(3)]

    assert answers == [Go(), Go(), OverBudget("job", spent=0.002, limit=0.0025)]


async def test_a_budget_may_be_spent_to_the_last(desk: CallDesk, store: JobStore) -> None:
    lease = (await running(store, story(max_cost="0.002"))).lease

    assert [await desk.admit(lease, planned(f"{number}", cost=1000)) for number in range(2)] == [Go(), Go()]


async def test_all_jobs_of_a_user_share_the_days_budget(store: JobStore, settings: Settings) -> None:
    desk = desk_of(store, settings, user_budget="0.0025")
    anns = [(await running(store, story(user_id="ann"))).lease for _ in range(3)]
    bobs = (await running(store, story(user_id="bob"))).lease

    answers = [await desk.admit(lease, planned(cost=1000)) for lease in [*anns, bobs]]

    assert answers == [Go(), Go(), OverBudget("user", spent=0.002, limit=0.0025), Go()]


async def test_jobs_of_nobody_share_a_budget_too(store: JobStore, settings: Settings) -> None:
    """Leaving the user out is no way round it."""
    desk = desk_of(store, settings, user_budget="0.001")
    leases = [(await running(store)).lease for _ in range(2)]

    assert [await desk.admit(lease, planned(cost=1000)) for lease in leases] == [
        Go(),
        OverBudget("user", spent=0.001, limit=0.001),
    ]


async def test_a_call_without_a_price_goes_unless_a_budget_holds(
    desk: CallDesk, store: JobStore, settings: Settings
) -> None:
    free = (await running(store)).lease
    limited = (await running(store, story(max_cost="5"))).lease

    assert await desk.admit(free, planned(cost=None)) == Go()
    assert await desk.admit(limited, planned(cost=None)) == Unpriced()
    assert await desk_of(store, settings, user_budget="5").admit(free, planned("2", cost=None)) == Unpriced()


async def test_a_call_over_budget_takes_no_place_in_the_queue(desk: CallDesk, store: JobStore) -> None:
    poor, rich = (await running(store, story(max_cost="0.0001"))).lease, (await running(store)).lease

    await desk.admit(poor, planned(rate=ONE_A_MINUTE))

    assert await desk.admit(rich, planned(rate=ONE_A_MINUTE)) == Go()


async def test_a_waiting_call_reserves_no_money(desk: CallDesk, store: JobStore) -> None:
    """It may never be made."""
    lease = (await running(store, story(max_cost="0.0015"))).lease
    await desk.admit(lease, planned("0", cost=1000, rate=ONE_A_MINUTE))
    other = (await running(store, story(max_cost="0.0015"))).lease

    assert isinstance(await desk.admit(other, planned("0", cost=1000, rate=ONE_A_MINUTE)), Wait)

    assert await desk.admit(other, planned("1", cost=1500)) == Go()


# -- Who may ask ------------------------------------------------------------------------------------------------------


async def test_a_call_under_an_old_fence_is_refused(desk: CallDesk, store: JobStore, held: Inspector) -> None:
    lease = (await running(store)).lease
    await store.hand_back(lease)

    with pytest.raises(LeaseLost, match="queued"):
        await desk.admit(lease, planned(rate=ONE_A_MINUTE))

    assert await held.names("hr:rate:*") == []


async def test_a_call_of_an_unknown_job_is_refused(desk: CallDesk, held: Inspector) -> None:
    with pytest.raises(LeaseLost, match="gone"):
        await desk.admit(Lease("00000000-0000-0000-0000-000000000000", fence=1, claim="none"), planned())

    assert await held.names("hr:job:*") == []


async def test_an_admission_whose_reply_was_lost_is_one(lossy: Lossy, settings: Settings) -> None:
    lease = (await running(lossy.store, story(max_cost="0.001"))).lease
    desk = desk_of(lossy.store, settings)

    with lossy.proxy.losing_a_reply():
        assert await desk.admit(lease, planned(cost=1000)) == Go()
