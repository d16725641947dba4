"""A shift: which messages are taken while others run, and when it ends."""

import asyncio
from collections.abc import Iterable

from jobs.errors import StoreUnavailable
from tasks.engine.outcome import Left, Outcome
from tasks.engine.shift import Shift
from tests.support.waiting import wait_until


class Stage:
    """Runs jobs that end when they are told to, and hands out these messages."""

    def __init__(self, slots: int, messages: Iterable[str | Exception | None]) -> None:
        self.running: dict[str, int] = {}
        self.most = 0
        self.ran: list[str] = []
        self.goes_on = True
        self.gates: dict[str, asyncio.Event] = {}
        self._messages = list(messages)
        self.shift = Shift(slots, run=self._run, take=self._take, goes_on=lambda: self.goes_on)

    async def _run(self, job_id: str, slot: int) -> Outcome:
        assert slot not in self.running.values()
        self.running[job_id] = slot
        self.most = max(self.most, len(self.running))
        await self.gates.setdefault(job_id, asyncio.Event()).wait()
        del self.running[job_id]
        self.ran.append(job_id)
        return Outcome(Left.COMPLETED, job_id)

    async def _take(self) -> str | None:
        await asyncio.sleep(0)
        found = self._messages.pop(0) if self._messages else None
        if isinstance(found, Exception):
            raise found
        if found == "last":
            self.goes_on = False
        return found

    async def settle(self) -> None:
        """All that can happen has happened."""
        for _ in range(50):
            await asyncio.sleep(0)

    def end(self, *jobs: str) -> None:
        for job_id in jobs:
            self.gates[job_id].set()


async def test_no_more_run_at_once_than_there_are_slots() -> None:
    stage = Stage(3, [f"job {number}" for number in range(9)])
    work = asyncio.create_task(stage.shift.work("first"))
    while not work.done():
        await stage.settle()
        stage.end(*stage.running)
    assert stage.most == 3
    assert sorted(stage.ran) == ["first", *(f"job {number}" for number in range(9))]
    assert work.result() == Outcome(Left.COMPLETED, "first")


async def test_it_goes_on_while_any_job_runs_although_no_message_comes() -> None:
    stage = Stage(2, [None, None, None, "late"])
    work = asyncio.create_task(stage.shift.work("first"))
    await stage.settle()
    assert set(stage.running) == {"first", "late"}
    stage.end("first")
    await stage.settle()
    assert not work.done()
    stage.end("late")
    await stage.settle()
    assert work.result() == Outcome(Left.COMPLETED, "first")


async def test_one_that_may_not_go_on_finishes_what_it_has() -> None:
    stage = Stage(3, ["last", "too late"])
    work = asyncio.create_task(stage.shift.work("first"))
    await stage.settle()
    assert set(stage.running) == {"first", "last"}
    stage.end("first", "last")
    await stage.settle()
    assert work.done()
    assert sorted(stage.ran) == ["first", "last"]


async def test_it_outlives_a_store_that_is_away() -> None:
    stage = Stage(2, [StoreUnavailable(), "second"])
    work = asyncio.create_task(stage.shift.work("first"))
    await wait_until(lambda: "second" in stage.running, within=30, what="the second one runs")
    stage.end("first", "second")
    async with asyncio.timeout(30):
        assert (await work).reason == "first"
