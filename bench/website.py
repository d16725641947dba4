"""A web site on the loopback interface, with a log of what it was asked."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True)
class Reply:
    body: bytes = b"<p>fine</p>"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    """Seconds before the first byte."""
    until: asyncio.Event | None = None
    """Nothing is answered before it is set."""
    drip: float = 0.0
    """Seconds before every byte of the body."""
    hang_up: bool = False
    """Closes the connection instead of answering."""


Page = Reply | Callable[[str], Reply]
"""What a path is answered with, or what says so for each request, given its path."""


class Website:
    """Answers with `pages`, 404 for all others. Must be served by `serving`."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        """Paths, with their queries, in order."""
        self.heads: list[Mapping[str, str]] = []
        """The headers of each request, lower case."""
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def times(self, path: str) -> int:
        return self.asked.count(path)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _head(reader):
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    if not await self._answer(head, writer):
                        return
                finally:
                    self.in_flight -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, head: list[str], writer: asyncio.StreamWriter) -> bool:
        path = head[0].split(" ")[1]
        self.asked.append(path)
        self.heads.append({name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])})
        page = self.pages.get(path, Reply(b"no such page", status=404))
        reply = page(path) if callable(page) else page
        if reply.until is not None:
            await reply.until.wait()
        await asyncio.sleep(reply.delay)  # the host's slowness
        if reply.hang_up:
            return False
        fields = {"Content-Type": "text/html", "Content-Length": str(len(reply.body)), **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Status", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        writer.write("\r\n".join(lines).encode())
        if reply.drip:
            for byte in reply.body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(reply.drip)  # the host's slowness
        else:
            writer.write(reply.body)
        await writer.drain()
        return True


@asynccontextmanager
async def serving(site: Website) -> AsyncGenerator[Website]:
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(site.handle(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", site.port, backlog=1000)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def sitemap(urls: Iterable[str]) -> Reply:
    entries = "".join(f"<url><loc>{escape(url)}</loc></url>" for url in urls)
    return _xml(f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>')


def sitemap_index(urls: Iterable[str]) -> Reply:
    entries = "".join(f"<sitemap><loc>{escape(url)}</loc></sitemap>" for url in urls)
    return _xml(f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</sitemapindex>')


def links_to(*hrefs: str) -> Reply:
    return Reply("".join(f'<a href="{escape(href)}">a page</a>' for href in hrefs).encode())


def redirect(to: str) -> Reply:
    return Reply(b"", status=302, headers={"Location": to})


def gzipped(reply: Reply, *, name: bool = False) -> Reply:
    """As a compressed file, or in compressed transport."""
    headers = {"Content-Type": "application/gzip"} if name else {**reply.headers, "Content-Encoding": "gzip"}
    return Reply(gzip.compress(reply.body), headers=headers)


def _xml(body: str) -> Reply:
    text = f'<?xml version="1.0" encoding="UTF-8"?>{body}'
    return Reply(text.encode(), headers={"Content-Type": "application/xml"})


async def _head(reader: asyncio.StreamReader) -> list[str]:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    except asyncio.IncompleteReadError:
        return []
