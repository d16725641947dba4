"""One run of the bench: what is measured, how thoroughly, and the figures that come of it."""

import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median

from bench.lab import DoesNotRun, Lab
from bench.systems import SYSTEMS, System


@dataclass
class Figures:
    """What was measured, by system and figure: a value a round, or why there is none."""

    values: dict[tuple[str, str], list[float]] = field(default_factory=dict[tuple[str, str], list[float]])
    words: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    faults: dict[str, str] = field(default_factory=dict[str, str])
    """Why a system does not run."""

    def names(self) -> list[str]:
        """Everything that has figures: the systems in their order, then the rest as it came."""
        order = [system.name for system in SYSTEMS]
        names = dict.fromkeys(name for name, _ in [*self.values, *self.words])
        return sorted(names, key=lambda name: order.index(name) if name in order else len(order))

    def of(self, system: str, figure: str) -> list[float]:
        return self.values.get((system, figure), [])

    def middle(self, system: str, figure: str) -> float | None:
        values = self.of(system, figure)
        return median(values) if values else None

    def ratio(self, of: tuple[str, str], to: tuple[str, str]) -> float | None:
        """Of one figure to another. Round by round where both have as many: a slow minute was slow for both."""
        ours, theirs = self.of(*of), self.of(*to)
        if not ours or not theirs:
            return None
        if len(ours) == len(theirs):
            return median(our / their for our, their in zip(ours, theirs, strict=True))
        return median(ours) / median(theirs)


@dataclass(frozen=True)
class Column:
    figure: str
    heading: str
    digits: int = 0
    ratio: bool = False
    """Told as a multiple of plain Celery's as well."""


@dataclass(frozen=True)
class Table:
    """How a measure's figures are shown; a row for each system that has any."""

    title: str
    words: str
    columns: Sequence[Column]


@dataclass
class Bench:
    systems: Sequence[System]
    rounds: int
    quick: bool
    folder: Path
    figures: Figures = field(default_factory=Figures)
    _labs: "count[int]" = field(default_factory=count)

    def lab(self, system: System, **environment: str) -> Lab:
        return Lab(self.folder / f"lab-{next(self._labs)}", system, **environment)

    def record(self, system: str, figure: str, value: float) -> None:
        self.figures.values.setdefault((system, figure), []).append(value)
        say(f"  {system:<20} {figure:<24} {value:.4g}")

    def tell(self, system: str, figure: str, words: str) -> None:
        """In place of, or beside, a value."""
        self.figures.words[system, figure] = words
        say(f"  {system:<20} {figure:<24} {words}")

    @contextmanager
    def excused(self, system: System, figure: str) -> Generator[None]:
        """A system that does not run is in the table all the same, and the others are measured."""
        try:
            yield
        except DoesNotRun as error:
            self.figures.faults[system.name] = str(error)
            self.tell(system.name, figure, "does not run here")


@contextmanager
def open_bench(systems: Sequence[System], *, rounds: int, quick: bool) -> Generator[Bench]:
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        yield Bench(systems, rounds, quick, Path(folder))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
