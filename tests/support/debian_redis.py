"""Debian's redis-server 7.0, which knows TLS and Sentinel; the embedded one has no TLS. `.ci/run` installs it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL

import pytest
import redis

from tests.support.processes import Process
from tests.support.waiting import wait_until


class DebianRedis(Process):
    """A redis-server with the options given; in `sentinel_mode`, a sentinel."""

    def __init__(self, folder: Path, options: str, *, sentinel: bool = False) -> None:
        program = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")
        if program is None:
            pytest.skip("redis-server of the system is not there: apt-get install redis-server")
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "redis.conf"
        configuration.write_text(f'dir {folder}\nsave ""\n{options}\n')
        self._command = [program, str(configuration), *(["--sentinel"] if sentinel else [])]
        self._folder = folder
        super().__init__(self._command, environment={}, log=folder / "redis.log")

    def restart(self) -> "DebianRedis":
        """The same again, with what it has written into its configuration."""
        self.end()
        super().__init__(self._command, environment={}, log=self._folder / "redis.log")
        return self

    def kill(self) -> None:
        """As a crash of the machine would: nothing is said to anybody."""
        self.signal_all(SIGCONT)
        self.signal_all(SIGKILL)
        self.end()


def answers(port: int) -> bool:
    with suppress(redis.RedisError), redis.Redis(port=port, socket_timeout=1, socket_connect_timeout=1) as client:
        return bool(client.ping())
    return False


async def until_answers(port: int) -> None:
    await wait_until(lambda: answers(port), within=15, what="redis-server answers")


class Authority:
    """A certificate authority of its own, and a certificate for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.certificate, self.key = folder / "ca.pem", folder / "redis.pem", folder / "redis.key"
        extensions = folder / "extensions"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        new = "openssl req -newkey rsa:2048 -nodes -subj"
        for command in (
            f"{new} /CN=tests -x509 -days 2 -keyout ca.key -out ca.pem",
            f"{new} /CN=localhost -keyout redis.key -out redis.csr",
            "openssl x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -days 2 -extfile extensions -out redis.pem",
        ):
            subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)  # noqa: S603  # our own

    @property
    def options(self) -> str:
        """Of a redis-server with this certificate, which asks its clients for one of the same authority."""
        return f"tls-cert-file {self.certificate}\ntls-key-file {self.key}\ntls-ca-cert-file {self.ca}"


NewRedis = Callable[..., DebianRedis]


def started(folder: Path) -> Iterator[NewRedis]:
    """Makes servers and ends them; for a fixture."""
    made: list[DebianRedis] = []

    def new(options: str, *, sentinel: bool = False) -> DebianRedis:
        made.append(DebianRedis(folder / f"redis-{len(made)}", options, sentinel=sentinel))
        return made[-1]

    yield new
    for server in made:
        server.kill()
