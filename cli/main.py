"""`headrace`: run it all on one machine, try it, and look after it."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.doctor import examine, examine_copy
from cli.drain import drain_queue
from cli.errors import BadSettings, CommandFailed
from cli.new_kind import write_package
from cli.reading import read_duration
from jobs.kind import InvalidKind

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console()
errors = Console(stderr=True)

ApiPort = Annotated[int, typer.Option("--api-port", envvar="PORT", help="Port of the API on this machine.")]
FlowerPort = Annotated[int, typer.Option("--flower-port", help="Port of Flower on this machine.")]
RedisPort = Annotated[int, typer.Option("--redis-port", help="Port of the embedded Redis; unused with REDIS_URL.")]


def run() -> None:
    """The entry point of the `headrace` command: errors are one line, Ctrl-C is quiet."""
    try:
        app()
    except CommandFailed as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except InvalidKind as error:
        _say(str(error))
        sys.exit(BadSettings.exit_code)
    except ModuleNotFoundError as error:
        _say(
            f"{error.name} is not installed here. An image has the libraries of its own role only;"
            " `drain` needs the extra `worker`, `dev` and `demo` need all."
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def dev(
    kinds: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of modules with a KIND, added to those installed."),
    ] = None,
    api_port: ApiPort = 8000,
    flower_port: FlowerPort = 5555,
    redis_port: RedisPort = 6390,
) -> None:
    """Run API, one worker, Flower and, unless REDIS_URL is set, an embedded Redis, until Ctrl-C.

    API and worker are started anew when a file of a kind changes; a running job is handed back, and goes on from its
    last saved step.
    """
    from cli.local import run_dev  # noqa: PLC0415  # its libraries are not in the images, see `run`
    from cli.stack import Ports  # noqa: PLC0415

    run_dev(Ports(api=api_port, flower=flower_port, redis=redis_port), console, kinds=kinds)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Of the kind and its package: podcast, weekly_news.")],
    folder: Annotated[Path | None, typer.Option(help="Where to write it; by default a folder of that name.")] = None,
) -> None:
    """Write a package with a kind of your own and its test; docs/kinds.md is the guide."""
    folder = folder or Path(name)
    for path in write_package(name, folder):
        console.print(str(path), highlight=False, markup=False, soft_wrap=True)
    console.print(f"\nTry it: cd {folder} && headrace dev --kinds .", highlight=False, markup=False, soft_wrap=True)


@app.command()
def demo(
    title: Annotated[str, typer.Option(help="Title on the cover.")] = "My Story",
    prompt: Annotated[str, typer.Option(help="What the story is about.")] = "A magical adventure",
    pages: Annotated[int, typer.Option(help="Pages, each with a picture.", min=4, max=12)] = 6,
    api_port: ApiPort = 8000,
    redis_port: RedisPort = 6390,
) -> None:
    """Make a picture book through the REST API; start what is not running, and stop that again."""
    from cli.local import run_demo  # noqa: PLC0415  # as above
    from cli.stack import Ports  # noqa: PLC0415

    run_demo({"title": title, "prompt": prompt, "pages": pages}, Ports(api=api_port, redis=redis_port), console)


@app.command()
def drain(
    max_runtime: Annotated[
        timedelta, typer.Option(parser=read_duration, metavar="TIME", help="Stop after this, at the latest.")
    ] = "300",  # pyright: ignore[reportArgumentType]  # parsed as if it had been typed
    empty_queue_timeout: Annotated[
        timedelta, typer.Option(parser=read_duration, metavar="TIME", help="Stop once nothing was to do for this long.")
    ] = "60",  # pyright: ignore[reportArgumentType]
    redis_timeout: Annotated[
        timedelta, typer.Option(parser=read_duration, metavar="TIME", help="Give up after this long without Redis.")
    ] = "120",  # pyright: ignore[reportArgumentType]
) -> None:
    """Run one worker that works through what is queued, and exits: for a Cloud Run Job or a cron job.

    TIME is seconds, or has a unit: 300, 90s, 5m, 1h. On SIGTERM, Ctrl-C and at --max-runtime the job that runs has a
    moment to finish, and is then handed back for another worker, with its finished steps kept.

    The exit code is 0 when the queue is empty, at --max-runtime and when told to stop, also if jobs have failed: those
    are in the summary. It is 1 when Redis stays away or the worker breaks down, 2 for bad options or settings.

    The summary is one line of JSON on standard output: processed, failed, success_rate, runtime (seconds), waiting,
    exit_reason (queue_empty, max_runtime, stopped, redis_away, worker_broken). Logs go to standard error.
    """
    raise typer.Exit(
        drain_queue(max_runtime=max_runtime, empty_queue_timeout=empty_queue_timeout, redis_timeout=redis_timeout)
    )


@app.command()
def doctor(
    job: Annotated[str | None, typer.Argument(help="Id of a job; without it, the whole fleet is looked at.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,  # noqa: FBT002  # a flag
    restored: Annotated[
        datetime | None,
        typer.Option(
            help="Redis was restored from a copy of this time, UTC: say of each job what is gone or repeated.",
            formats=["%Y-%m-%dT%H:%M:%S"],
        ),
    ] = None,
) -> None:
    """Say what is stuck and why: queues, workers, leases, retries and settings of Redis; or the story of one job.

    The exit code is 0 when all is well, 1 when something is wrong (a job that has failed is), 2 for bad usage.
    """
    if restored is None:
        raise typer.Exit(examine(job, as_json=as_json))
    if job is not None:
        raise typer.BadParameter("--restored looks at all jobs; leave the job out.")
    raise typer.Exit(examine_copy(restored.replace(tzinfo=UTC), as_json=as_json))


def _say(trouble: str) -> None:
    errors.print(f"headrace: {trouble}", style="red", highlight=False, markup=False, soft_wrap=True)
