"""How far a warm-up is, counted from the rows that are there."""

from collections import Counter

from kinds.warmup import Counts
from kinds.warmup.report import counts
from kinds.warmup.rows import Row
from kinds.warmup.visitor import Visitor


class WarmupProgress:
    """Of one pass at a time."""

    def __init__(self, passes: int) -> None:
        self._passes = passes
        self._number = 0
        self._total = 0
        self._outcomes: Counter[str] = Counter()
        self._fraction = 0.0

    def next_pass(self) -> None:
        self._number += 1
        self._total = 0
        self._outcomes.clear()

    def expect(self, urls: int) -> None:
        """That many more are known."""
        self._total += urls

    def add(self, row: Row) -> None:
        self._outcomes[row.outcome] += 1

    @property
    def counts(self) -> Counts:
        return counts(self._outcomes, total=self._total)

    @property
    def fraction(self) -> float:
        """Of the whole job; it stands still while links are found faster than followed."""
        done = self._outcomes.total() / self._total if self._total else 0.0
        self._fraction = max(self._fraction, round((self._number - 1 + done) / self._passes, 4))
        return self._fraction

    @property
    def phase(self) -> str:
        return f"pass {self._number} of {self._passes}"

    def detail(self, visitor: Visitor) -> str:
        """`412 of 1000, 57 in flight; waiting 20 s as shop.example asks`."""
        far = f"{self._outcomes.total()} of {self._total}, {visitor.in_flight} in flight"
        pauses = (f"waiting {seconds:.0f} s as {host} asks" for host, seconds in visitor.pauses.items())
        return "; ".join([far, *list(pauses)[:3]])
