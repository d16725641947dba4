"""Puts the same few faults to plain Celery, and prints what came of them as a Markdown table.

python -m tests.chaos.plain
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from tests.chaos.plain.faults import FAULTS
from tests.chaos.plain.stage import Acks, Stage

Fault = Callable[[Stage], Awaitable[str]]
ACKS: list[Acks] = ["late", "early"]


async def _put(fault: Fault, acks: Acks, folder: Path) -> str:
    async with Stage(folder / f"{fault.__name__}-{acks}", acks) as stage:
        return await fault(stage)


async def _print_table(folder: Path) -> None:
    _say(f"| Celery {version('celery')}, kombu {version('kombu')} | `acks_late=True` | early ack (the default) |")
    _say("|---|---|---|")
    for fault in FAULTS:
        came = await asyncio.gather(*(_put(fault, acks, folder) for acks in ACKS))
        _say(f"| {(fault.__doc__ or '').rstrip('.')} | {' | '.join(came)} |")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_print_table(Path(folder)))
