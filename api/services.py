"""What every request shares: opened with the process, closed with it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypedDict

from jobs import keys
from jobs.batches import BatchStore
from jobs.celery_app import renderer_of
from jobs.connection import connect
from jobs.errors import BatchNotFound
from jobs.event_hub import EventHub
from jobs.events import EventLog
from jobs.files import FileStore
from jobs.fleet import Fleet
from jobs.listing import JobList
from jobs.pipelining import PipelinedRedis
from jobs.schedules import ScheduleStore
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import Uploads
from jobs.usage import UsageLog

PATIENCE = timedelta(seconds=1.5)
"""How long Redis may take to answer; with it a 503 is out within two seconds."""


class Services(TypedDict):
    """The lifespan state, which routes reach through `api.dependencies`."""

    settings: Settings
    store: JobStore
    batches: BatchStore
    schedules: ScheduleStore
    events: EventLog
    batch_events: EventLog
    job_list: JobList
    fleet: Fleet
    usage: UsageLog
    files: FileStore
    uploads: Uploads
    hub: EventHub
    """Closed as soon as this process is told to stop."""


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncGenerator[Services]:
    """Opens no connection yet: the API starts, and answers 503, without Redis."""
    redis = PipelinedRedis.open(settings, name="headrace-api", reply_within=PATIENCE)
    hub = EventHub(
        connect(settings, name="headrace-api-events", reply_within=PATIENCE).connection_pool,
        keep_alive=settings.keep_alive,
        limit=settings.max_streams,
    )
    files = FileStore.open(settings)
    store = JobStore(redis, settings, renderer_of(settings), patience=PATIENCE)
    try:
        yield Services(
            settings=settings,
            store=store,
            batches=BatchStore(store, settings, patience=PATIENCE),
            schedules=ScheduleStore(store, settings, patience=PATIENCE),
            events=EventLog(redis, patience=PATIENCE),
            batch_events=EventLog(redis, patience=PATIENCE, prefix=keys.BATCH, missing=BatchNotFound),
            job_list=JobList(redis, store.scripts, patience=PATIENCE),
            fleet=Fleet(redis, patience=PATIENCE),
            usage=UsageLog(redis, patience=PATIENCE),
            files=files,
            uploads=Uploads(redis, files, settings, patience=PATIENCE),
            hub=hub,
        )
    finally:
        await hub.aclose()
        await store.aclose()
