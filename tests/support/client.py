"""What a client of the API does, and what it waits for."""

from typing import Any

import httpx

from jobs.states import FINAL
from tests.support.waiting import wait_until

STORY = {"title": "My Story", "prompt": "A magical adventure", "user_id": "9a0a594c-2699-400b-89e0-4a4ef78ced97"}


class Client:
    """Jobs over HTTP. Whoever is one sets `client` once the API has an address."""

    client: httpx.AsyncClient

    async def post_story(self, **changes: Any) -> str:  # noqa: ANN401  # any JSON value
        response = await self.client.post("/stories", json=STORY | changes)
        assert response.status_code == httpx.codes.ACCEPTED, response.text
        return str(response.json()["id"])

    async def job(self, job_id: str) -> dict[str, Any]:
        response = await self.client.get(f"/jobs/{job_id}")
        assert response.is_success, response.text
        return response.json()

    async def events(self, job_id: str) -> list[dict[str, Any]]:
        response = await self.client.get(f"/jobs/{job_id}/events", headers={"Accept": "application/json"})
        assert response.is_success, response.text
        return response.json()["events"]

    async def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = (await self.client.get("/metrics")).text
        samples = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        assert samples, f"no metric {name}"
        return sum(float(line.rsplit(" ", 1)[1]) for line in samples)

    async def until_state(self, job_id: str, state: str, *, within: float) -> dict[str, Any]:
        async def reached() -> dict[str, Any] | None:
            job = await self.job(job_id)
            assert job["state"] == state or job["state"] not in FINAL, job
            return job if job["state"] == state else None

        job = await wait_until(reached, within=within, what=f"job {job_id} is {state}")
        assert job is not None
        return job

    async def until_steps(self, job_id: str, count: int, *, within: float = 20) -> list[str]:
        """Waits until that many steps are saved; returns their names."""

        async def saved() -> list[str] | None:
            events = await self.events(job_id)
            steps = [event["data"]["step"] for event in events if event["event"] == "step"]
            return steps if len(steps) >= count else None

        steps = await wait_until(saved, within=within, what=f"{count} steps of {job_id} are saved")
        assert steps is not None
        return steps
