"""One system on a private, fresh Redis: its workers, its submitters, and what its tasks have noted."""

import asyncio
import json
import os
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any, Self, TypeVar, cast

import redis

from bench.machine import Process, complete_lines, free_port
from bench.submitter import Done, Order
from bench.systems import ROOT, System
from bench.task import NOTES
from cli.embedded_redis import EmbeddedRedis

T = TypeVar("T")

LOOK_EVERY = 0.005
"""Seconds between two looks at the notes."""
BOOT_WITHIN = 60.0


class DoesNotRun(Exception):
    """A system's worker or client ended, or did nothing in time; the message is its last words."""


@dataclass(frozen=True)
class Note:
    event: str
    title: str
    pid: int
    session: int
    at: float


class Family(Process):
    """A process and all that it has started, which stays in its session."""

    def members(self) -> list[int]:
        return [int(each.name) for each in Path("/proc").glob("[0-9]*") if _session(each) == self.pid]

    def signal_family(self, number: Signals) -> None:
        for pid in self.members():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self) -> None:
        while self.members():
            self.signal_family(SIGKILL)
            time.sleep(LOOK_EVERY)  # until they are gone
        self._process.wait()

    def memory(self) -> int:
        """Bytes: what it would free by ending. Pages that several processes share count once."""
        return sum(_proportional(pid) for pid in self.members())

    def child_memory(self) -> int:
        """The same of its own child processes alone."""
        return sum(_proportional(pid) for pid in self.children())

    def processor_seconds(self) -> float:
        """Processor time that those of its processes which still run have used."""
        return sum(_ticks(pid) for pid in self.members()) / os.sysconf("SC_CLK_TCK")


class Submitter:
    """A process of `bench.submitter`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def submit(self, count: int, *, first: int = 0, milliseconds: int = 0, at_once: int = 1) -> Done:
        assert self._process.stdin is not None
        order = Order(first=first, count=count, milliseconds=milliseconds, at_once=at_once)
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return cast("Done", json.loads(await self.answer()))

    async def answer(self) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise DoesNotRun("its client ended")
        return line

    async def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Lab:
    """`async with` starts Redis, and ends everything that was started."""

    def __init__(self, folder: Path, system: System, **environment: str) -> None:
        folder.mkdir(parents=True)
        self.system = system
        self._folder = folder
        self._notes = folder / "notes"
        self._notes.touch()
        self._redis = EmbeddedRedis(folder / "redis", port=free_port(), program=system.redis)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": self._redis.url,
            "RQ_REDIS_URL": self._redis.url,
            "DOCKET_URL": self._redis.url,
            "HEADRACE_PROVIDER": "offline",
            "HEADRACE_FILES_URL": f"file://{folder / 'files'}",
            NOTES: str(self._notes),
            **system.environment,
            **environment,
        }
        self.environment.pop("PORT", None)
        self._started: list[Family] = []
        self._submitters: list[Submitter] = []

    async def __aenter__(self) -> Self:
        try:
            self._redis.start()
        except (FileNotFoundError, RuntimeError) as error:
            raise DoesNotRun(f"its redis-server does not start: {error}") from None
        self.redis: Any = redis.Redis(port=self._redis.port, decode_responses=True)
        # Rewriting the file takes a core away from whoever is measured just then.
        self.redis.config_set("auto-aof-rewrite-percentage", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        for submitter in self._submitters:
            await submitter.end()
        for family in self._started:
            family.end()
        self.redis.close()
        self._redis.stop()

    # -- Processes ----------------------------------------------------------------------------------------------------

    def start(self, command: list[str], **environment: str) -> Family:
        log = self._folder / f"process-{len(self._started)}.log"
        family = Family(command, environment={**self.environment, **environment}, log=log, folder=self._folder)
        self._started.append(family)
        return family

    def start_worker(self) -> Family:
        return self.start(self.system.worker)

    async def ready_workers(self, submitter: Submitter, count: int = 1) -> list[Family]:
        """So many workers, each of which has done a task."""
        workers = [self.start_worker() for _ in range(count)]
        until = time.monotonic() + BOOT_WITHIN
        submitted = 0
        while not {worker.pid for worker in workers} <= {note.session for note in self.notes("end")}:
            if time.monotonic() > until:
                raise DoesNotRun(f"a worker does nothing: {_last_words(workers[-1].output())}")
            submitted += count
            await submitter.submit(count)
            await self.until(lambda least=submitted: self.count("end") >= least, of=workers[0])
        self.forget()
        return workers

    @asynccontextmanager
    async def submitter(self) -> AsyncGenerator[Submitter]:
        command = self.system.python("-m", "bench.submitter", self.system.client)
        with (self._folder / "submitter.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command, env=self.environment, cwd=self._folder, stdin=PIPE, stdout=PIPE, stderr=log
            )
        submitter = Submitter(process)
        self._submitters.append(submitter)
        try:
            await submitter.answer()
            yield submitter
        except DoesNotRun as error:
            raise DoesNotRun(f"{error}: {_last_words((self._folder / 'submitter.log').read_text())}") from None
        finally:
            self._submitters.remove(submitter)
            await submitter.end()

    # -- What happened ------------------------------------------------------------------------------------------------

    def notes(self, event: str) -> list[Note]:
        lines = (line.split() for line in complete_lines(self._notes))
        notes = (Note(word, title, int(pid), int(sid), float(at)) for word, title, pid, sid, at in lines)
        return [note for note in notes if note.event == event]

    def count(self, event: str) -> int:
        return self._notes.read_bytes().count(event.encode())

    def forget(self) -> None:
        """Starts the notes anew. Those who have them open go on appending."""
        os.truncate(self._notes, 0)

    async def until(self, true: Callable[[], bool], *, of: Family, within: float = BOOT_WITHIN) -> None:
        """Raises DoesNotRun with the last words of `of`, when it ends or takes longer."""
        if not await self.seconds_until(lambda: true() or of.exit_code is not None, within):
            raise DoesNotRun(f"not within {within:.0f} s: {_last_words(of.output())}")
        if not true():
            raise DoesNotRun(_last_words(of.output()))

    async def expect(self, true: Callable[[], bool], *, what: str, within: float = BOOT_WITHIN) -> None:
        """Raises DoesNotRun when it takes longer."""
        if await self.seconds_until(true, within) is None:
            raise DoesNotRun(f"not within {within:.0f} s: {what}")

    def runner(self, note: Note) -> Family:
        """Whose note that is."""
        return next(family for family in self._started if family.pid == note.session)

    def memory(self) -> int:
        """Bytes that Redis uses."""
        return int(self.redis.info("memory")["used_memory"])

    async def seconds_until(self, true: Callable[[], T], within: float) -> float | None:
        """None when it takes longer. Never 0."""
        started = time.perf_counter()
        while not true():
            if time.perf_counter() - started > within:
                return None
            await asyncio.sleep(LOOK_EVERY)  # poll
        return max(time.perf_counter() - started, 1e-9)


def _session(process: Path) -> int | None:
    """The session of a process of /proc; None when it has ended, seen by its parent or not."""
    try:
        state, _, _, session, *_ = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(session)


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _ticks(pid: int) -> int:
    try:
        of_user, of_system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(of_user) + int(of_system)


def _last_words(text: str) -> str:
    lines = [words for line in text.splitlines() if (words := line.strip(" |+-"))]
    return lines[-1][:200] if lines else "it said nothing"
