"""`make bench`: measures Headrace and its peers in one run, and writes docs/benchmarks.md and its plot."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from bench import panels, report, venvs
from bench.bench import Bench, open_bench, say
from bench.measures import (
    drain,
    growth,
    http,
    idle,
    latency,
    many_jobs,
    provider_bound,
    recovery,
    startup,
    streams,
    submit,
)
from bench.systems import ROOT, SYSTEMS, System

MEASURES = {
    "submit": submit,
    "http": http,
    "latency": latency,
    "drain": drain,
    "recovery": recovery,
    "idle": idle,
    "many_jobs": many_jobs,
    "growth": growth,
    "streams": streams,
    "startup": startup,
    "provider_bound": provider_bound,
}
QUICK = ("Headrace", "Celery, early ack", "Celery, acks_late", "arq")


def main(
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of each measure; 3, or 1 if quick.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help=f"A system or a measure ({', '.join(MEASURES)}); may be repeated.")
    ] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer systems, jobs and rounds: about five minutes.")] = False,
    out: Annotated[Path, typer.Option(help="Where benchmarks.md, .png and bench.json go.")] = ROOT / "docs",
) -> None:
    chosen = only or []
    unknown = set(chosen) - {system.name for system in SYSTEMS} - MEASURES.keys()
    if unknown:
        names = ", ".join([*MEASURES, *(f"'{system.name}'" for system in SYSTEMS)])
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {names}")
    systems = [system for system in SYSTEMS if not quick or system.name in QUICK]
    systems = [each for each in SYSTEMS if each.name in chosen] or systems
    measures = [name for name in MEASURES if name in chosen] or list(MEASURES)
    with open_bench(systems, rounds=rounds or (1 if quick else 3), quick=quick) as bench:
        versions = _prepare(systems)
        try:
            asyncio.run(_measure(bench, measures))
        finally:  # whatever goes wrong, what was measured until then is kept
            _write(bench, measures, versions, out)


def _write(bench: Bench, measures: list[str], versions: dict[str, str], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tables = [MEASURES[name].TABLE for name in measures]
    command = " ".join(["python -m bench", *sys.argv[1:]]) if sys.argv[1:] else "make bench"
    text = report.render(bench, tables, versions, command=command, plot="benchmarks.png")
    (out / "benchmarks.md").write_text(text)
    (out / "bench.json").write_text(report.as_json(bench, versions, command=command))
    panels.draw(bench.figures, out / "benchmarks.png")
    say(f"{out / 'benchmarks.md'} is written")


def _prepare(systems: list[System]) -> dict[str, str]:
    """Their versions; of one that cannot be installed, why."""
    versions: dict[str, str] = {}
    for system in systems:
        try:
            versions[system.name] = venvs.prepare(system)
        except venvs.NotInstalled as error:
            versions[system.name] = f"cannot be installed: {error}"
    return versions


async def _measure(bench: Bench, measures: list[str]) -> None:
    for name in measures:
        started = time.monotonic()
        say(f"{name}:")
        await MEASURES[name].measure(bench)
        say(f"{name} took {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    typer.run(main)
