"""Queues that are served in turn: of equally urgent jobs, not always that of the same queue comes first."""

from collections.abc import Callable, Sequence


class Turn:
    """`queues` are those that the worker consumes by now."""

    def __init__(self, queues: Callable[[], Sequence[str]]) -> None:
        self._queues = queues
        self._served = ""

    def order(self) -> list[str]:
        """The queues, from the one after that which was served last."""
        queues = list(self._queues())
        first = queues.index(self._served) + 1 if self._served in queues else 0
        return [*queues[first:], *queues[:first]]

    def serve(self, queue: str) -> None:
        """Next time another comes first."""
        self._served = queue
