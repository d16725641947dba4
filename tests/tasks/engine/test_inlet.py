"""Messages that a child takes itself: of the queues that its worker consumes by now."""

from contextlib import aclosing

from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine.inlet import Inlet
from tests.support.jobs_at_hand import queued


async def test_no_message_is_taken_of_a_queue_that_the_worker_has_left(settings: Settings, store: JobStore) -> None:
    job_id = await queued(store)
    queues: list[str] = []
    async with aclosing(Inlet.open(settings, lambda: queues)) as inlet:
        assert await inlet.take() is None
        queues.append("default")
        assert await inlet.take() == job_id
