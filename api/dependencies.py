"""What a route may ask for, as types. What a route needs reads from its signature."""

from typing import Annotated, cast

from fastapi import Depends, Request

from jobs.batches import BatchStore
from jobs.event_hub import EventHub
from jobs.events import EventLog
from jobs.files import FileStore
from jobs.fleet import Fleet
from jobs.listing import JobList
from jobs.schedules import ScheduleStore
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import Uploads
from jobs.usage import UsageLog


def settings_of(request: Request) -> Settings:
    return cast("Settings", request.state.settings)


def uploads_of(request: Request) -> Uploads:
    return cast("Uploads", request.state.uploads)


def store_of(request: Request) -> JobStore:
    return cast("JobStore", request.state.store)


def schedules_of(request: Request) -> ScheduleStore:
    return cast("ScheduleStore", request.state.schedules)


# Coroutines, although they wait for nothing: FastAPI would send plain functions to a thread.
async def _store(request: Request) -> JobStore:
    return store_of(request)


async def _events(request: Request) -> EventLog:
    return cast("EventLog", request.state.events)


async def _batches(request: Request) -> BatchStore:
    return cast("BatchStore", request.state.batches)


async def _schedules(request: Request) -> ScheduleStore:
    return schedules_of(request)


async def _batch_events(request: Request) -> EventLog:
    return cast("EventLog", request.state.batch_events)


async def _job_list(request: Request) -> JobList:
    return cast("JobList", request.state.job_list)


async def _fleet(request: Request) -> Fleet:
    return cast("Fleet", request.state.fleet)


async def _usage(request: Request) -> UsageLog:
    return cast("UsageLog", request.state.usage)


async def _files(request: Request) -> FileStore:
    return cast("FileStore", request.state.files)


async def _uploads(request: Request) -> Uploads:
    return uploads_of(request)


async def _hub(request: Request) -> EventHub:
    return cast("EventHub", request.state.hub)


Store = Annotated[JobStore, Depends(_store)]
Events = Annotated[EventLog, Depends(_events)]
Batches = Annotated[BatchStore, Depends(_batches)]
Schedules = Annotated[ScheduleStore, Depends(_schedules)]
BatchEvents = Annotated[EventLog, Depends(_batch_events)]
Jobs = Annotated[JobList, Depends(_job_list)]
FleetNow = Annotated[Fleet, Depends(_fleet)]
Usages = Annotated[UsageLog, Depends(_usage)]
Files = Annotated[FileStore, Depends(_files)]
UploadStore = Annotated[Uploads, Depends(_uploads)]
Hub = Annotated[EventHub, Depends(_hub)]
