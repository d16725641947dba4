"""What Redis has done and holds by now, and what that is between two moments."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    at: float
    memory: int
    cpu: float
    commands: Counter[str]

    @classmethod
    def take(cls, client: Any) -> "Sample":  # noqa: ANN401  # redis-py answers with untyped dicts
        info = client.info()
        calls = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in client.info("commandstats").items()}
        cpu = info["used_cpu_sys"] + info["used_cpu_user"]
        return cls(time.monotonic(), info["used_memory"], cpu, Counter(calls))

    def until(self, later: "Sample") -> tuple[float, int, float, Counter[str]]:
        """Seconds, bytes, processor seconds and commands between the two."""
        commands = later.commands.copy()
        commands.subtract(self.commands)
        commands -= Counter({"info": 10})
        return later.at - self.at, later.memory - self.memory, later.cpu - self.cpu, commands
