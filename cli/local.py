"""`headrace dev` and `headrace demo`: all of it on one machine."""

import signal
from typing import NoReturn

from rich.console import Console

from cli.demo import tell_story
from cli.stack import HOME, Ports, Stack


def run_dev(ports: Ports, console: Console) -> None:
    """Runs everything until Ctrl-C. Raises CommandFailed."""
    stack = Stack(ports)
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
        stack.watch()
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
