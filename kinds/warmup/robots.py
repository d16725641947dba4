"""What a host's robots.txt allows (RFC 9309)."""

from http import HTTPStatus

from protego import Protego

from kinds.warmup.client import Answer

MAX_BYTES = 512 * 1024
"""Of a robots.txt that are read; the RFC asks for 500 KiB at least."""
LONGEST_DELAY = 30.0
"""Seconds between two requests that a Crawl-delay may ask for; a longer one counts as this."""


class Robots:
    """The rules for one user agent. Without `text`, everything is allowed."""

    def __init__(self, text: str = "", *, user_agent: str) -> None:
        self._rules = Protego.parse(text)
        self._user_agent = user_agent.partition("/")[0].strip()

    @classmethod
    def of(cls, answer: Answer, *, user_agent: str) -> "Robots":
        """From the answer for /robots.txt: one that is not there (4xx) allows all. Raises ValueError, TooLarge."""
        if answer.status >= HTTPStatus.BAD_REQUEST:
            return cls(user_agent=user_agent)
        text = answer.content(8 * MAX_BYTES).decode("utf-8", errors="replace")
        return cls(text, user_agent=user_agent)

    def allow(self, url: str) -> bool:
        return self._rules.can_fetch(url, self._user_agent)

    @property
    def delay(self) -> float:
        """Seconds between two requests."""
        return min(float(self._rules.crawl_delay(self._user_agent) or 0), LONGEST_DELAY)
