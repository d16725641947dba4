"""A claimed job and the tools a worker has for it."""

from collections.abc import AsyncIterator

import pytest

from headrace import JobContext
from jobs import kinds
from jobs.files import FileStore
from jobs.leases import Claim
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine.backend import LeasedJob, Tools
from tasks.engine.metering import Meter
from tasks.providers.registry import Providers


@pytest.fixture
async def tools(settings: Settings, store: JobStore) -> AsyncIterator[Tools]:
    tools = Tools(
        settings=settings,
        store=store,
        files=FileStore.open(settings),
        providers=Providers(settings),
        meter=Meter(settings, store),
    )
    yield tools
    await tools.providers.aclose()


@pytest.fixture
async def claim(store: JobStore) -> Claim:
    story = {"title": "My Story", "prompt": "A magical adventure", "pages": 4}
    created = await store.create(NewJob(kinds.get("story"), story))
    claim = await store.claim(created.job_id, worker="tests", token="tests")  # noqa: S106  # not a secret
    assert isinstance(claim, Claim)
    return claim


@pytest.fixture
def context(claim: Claim, tools: Tools) -> JobContext:
    return JobContext(LeasedJob(claim.lease, tools), claim.steps)
