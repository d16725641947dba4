"""The links that the rows of one job keep."""

from collections.abc import Iterable

MAX_CHARACTERS = 16 * 1024 * 1024
"""Of all links of a job, together: they are saved with its rows, and a worker that takes the job over reads all rows at
once. Links beyond are not followed."""


class KnownLinks:
    """Each link is kept with the first page that has it, for most pages of a site have the same ones."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._room = MAX_CHARACTERS

    def new(self, links: Iterable[str]) -> list[str]:
        """Those that are not known yet, as long as there is room; then they are."""
        kept: list[str] = []
        for link in links:
            if link not in self._known and len(link) <= self._room:
                self._known.add(link)
                self._room -= len(link)
                kept.append(link)
        return kept
