"""Plain Celery; BENCH_ACKS says whether it acknowledges before a task (its default) or after.

Prefetch 1 with late acks, as its documentation advises; no result backend. With BENCH_ACKS=headrace it is set up as
Headrace sets it up, without the rest of Headrace: what is left then is the price of its settings.
"""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from celery import Celery

from bench.task import Story, work

ACKS = os.environ.get("BENCH_ACKS")

app = Celery("plain", broker=os.environ["REDIS_URL"])
app.conf.update(task_ignore_result=True, worker_concurrency=1)
if ACKS == "late":
    app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1)
elif ACKS == "headrace":
    from jobs.celeryconfig import celery_config
    from jobs.settings import Settings

    app.conf.update(celery_config(Settings()))


@app.task(name="noop")
def noop(story: Story) -> None:
    work(story)


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    def submit(story: Story) -> None:
        app.send_task("noop", args=[story])

    yield submit
