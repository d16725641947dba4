"""settle.lua: what a call used, counted once, in place of what was reserved for it."""

from datetime import date, timedelta

import pytest

from jobs import keys
from jobs.calls import CallDesk, Go, OverBudget, Wait
from jobs.model import UsageItem
from jobs.rates import Rate
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.usage import UsageLog, total
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claimed, desk_of, planned, running, story

USED = UsageItem(provider="openai", model="gpt-5.4-mini", input_tokens=120, output_tokens=340, calls=1, cost=0.00162)


@pytest.fixture
def desk(store: JobStore, settings: Settings) -> CallDesk:
    return desk_of(store, settings)


async def _spent(held: Inspector, job_id: str) -> int:
    return int((await held.record(job_id)).get("spent", 0))


async def test_what_a_call_used_is_the_jobs_at_once(desk: CallDesk, store: JobStore) -> None:
    """Not only when the job has ended."""
    lease = (await running(store)).lease

    for seat in ("outline#1", "page:1#1"):
        await desk.admit(lease, planned(seat))
        assert await desk.settle(lease, planned(seat), [USED])

    assert (await store.get(lease.job_id)).usage == total([USED, USED])


async def test_what_it_cost_stands_in_place_of_what_was_reserved(
    desk: CallDesk, store: JobStore, held: Inspector
) -> None:
    lease = (await running(store)).lease
    await desk.admit(lease, planned(cost=5000))
    assert await _spent(held, lease.job_id) == 5000

    await desk.settle(lease, planned(cost=5000), [USED])

    assert await _spent(held, lease.job_id) == 1620


async def test_a_call_is_settled_once(desk: CallDesk, store: JobStore, held: Inspector) -> None:
    lease = (await running(store)).lease
    await desk.admit(lease, planned())

    assert await desk.settle(lease, planned(), [USED])
    assert not await desk.settle(lease, planned(), [USED])

    assert (await store.get(lease.job_id)).usage == [USED]
    assert await _spent(held, lease.job_id) == 1620


async def test_a_call_that_was_not_admitted_is_not_settled(desk: CallDesk, store: JobStore) -> None:
    lease = (await running(store)).lease

    assert not await desk.settle(lease, planned(), [USED])

    assert (await store.get(lease.job_id)).usage == []


async def test_a_call_that_never_ends_stays_reserved(desk: CallDesk, store: JobStore) -> None:
    """Its worker died; it was probably paid. The next attempt has that much less."""
    lease = (await running(store, story(max_cost="0.0015"))).lease
    await desk.admit(lease, planned(cost=1000))
    await store.lose(lease)
    again = await claimed(store, lease.job_id, token="again")  # noqa: S106  # not a secret

    answer = await desk.admit(again.lease, planned(call_id="again", cost=1000))

    assert answer == OverBudget("job", spent=0.001, limit=0.0015)


async def test_a_failed_call_gives_back_what_it_did_not_cost(desk: CallDesk, store: JobStore) -> None:
    lease = (await running(store, story(max_cost="0.0015"))).lease
    failed = UsageItem(provider="openai", model="gpt-5.4-mini", calls=1)
    await desk.admit(lease, planned("0", cost=1000))

    await desk.settle(lease, planned("0", cost=1000), [failed])

    assert (await store.get(lease.job_id)).usage == [failed]
    assert await desk.admit(lease, planned("1", cost=1000)) == Go()


async def test_a_users_day_gets_back_what_a_call_did_not_cost(store: JobStore, settings: Settings) -> None:
    """What another job of the user may spend."""
    desk = desk_of(store, settings, user_budget="0.0025")
    first, second = [(await running(store, story(user_id="ann"))).lease for _ in range(2)]
    await desk.admit(first, planned(cost=2000))
    assert await desk.admit(second, planned(cost=1000)) == OverBudget("user", spent=0.002, limit=0.0025)

    await desk.settle(first, planned(cost=2000), [USED.model_copy(update={"cost": 0.0015})])

    assert await desk.admit(second, planned(cost=1000)) == Go()


async def test_a_cost_that_is_not_known_is_not_nothing(desk: CallDesk, store: JobStore) -> None:
    lease = (await running(store)).lease
    unpriced = USED.model_copy(update={"cost": None})
    await desk.admit(lease, planned(cost=None))

    await desk.settle(lease, planned(cost=None), [unpriced])

    assert (await store.get(lease.job_id)).usage == [unpriced]


async def test_a_late_settlement_of_an_ended_job_keeps_its_end(
    desk: CallDesk, store: JobStore, held: Inspector
) -> None:
    lease = (await running(store)).lease
    await desk.admit(lease, planned())
    await store.cancel(lease.job_id)

    assert await desk.settle(lease, planned(), [USED])

    assert await held.seconds_left(keys.job(lease.job_id)) > 0


async def test_tokens_that_were_not_used_are_given_back(desk: CallDesk, store: JobStore) -> None:
    lease = (await running(store)).lease
    call = planned("0", tokens=1000, rate=Rate(tokens=6000))
    await desk.admit(lease, call)

    await desk.settle(lease, call, [USED.model_copy(update={"input_tokens": 50, "output_tokens": 0})])

    assert await desk.admit(lease, planned("1", rate=Rate(tokens=6000))) == Go()


async def test_tokens_that_came_out_are_counted_like_those_that_went_in(desk: CallDesk, store: JobStore) -> None:
    """100 a second: the call was thought to take one second's worth, and took 60."""
    lease, rate = (await running(store)).lease, Rate(tokens=6000)
    call = planned("0", tokens=100, rate=rate)
    await desk.admit(lease, call)

    await desk.settle(lease, call, [USED.model_copy(update={"input_tokens": 0, "output_tokens": 6000})])

    answer = await desk.admit(lease, planned("1", rate=rate))
    assert isinstance(answer, Wait)
    assert 50 < answer.left.total_seconds() <= 60


async def test_a_rate_is_forgotten_when_it_is_paid_off(desk: CallDesk, store: JobStore, held: Inspector) -> None:
    lease = (await running(store)).lease
    call = planned("0", tokens=1000, rate=Rate(tokens=6000))
    await desk.admit(lease, call)

    await desk.settle(lease, call, [USED], pause=timedelta(minutes=5))

    assert 300 < await held.seconds_left(keys.rate("openai", "gpt-5.4-mini")) <= 375


async def test_a_day_has_what_all_its_calls_used(desk: CallDesk, store: JobStore, held: Inspector) -> None:
    """By user too. In the middle of the night two days share it."""
    log = UsageLog(store.redis, patience=timedelta(seconds=5))
    for user in ("ann", "bob", "bob"):
        lease = (await running(store, story(user_id=user))).lease
        await desk.admit(lease, planned())
        await desk.settle(lease, planned(), [USED])
        await store.complete(lease, result={})
    now = int(await held.now() / 86_400_000)
    first, last = (_date(number) for number in (now - 1, now))

    everybody = [item for day in await log.days(first, last) for item in day.usage]
    bobs = [item for day in await log.days(first, last, user_id="bob") for item in day.usage]

    assert [item.calls for item in total(everybody)] == [3]
    assert total(bobs) == total([USED, USED])
    assert await log.days(first, last, user_id="carl") == []


async def test_a_settlement_whose_reply_was_lost_is_one(lossy: Lossy, settings: Settings) -> None:
    lease = (await running(lossy.store)).lease
    desk = desk_of(lossy.store, settings)
    await desk.admit(lease, planned())

    with lossy.proxy.losing_a_reply():
        await desk.settle(lease, planned(), [USED])

    assert (await lossy.store.get(lease.job_id)).usage == [USED]


def _date(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)
