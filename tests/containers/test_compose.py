"""compose.yaml: the whole platform on this host, by docker's own compose."""

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.containers.nodes import ROOT, TAG
from tests.support.client import Client
from tests.support.ports import free_port
from tests.support.waiting import wait_until

PASSWORD = "secret"  # noqa: S105  # of a Flower that lives for a minute


def _command() -> list[str]:
    """The plugin, or the program that came before it."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)  # noqa: S607
    return ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]


class Composed(Client):
    def __init__(self, project: str) -> None:
        self.api_port, self.flower_port = free_port(), free_port()
        self.environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": project,
            "HEADRACE_TAG": TAG,
            "API_PORT": str(self.api_port),
            "FLOWER_PORT": str(self.flower_port),
            "FLOWER_BASIC_AUTH": f"operator:{PASSWORD}",
        }
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.api_port}", timeout=10)
        self.flower = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.flower_port}", timeout=10)

    def compose(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603  # our own arguments
            [*_command(), *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def healthy(self) -> int:
        """How many of its containers say that they are well."""
        label = f"label=com.docker.compose.project={self.environment['COMPOSE_PROJECT_NAME']}"
        listed = subprocess.run(  # noqa: S603
            ["docker", "ps", "--quiet", "--filter", label, "--filter", "health=healthy"],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        )
        return len(listed.stdout.split())


@pytest.fixture
async def composed(tmp_path: Path) -> AsyncIterator[Composed]:
    composed = Composed(f"headrace-test-{tmp_path.parent.name}-{os.getpid()}".lower())
    try:
        composed.compose("up", "--detach", "--no-build", "--scale", "worker=2")
        await wait_until(lambda: composed.healthy() == 5, within=60, what="all five containers are healthy")
        yield composed
    finally:
        composed.compose("down", "--volumes", "--timeout", "15")
        await composed.client.aclose()
        await composed.flower.aclose()


async def test_the_platform_comes_up_healthy_and_tells_a_story(composed: Composed) -> None:
    """Two workers work, and Flower shows the job to who knows the password."""
    workers = (await composed.client.get("/workers")).json()["workers"]
    assert len({worker["host"] for worker in workers}) == 2
    job = await composed.until_state(await composed.post_story(pages=4), "completed", within=40)
    pdf = await composed.client.get(f"/jobs/{job['id']}/files/story.pdf")
    assert pdf.content.startswith(b"%PDF-")

    assert (await composed.flower.get("/api/tasks")).status_code == httpx.codes.UNAUTHORIZED

    async def listed() -> bool:
        tasks = (await composed.flower.get("/api/tasks", auth=("operator", PASSWORD))).json()
        return tasks.get(job["id"], {}).get("state") == "SUCCESS"

    await wait_until(listed, within=20, what="Flower lists the job")

    composed.compose("kill", "--signal", "SIGKILL", "redis")
    composed.compose("start", "redis")

    async def known() -> bool:
        return (await composed.client.get(f"/jobs/{job['id']}")).is_success

    await wait_until(known, within=20, what="Redis is back with the job")
    await composed.until_state(await composed.post_story(pages=4), "completed", within=60)


def test_flower_does_not_start_without_a_password() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "FLOWER_BASIC_AUTH"}
    done = subprocess.run(  # noqa: S603
        [*_command(), "config", "--quiet"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Set FLOWER_BASIC_AUTH=user:password" in done.stderr
