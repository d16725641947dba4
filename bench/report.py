"""docs/benchmarks.md and docs/bench.json, from the figures of one run."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.bench import Bench, Column, Figures, Table
from bench.systems import CELERY
from bench.targets import TARGETS

SYSTEMS = (
    "A worker is what its library starts as one, with the library's own settings unless the table says otherwise; "
    "each runs on a private redis-server (append-only file, `noeviction`; 6.2 unless the table says otherwise) that "
    "nothing else uses. All run the same task, which notes its start and its end in a file.\n"
)

WHY = "What is not met, and what it would cost: [decision 14](decisions/0014-what-a-job-costs-over-a-task.md).\n"


def render(bench: Bench, tables: Sequence[Table], versions: Mapping[str, str], *, command: str, plot: str) -> str:
    figures = bench.figures
    parts = ["# Benchmarks\n", _run(bench, command), _machine(), f"![The main figures]({plot})\n"]
    parts += ["## Asked and measured\n", _targets(figures), WHY]
    parts += ["## Systems\n", SYSTEMS, _systems(bench, versions)]
    for table in tables:
        body = _table(figures, table)
        if body:
            parts += [f"## {table.title}\n", f"{table.words}\n", body]
    return "\n".join(parts)


def as_json(bench: Bench, versions: Mapping[str, str], *, command: str) -> str:
    """The same for programs: every value of every round."""
    figures = bench.figures
    whole: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "rounds": bench.rounds,
        "machine": _machine().strip(),
        "versions": versions,
        "figures": [
            {"system": name, "figure": figure, "values": values} for (name, figure), values in figures.values.items()
        ],
        "targets": [
            {"asked": target.asked, "measured": measured, "met": None if measured is None else target.met(measured)}
            for target in TARGETS
            for measured in [target.measured(figures)]
        ],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _run(bench: Bench, command: str) -> str:
    return (
        f"Measured {datetime.now(UTC):%d %B %Y} by `{command}`, every system in one run on one machine. Each figure is "
        f"the median of {bench.rounds} round{'s'[: bench.rounds > 1]} with the least and the most in brackets; figures "
        "without brackets were taken once. *x Celery* is the ratio to plain Celery with early ack: round by round, "
        "and their median.\n"
    )


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}, Python "
        f"{platform.python_version()}; load average at the end {load}.\n"
    )


def _targets(figures: Figures) -> str:
    rows: list[list[str]] = []
    for target in TARGETS:
        measured = target.measured(figures)
        met = "not measured in this run" if measured is None else "yes" if target.met(measured) else "**no**"
        rows.append([target.asked, "" if measured is None else f"{measured:.2f}", met])
    return _markdown(["asked", "measured", "met"], rows)


def _systems(bench: Bench, versions: Mapping[str, str]) -> str:
    rows = [
        [each.name, f"{each.library} {versions[each.name]}", each.settings + _fault(bench.figures, each.name)]
        for each in bench.systems
    ]
    return _markdown(["system", "version", "a worker runs at a time"], rows)


def _fault(figures: Figures, name: str) -> str:
    return f". **Does not run here:** {figures.faults[name]}" if name in figures.faults else ""


def _table(figures: Figures, table: Table) -> str:
    wanted = {column.figure for column in table.columns}
    found = {name for name, figure in [*figures.values, *figures.words] if figure in wanted}
    names = [name for name in figures.names() if name in found]
    head = ["", *(heading for column in table.columns for heading in _headings(column))]
    rows = [[name, *(cell for column in table.columns for cell in _cells(figures, name, column))] for name in names]
    return _markdown(head, rows) if rows else ""


def _headings(column: Column) -> list[str]:
    return [column.heading, "x Celery"] if column.ratio else [column.heading]


def _cells(figures: Figures, name: str, column: Column) -> list[str]:
    cells = [cell(figures.of(name, column.figure), figures.words.get((name, column.figure), ""), column.digits)]
    if column.ratio:
        ratio = figures.ratio((name, column.figure), (CELERY.name, column.figure))
        cells.append("" if ratio is None else f"{ratio:.2f}")
    return cells


def cell(values: Sequence[float], words: str, digits: int) -> str:
    """The median, with the least and the most where there are several; and the words."""
    if not values:
        return words
    told = f"{median(values):,.{digits}f}"
    if len(values) > 1:
        told += f" ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
    return f"{told}; {words}" if words else told


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(one.replace('|', '/') for one in line)} |\n" for line in lines)
