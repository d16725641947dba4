"""The API dies between taking a job and saying so."""

import asyncio
import signal
from contextlib import suppress

import httpx

from tests.chaos.checks import completed_once, direct
from tests.chaos.conftest import NewProxy
from tests.support.platform import STORY, Platform
from tests.support.processes import Api
from tests.support.waiting import wait_until


async def test_a_client_that_repeats_its_request_gets_the_same_job(platform: Platform, new_proxy: NewProxy) -> None:
    """Injected: Redis carries out the creation, its reply is lost, and the API is killed before it can answer.

    Bound: the same request with the same Idempotency-Key, to another API, is answered with the job that exists; it
    runs once.
    """
    await platform.start()
    proxy = new_proxy(platform)
    doomed = Api(environment={**platform.environment, "REDIS_URL": proxy.url}, log=platform.folder / "doomed.log")
    platform.processes.append(doomed)
    await wait_until(doomed.answers, within=15, what="the second API answers")

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/stories", json=STORY | {"pages": 4}, headers={"Idempotency-Key": "once"})

    async with httpx.AsyncClient(base_url=doomed.url, timeout=10) as client:
        assert (await client.post("/stories", json=STORY | {"pages": 4})).status_code == httpx.codes.ACCEPTED
        proxy.drop_replies()
        asked = asyncio.create_task(ask(client))
        with direct(platform) as redis:
            await wait_until(lambda: redis.keys("hr:idempotency:*"), within=5, what="the job exists")
        doomed.signal(signal.SIGKILL)
        with suppress(httpx.TransportError):
            await asked
    again = await ask(platform.client)
    assert again.status_code == httpx.codes.ACCEPTED
    assert again.headers["idempotent-replayed"] == "true"
    await completed_once(platform, again.json()["id"])
    assert (await platform.client.get("/jobs")).json()["jobs"][0]["id"] == again.json()["id"]
