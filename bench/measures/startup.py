"""How long an API process takes to start, and which imports take most of that and of a worker's start."""

import re

from bench.bench import Bench, Column, Table
from bench.measures.http import EMPTY, REFERENCES, seconds_to_ready
from bench.systems import HEADRACE

API, IMPORTS = "API ready", "slowest imports"
TABLE = Table(
    "Start-up",
    "Seconds from the start of the process to the first answer over HTTP; and the ten modules whose own code takes "
    "longest to import, ms (`-X importtime`, which slows it all down).",
    [Column(API, "API ready, s", 2), Column(IMPORTS, "imports")],
)
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (.+)")
WORST = 10


async def measure(bench: Bench) -> None:
    for _ in range(bench.rounds):
        for route in REFERENCES:
            if route.name in {HEADRACE.name, EMPTY}:
                async with bench.lab(route.system, **route.environment) as lab:
                    bench.record(route.name, API, await seconds_to_ready(lab, route))
    for program, module in (("API", "api.app"), ("worker", "bench.headrace.worker")):
        bench.tell(program, IMPORTS, await _worst_imports(bench, module))


async def _worst_imports(bench: Bench, module: str) -> str:
    """The modules whose own code takes longest to import, what they import themselves left out."""
    async with bench.lab(HEADRACE) as lab:
        process = lab.start(HEADRACE.python("-X", "importtime", "-c", f"import {module}"))
        await lab.until(lambda: process.exit_code is not None, of=process)
        found = _LINE.findall(process.output())
    total = sum(int(own) for own, _, _ in found)
    worst = sorted(found, key=lambda line: -int(line[0]))[:WORST]
    named = ", ".join(f"`{name.strip()}` {int(own) / 1000:.0f}" for own, _, name in worst)
    return f"{total / 1000:.0f} ms in all; by themselves: {named}"
