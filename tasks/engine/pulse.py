"""Whether the thread of a child that keeps its leases still turns, seen from its parent."""

from multiprocessing.sharedctypes import RawValue


class Pulse:
    """Made before the children are forked, in memory that they share. Without a lock: a dead child would keep it."""

    def __init__(self, *, looks: int) -> None:
        """It has stopped when so many looks after each other see no beat."""
        self._beats = RawValue("Q", 0)
        self._seen = 0
        self._silent = 0
        self._looks = looks

    def beat(self) -> None:
        """In a child."""
        self._beats.value += 1

    def stopped(self) -> bool:
        """In the parent. By looks, not by a clock: the time for which all processes were stopped does not count."""
        beats = self._beats.value
        self._silent = self._silent + 1 if beats == self._seen else 0
        self._seen = beats
        return self._silent >= self._looks
