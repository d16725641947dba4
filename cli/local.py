"""`headrace dev` and `headrace demo`: all of it on one machine."""

import signal
import time
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from cli.demo import tell_story
from cli.kinds_folder import KindsFolder
from cli.stack import HOME, Ports, Stack

LOOK_EVERY = 0.5
"""Seconds between two looks at the processes and at the kinds' files."""


def run_dev(ports: Ports, console: Console, *, kinds: Path | None = None) -> None:
    """Runs everything until Ctrl-C, with the kinds of that folder as well. Raises CommandFailed."""
    stack = Stack(ports, kinds=KindsFolder(kinds) if kinds else None)
    _heed_signals()
    try:
        stack.start_redis()
        stack.start_api()
        stack.start_worker()
        stack.start_flower()
        stack.until_ready()
        console.print(
            f"\n[bold]Headrace is up.[/bold]  API {stack.api_url}  docs {stack.api_url}/docs", highlight=False
        )
        console.print(f"Flower http://127.0.0.1:{ports.flower}  Ctrl-C stops everything.\n", highlight=False)
        _watch(stack, console)
    except KeyboardInterrupt:
        console.print("\nStopping.")
    finally:
        _close(stack)


def run_demo(story: dict[str, str | int], ports: Ports, console: Console) -> None:
    """Makes one story with what runs, or is started for it. Raises CommandFailed."""
    stack = Stack(ports, logs=HOME / "logs")
    _heed_signals()
    try:
        with console.status("Starting what is not running ..."):
            if not stack.api_runs():
                stack.start_redis()
                stack.start_api()
                stack.start_worker()
            elif not stack.has_worker():
                stack.start_worker()
            stack.until_ready()
        tell_story(stack, story, console)
    finally:
        _close(stack)


def _watch(stack: Stack, console: Console) -> None:
    """Reloads the kinds as their files change. Raises StackFailed when a process has ended by itself."""
    while True:
        stack.require_all()
        if changed := stack.changed():
            _reload(stack, changed, console)
        time.sleep(LOOK_EVERY)


def _reload(stack: Stack, changed: list[Path], console: Console) -> None:
    names = ", ".join(sorted({path.name for path in changed}))
    if why := stack.reload():
        trouble = f"headrace: {names} changed, and what runs is left as it was: {why}"
        console.print(trouble, style="red", highlight=False, markup=False, soft_wrap=True)
        return
    stack.until_ready()
    console.print(f"{names} changed: API and worker run with it.", highlight=False, markup=False)


def _heed_signals() -> None:
    """A platform stops us with SIGTERM, a terminal that closes with SIGHUP; both end the same way as Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _close(stack: Stack) -> None:
    """Undisturbed: whoever is impatient with Ctrl-C would leave processes behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stack.close()
