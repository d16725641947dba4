"""All of Headrace on one machine: Redis (embedded unless REDIS_URL says where one is), API, worker and Flower."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr

from cli.changes import Changes
from cli.embedded_redis import EmbeddedRedis
from cli.errors import CommandFailed
from cli.kinds_folder import KindsFolder
from cli.processes import Processes, require_free
from cli.reading import read_settings
from jobs.connection import answered, connect
from jobs.errors import StoreUnavailable
from jobs.kinds import VARIABLE
from jobs.settings import Settings

HOME = Path(".headrace")
"""Where one machine keeps its Redis, its files and its logs."""
START_WITHIN = 30.0
"""Seconds until everything must be up."""


class StackFailed(CommandFailed):
    """Something did not start, or ended by itself; the message names it and where to look."""


@dataclass(frozen=True)
class Ports:
    api: int = 8000
    flower: int = 5555
    redis: int = 6390


class Stack:
    """Starts what is asked for and not there yet, and stops what it has started, last first."""

    def __init__(self, ports: Ports, *, logs: Path | None = None, kinds: KindsFolder | None = None) -> None:
        """Raises BadSettings."""
        self._settings = read_settings()
        self.ports = ports
        self.api_url = f"http://127.0.0.1:{ports.api}"
        self._logs = logs
        self._embedded: EmbeddedRedis | None = None
        own = f"redis://127.0.0.1:{ports.redis}/0"
        if not os.environ.get("REDIS_URL"):
            self._settings = self._settings.model_copy(update={"redis_url": SecretStr(own)})
        self._processes = Processes({"REDIS_URL": self._settings.redis_url.get_secret_value()})
        self._kinds = kinds
        self._changes = Changes(kinds.files if kinds else lambda: ())
        if logs is not None:
            logs.mkdir(parents=True, exist_ok=True)

    def start_redis(self) -> None:
        """Starts the embedded server, unless REDIS_URL names another or it runs already."""
        if self._redis_answers():
            return
        if os.environ.get("REDIS_URL"):
            raise StackFailed(
                "Redis does not answer at REDIS_URL. Start it, or unset REDIS_URL to use an embedded one."
            )
        require_free(self.ports.redis, what="the embedded Redis", option="--redis-port")
        self._embedded = EmbeddedRedis(HOME / "redis", port=self.ports.redis)
        try:
            self._embedded.start()
        except RuntimeError as error:
            raise StackFailed(str(error)) from None

    def start_api(self) -> None:
        require_free(self.ports.api, what="the API", option="--api-port")
        self._start("api", "api", str(self.ports.api))

    def start_worker(self) -> None:
        """Raises StackFailed where it would end at once: what it says itself is lost among the others' lines."""
        if why := self._startup_fault():
            raise StackFailed(why)
        self._start("worker", "celery", "--quiet", "worker", "--without-gossip", "--without-mingle")

    def reload(self) -> str | None:
        """Starts API and worker anew with the kinds as they are now; a running job is handed back, and goes on.

        Returns why not, one line, when they could not start: then those that run are left alone.
        """
        if why := self._changes.syntax_error() or self._startup_fault():
            return why
        self._processes.stop("api", "worker")
        self.start_api()
        self._start("worker", "celery", "--quiet", "worker", "--without-gossip", "--without-mingle")
        return None

    def changed(self) -> list[Path]:
        """The kinds' files that have changed since this was asked last."""
        return self._changes.changed()

    def start_flower(self) -> None:
        require_free(self.ports.flower, what="Flower", option="--flower-port")
        self._start("flower", "celery", "flower", "--address=127.0.0.1", f"--port={self.ports.flower}")

    def until_ready(self) -> None:
        """Waits until the API answers and a worker has reported. Raises StackFailed."""
        self._wait(self.api_runs, "the API did not answer")
        self._wait(self.has_worker, "no worker came up")

    def require_all(self) -> None:
        """Raises StackFailed naming a process that has ended by itself."""
        if name := self._processes.ended():
            raise StackFailed(f"{name} has ended; its last lines say why.")

    def api_runs(self) -> bool:
        with suppress(httpx.TransportError), self.client(timeout=2) as client:
            return client.get("/health/live").is_success
        return False

    def has_worker(self) -> bool:
        with suppress(httpx.TransportError), self.client(timeout=2) as client:
            answer = client.get("/workers")
            return answer.is_success and bool(answer.json()["workers"])
        return False

    def client(self, *, timeout: float) -> httpx.Client:
        """For the API on this machine, which no proxy reaches. `timeout` is seconds."""
        token = self._settings.api_token
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        return httpx.Client(base_url=self.api_url, headers=headers, timeout=timeout, trust_env=False)

    def close(self) -> None:
        self._processes.close()
        if self._embedded is not None:
            self._embedded.stop()

    def _start(self, name: str, *role: str) -> None:
        log = self._logs / f"{name}.log" if self._logs else None
        self._processes.start(name, self._command(*role), log=log, **self._named_kinds())

    def _command(self, *role: str) -> list[str]:
        folders = [str(self._kinds.path)] if self._kinds else []
        return ["-P", "-m", "cli.role", os.pathsep.join([*folders, str(Path.cwd())]), *role]

    def _named_kinds(self) -> dict[str, str]:
        """Raises CommandFailed."""
        if self._kinds is None:
            return {}
        named = os.environ.get(VARIABLE, "")
        return {VARIABLE: ",".join(filter(None, [named, *self._kinds.modules()]))}

    def _startup_fault(self) -> str | None:
        """Why no worker could start: asked of a process that imports the kinds as they are now."""
        try:
            own = {"REDIS_URL": self._settings.redis_url.get_secret_value()}
            environment = os.environ | own | self._named_kinds()
        except CommandFailed as error:
            return str(error)
        command = [sys.executable, *self._command("kinds")]
        answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)  # noqa: S603  # our own
        if answer.returncode:
            return "the kinds cannot be imported; the lines above say why."
        # A kind may print while it is imported; the answer comes last.
        report = json.loads(answer.stdout.splitlines()[-1])
        self._changes.watch([Path(place) for place in report["places"]])
        return report["fault"]

    def _wait(self, ready: Callable[[], bool], trouble: str) -> None:
        deadline = time.monotonic() + START_WITHIN
        while not ready():
            if (name := self._processes.ended()) or time.monotonic() > deadline:
                where = f" Look into {self._logs}." if self._logs else ""
                raise StackFailed(f"{name or 'Start'}: {trouble}.{where}")
            time.sleep(0.1)

    def _redis_answers(self) -> bool:
        return asyncio.run(_answers(self._settings))


async def _answers(settings: Settings) -> bool:
    client = connect(settings, name="headrace-dev", reply_within=timedelta(seconds=1))
    try:
        async with answered():
            return bool(await client.ping())
    except StoreUnavailable:
        return False
    finally:
        await client.aclose()
