"""One GET, through the guard: no redirects, no cookies, no proxies, and an end to everything."""

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO

import httpcore2
import structlog
from httpx2 import URL

from kinds.warmup.outbound import Outbound, Refused

log = structlog.stdlib.get_logger("headrace.warmup")

MAX_IN_FLIGHT = 256
"""Requests of one job, to all hosts."""
MAX_BODY = 64 * 1024 * 1024
"""Bytes of a body that are read; the rest is not waited for."""


class NoAnswer(Exception):
    """No whole answer. `reason` is `timeout`, `connection`, `protocol` or `too_many_redirects`."""

    def __init__(self, reason: str, detail: str, *, tries: int = 0) -> None:
        super().__init__(detail)
        self.reason = reason
        self.tries = tries


Keep = Callable[[Mapping[str, str]], int]
"""From the headers of an answer to how many bytes of its body are kept."""


def nothing(_: Mapping[str, str]) -> int:
    return 0


class TooLarge(Exception):
    """More bytes than were asked to be kept."""


@dataclass(frozen=True)
class Answer:
    url: URL
    status: int
    headers: Mapping[str, str]
    """Lower case names; of several of one name, their values with commas between."""
    body: bytes
    """Its first bytes, as many as were to be kept, as sent."""
    size: int
    """Bytes read in all."""
    first_byte: float
    """Seconds from the request to the head of the answer."""
    seconds: float
    """Seconds from the request to the last byte."""
    tries: int = 1

    def content(self, limit: int) -> bytes:
        """The body without its compression. Raises TooLarge beyond `limit` bytes, ValueError when it is damaged."""
        content = self.body
        for _ in range(2):  # a .gz file that is sent compressed
            if content[:2] != b"\x1f\x8b":
                break
            try:
                with gzip.GzipFile(fileobj=BytesIO(content)) as packed:
                    content = packed.read(limit + 1)
            except (OSError, EOFError, zlib.error) as error:
                raise ValueError(f"damaged gzip: {error}") from error
        if len(content) > limit:
            raise TooLarge(f"more than {limit} bytes")
        return content


class Client:
    """Keeps connections open, each for the host that it was made to."""

    def __init__(self, outbound: Outbound, *, user_agent: str, seconds: float) -> None:
        self._seconds = seconds
        self._headers = [
            ("User-Agent", user_agent),
            ("Accept", "*/*"),
            ("Accept-Encoding", "gzip"),  # caches keep such copies for browsers, and we can read them
        ]
        self._pool = httpcore2.AsyncConnectionPool(
            max_connections=MAX_IN_FLIGHT, keepalive_expiry=15, network_backend=outbound
        )

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def get(self, url: URL, *, keep: Keep = nothing) -> Answer:
        """The answer, with as many of the first bytes of its body as `keep` says. Raises NoAnswer, Refused."""
        started = time.monotonic()
        async with self._failures(), asyncio.timeout(self._seconds), self._open(url) as response:
            first_byte = time.monotonic() - started
            headers = _headers(response)
            most = keep(headers)
            body, size = bytearray(), 0
            async for chunk in response.aiter_stream():
                body += chunk[: max(0, most - len(body))]
                size += len(chunk)
                if size >= MAX_BODY:
                    break
            return Answer(
                url, response.status, headers, bytes(body), size, first_byte, seconds=time.monotonic() - started
            )

    @asynccontextmanager
    async def _open(self, url: URL) -> AsyncGenerator[httpcore2.Response]:
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = [("Host", url.netloc.decode("ascii")), *self._headers]
        async with self._pool.stream("GET", target, headers=headers) as response:
            yield response

    @asynccontextmanager
    async def _failures(self) -> AsyncGenerator[None]:
        try:
            yield
        except (TimeoutError, httpcore2.TimeoutException):
            raise NoAnswer("timeout", f"no whole answer within {self._seconds:g} s") from None
        except httpcore2.NetworkError as error:
            raise NoAnswer("connection", str(error) or "the connection broke") from error
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
            raise NoAnswer("protocol", str(error) or "no HTTP") from error
        except Refused:
            raise
        except Exception as error:
            # Whatever one host of many sends, it must not end the job.
            log.exception("request failed in an unknown way")
            raise NoAnswer("protocol", f"the request failed: {type(error).__name__}") from error


def _headers(response: httpcore2.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
