"""How fast one process submits through the system's library."""

from bench.bench import Bench, Column, Table

ONE, MANY = "submit", "submit, 32 at once"
TABLE = Table(
    "Submit from Python",
    "Calls a second from one process, one after another; then with 32 calls under way, where a call can be awaited. "
    "Headrace: `JobStore.create`.",
    [Column(ONE, "one at a time, /s", ratio=True), Column(MANY, "32 at once, /s")],
)
AWAITABLE = {"Headrace", "arq", "saq", "taskiq", "streaq", "docket"}


async def measure(bench: Bench) -> None:
    count = 500 if bench.quick else 1000
    for _ in range(bench.rounds):
        for system in bench.systems:
            with bench.excused(system, ONE):
                async with bench.lab(system) as lab, lab.submitter() as submitter:
                    await submitter.submit(100)  # connections, scripts
                    done = await submitter.submit(count)
                    bench.record(system.name, ONE, count / done["seconds"])
                    if system.name in AWAITABLE:
                        done = await submitter.submit(count, at_once=32)
                        bench.record(system.name, MANY, count / done["seconds"])
