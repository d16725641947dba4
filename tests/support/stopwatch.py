"""How long something took, on a machine that may be busy with other things."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

_PRESSURE = Path("/proc/pressure/cpu")


@dataclass(frozen=True)
class Took:
    """Seconds; `net` ones are without those in which something waited for a core.

    A bound on `net` is as tight as it reads where cores are free, and holds where they are not.
    """

    seconds: float
    net: float

    def each(self, count: int) -> "Took":
        """Of so many things that were done one after another."""
        return Took(self.seconds / count, self.net / count)


class Stopwatch:
    """Runs from the moment it is made."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._starved = _starved()

    @property
    def took(self) -> Took:
        """Until now."""
        seconds = time.monotonic() - self._started
        return Took(seconds, max(0.0, seconds - (_starved() - self._starved)))


def _starved() -> float:
    """Seconds since boot in which at least one task was ready to run and had no core.

    Linux counts them (pressure stall information). Where it does not, none are taken off, and bounds are for a machine
    that has nothing else to do.
    """
    try:
        some = _PRESSURE.read_text()
    except OSError:
        return 0.0
    total = re.search(r"^some .*total=(\d+)", some)
    return int(total[1]) / 1e6 if total else 0.0
