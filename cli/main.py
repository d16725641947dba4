"""`headrace`: run it all on one machine, and try it."""

import signal
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from cli.demo import tell_story
from cli.processes import PortTaken
from cli.stack import HOME, Ports, Stack, StackFailed

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console()
errors = Console(stderr=True)

ApiPort = Annotated[int, typer.Option("--api-port", envvar="PORT", help="Port of the API on this machine.")]
FlowerPort = Annotated[int, typer.Option("--flower-port", help="Port of Flower on this machine.")]
RedisPort = Annotated[int, typer.Option("--redis-port", help="Port of the embedded Redis; unused with REDIS_URL.")]


def run() -> None:
    """The entry point of the `headrace` command: errors are one line, Ctrl-C is quiet."""
    # A platform stops us with SIGTERM; that ends the same way as Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except (StackFailed, PortTaken) as error:
        errors.print(f"headrace: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def dev(api_port: ApiPort = 8000, flower_port: FlowerPort = 5555, redis_port: RedisPort = 6390) -> None:
    """Run API, one worker, Flower and, unless REDIS_URL is set, an embedded Redis, until Ctrl-C."""
    stack = Stack(Ports(api=api_port, flower=flower_port, redis=redis_port))
    try:
        stack.start_redis()
        stack.start_api()
        stack.start_worker()
        stack.start_flower()
        stack.until_ready()
        console.print(
            f"\n[bold]Headrace is up.[/bold]  API {stack.api_url}  docs {stack.api_url}/docs", highlight=False
        )
        console.print(f"Flower http://127.0.0.1:{flower_port}  Ctrl-C stops everything.\n", highlight=False)
        stack.watch()
    except KeyboardInterrupt:
        console.print("\nStopping.")
    finally:
        stack.close()


@app.command()
def demo(
    title: Annotated[str, typer.Option(help="Title on the cover.")] = "My Story",
    prompt: Annotated[str, typer.Option(help="What the story is about.")] = "A magical adventure",
    pages: Annotated[int, typer.Option(help="Pages, each with a picture.", min=4, max=12)] = 6,
    api_port: ApiPort = 8000,
    redis_port: RedisPort = 6390,
) -> None:
    """Make a picture book through the REST API; start what is not running, and stop that again."""
    stack = Stack(Ports(api=api_port, redis=redis_port), logs=HOME / "logs")
    try:
        with console.status("Starting what is not running ..."):
            if not stack.api_runs():
                stack.start_redis()
                stack.start_api()
                stack.start_worker()
            elif not stack.has_worker():
                stack.start_worker()
            stack.until_ready()
        tell_story(stack, {"title": title, "prompt": prompt, "pages": pages}, console)
    finally:
        stack.close()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
