"""A process that submits stories through a system's own library, as it is told on its standard input.

`python -m bench.submitter MODULE`, the module having `client()` as in `bench.peers`. Each line of input is an order as
JSON; each is answered by one line when it is done.
"""

import asyncio
import importlib
import inspect
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypedDict

from bench.task import Story, story


class Order(TypedDict):
    """So many stories, titled by the numbers from `first` on, each taking so long."""

    first: int
    count: int
    milliseconds: int
    at_once: int
    """How many calls are under way together, where the library's call can be awaited."""


class Done(TypedDict):
    seconds: float
    began: float
    """By the clock that `bench.task` notes, s."""


Submit = Callable[[Story], Any]


async def main(module: str) -> None:
    async with importlib.import_module(module).client() as submit:
        _say("ready")
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            _say(json.dumps(await _carry_out(json.loads(line), submit)))


async def _carry_out(order: Order, submit: Submit) -> Done:
    stories = [story(str(order["first"] + number), order["milliseconds"]) for number in range(order["count"])]
    began, started = time.time(), time.perf_counter()
    if inspect.iscoroutinefunction(submit):
        waiting = iter(stories)
        await asyncio.gather(*(_one_after_another(waiting, submit) for _ in range(order["at_once"])))
    else:
        for each in stories:
            submit(each)
    return Done(seconds=time.perf_counter() - started, began=began)


async def _one_after_another(waiting: Iterator[Story], submit: Submit) -> None:
    for each in waiting:
        await submit(each)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
