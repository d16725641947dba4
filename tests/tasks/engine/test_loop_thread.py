"""The end of a thread with an event loop: whatever runs in it, and however long the last thing takes."""

import asyncio
import threading

import pytest

from tasks.engine.loop_thread import LoopThread


@pytest.fixture
def thread() -> LoopThread:
    thread = LoopThread("tests")
    thread.start()
    return thread


def _alive() -> bool:
    return any(each.name == "tests" for each in threading.enumerate())


async def _nothing() -> None:
    pass


def test_what_runs_is_cancelled_before_the_last_thing_begins(thread: LoopThread) -> None:
    said: list[str] = []
    begun = threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            said.append("cancelled")

    async def last() -> None:
        said.append("last")

    thread.run(work())
    assert begun.wait(timeout=30)
    thread.close(last())
    assert said == ["cancelled", "last"]
    assert not _alive()


def test_a_lost_cancellation_is_repeated(thread: LoopThread) -> None:
    """As of a watch that was just sending to Redis: asyncio.wait_for of Python 3.11 returned, and it went on."""
    begun = threading.Event()

    async def watch() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    thread.run(watch())
    assert begun.wait(timeout=30)
    thread.close(_nothing())
    assert not _alive()


def test_what_the_cancelled_begin_is_cancelled_too(thread: LoopThread) -> None:
    """As the tasks of a new connection to Redis."""
    begun = threading.Event()
    helpers: list[asyncio.Task[object]] = []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            helpers.append(asyncio.create_task(asyncio.Event().wait()))

    thread.run(work())
    assert begun.wait(timeout=30)
    thread.close(_nothing())
    assert [helper.cancelled() for helper in helpers] == [True]


def test_what_the_last_thing_raises_is_raised(thread: LoopThread) -> None:
    async def last() -> None:
        raise RuntimeError("as it is")

    with pytest.raises(RuntimeError, match="as it is"):
        thread.close(last())
