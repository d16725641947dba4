"""What the plot shows, and drawing it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench import venvs
from bench.bench import Figures
from bench.measures import drain, idle, latency, provider_bound, recovery, submit
from bench.systems import PEERS, ROOT


@dataclass(frozen=True)
class Panel:
    title: str
    figure: str
    digits: int = 0
    log: bool = False


PANELS = [
    Panel("Submit from Python, calls/s (more is better)", submit.ONE),
    Panel("POST, 32 clients, requests/s (more is better)", "POST, 32"),
    Panel("Dispatch, p50, ms (less is better)", latency.P50, digits=1, log=True),
    Panel("No-op jobs/s, one worker (more is better)", drain.RATE),
    Panel("Runs again after SIGKILL, s (less is better)", recovery.KILLED, digits=1),
    Panel("Calls of 2.5 s a minute (more is better)", provider_bound.RATE, log=True),
    Panel("Idle worker, MiB (less is better)", idle.MEMORY),
    Panel("Idle worker, Redis commands/s (less is better)", idle.COMMANDS, digits=1),
    Panel("Redis, bytes per queued job (less is better)", drain.QUEUED),
]


def draw(figures: Figures, path: Path) -> None:
    """Nothing when there is nothing to show. Raises NotInstalled when there is no matplotlib to be had."""
    bars = [_bars(figures, panel) for panel in PANELS]
    panels = [panel for panel in bars if panel["bars"]]
    if not panels:
        return
    python = venvs.build("plot", PEERS.parent / "plot.txt") / "bin" / "python"
    command, given = [str(python), "-m", "bench.plot", str(path)], json.dumps(panels)
    subprocess.run(command, input=given, text=True, check=True, cwd=ROOT)  # noqa: S603  # our own


def _bars(figures: Figures, panel: Panel) -> dict[str, object]:
    bars: list[dict[str, object]] = []
    for name in figures.names():
        if (name, panel.figure) not in figures.values.keys() | figures.words.keys():
            continue
        value = figures.middle(name, panel.figure)
        words = figures.words.get((name, panel.figure), "") if value is None else f"{value:,.{panel.digits}f}"
        bars.append({"name": name, "value": value, "words": words})
    return {"title": panel.title, "log": panel.log, "bars": bars}
