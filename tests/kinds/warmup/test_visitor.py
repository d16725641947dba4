"""One URL over real HTTP: redirects, robots.txt, pushback, slowness and other people's tricks."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from httpx2 import URL
from protego import Protego

from bench.website import Reply, Website, links_to, redirect
from jobs.private_hosts import PrivateHosts
from kinds.warmup import rows
from kinds.warmup.allow_list import AllowList
from kinds.warmup.client import Answer, Client, NoAnswer
from kinds.warmup.known_links import KnownLinks
from kinds.warmup.outbound import Outbound
from kinds.warmup.progress import WarmupProgress
from kinds.warmup.rows import Row, row_of
from kinds.warmup.visitor import PUSHBACK_TRIES, TRIES, Skipped, Visitor, retry_after
from tests.kinds.warmup.conftest import NewVisitor
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between tries; those that a host asks for stay."""
    monkeypatch.setattr("kinds.warmup.visitor._FIRST_WAIT", timedelta(milliseconds=1))
    monkeypatch.setattr("kinds.warmup.host_limit._FIRST_PAUSE", timedelta(milliseconds=1))


async def row(visitor: Visitor, url: str, *, known: KnownLinks | None = None) -> Row:
    return await row_of(visitor, url, known=known)


async def test_a_page_is_fetched_as_itself(site: Website, visitor: Visitor) -> None:
    """With our name, without cookies, by the host's name in the URL."""
    site.pages["/a?b=1"] = Reply(b"text", headers={"Set-Cookie": "id=1", "X-Cache": "HIT"})
    url = f"http://shop.example:{site.port}/a?b=1"
    await row(visitor, url)
    made = await row(visitor, url)
    assert (made.outcome, made.status, made.cache, made.bytes, made.tries) == ("completed", 200, "hit", 4, 1)
    assert site.heads[-1]["host"] == f"shop.example:{site.port}"
    assert site.heads[-1]["user-agent"] == "headrace-warmup/1.0"
    assert "cookie" not in site.heads[-1]
    assert site.asked == ["/robots.txt", "/a?b=1", "/a?b=1"]


async def test_redirects_are_followed_and_told(site: Website, visitor: Visitor) -> None:
    site.pages = {"/a": redirect("b"), "/b": redirect(f"http://shop.example:{site.port}/c"), "/c": Reply()}
    made = await row(visitor, f"{site.url}/a")
    assert (made.outcome, made.final_url) == ("completed", f"http://shop.example:{site.port}/c")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "private_address"),
        ("http://metadata.google.internal/", "private_address"),
        ("http://localhost:1/", "private_address"),
        ("http://[::1]:1/", "private_address"),
        ("http://other.example/", "private_address"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://shop.example/", "scheme"),
    ],
)
@pytest.mark.parametrize("robots", [True, False])
async def test_a_redirect_to_where_it_may_not_go_is_not_followed(
    site: Website, new_visitor: NewVisitor, target: str, reason: str, *, robots: bool
) -> None:
    """`other.example` is a name that resolves to a private address."""
    site.pages["/a"] = redirect(target)
    made = await row(new_visitor(robots=robots), f"{site.url}/a")
    assert (made.outcome, made.reason) == ("skipped", reason)


async def test_a_redirect_to_another_port_of_this_machine_is_not_followed(site: Website, visitor: Visitor) -> None:
    site.pages["/a"] = redirect("http://127.0.0.1:6379/")
    made = await row(visitor, f"{site.url}/a")
    assert (made.outcome, made.reason) == ("skipped", "private_address")
    assert "HEADRACE_ALLOW_PRIVATE_HOSTS" in made.detail


async def test_a_redirect_off_the_allow_list_is_not_followed(site: Website, new_visitor: NewVisitor) -> None:
    site.pages = {"/a": redirect(f"http://shop.example:{site.port}/b"), "/b": Reply()}
    made = await row(new_visitor(allow=["127.0.0.1"]), f"{site.url}/a")
    assert (made.outcome, made.reason, site.times("/b")) == ("skipped", "host", 0)


async def test_a_redirect_loop_ends(site: Website, visitor: Visitor) -> None:
    site.pages = {"/a": redirect("/b"), "/b": redirect("/a")}
    made = await row(visitor, f"{site.url}/a")
    assert (made.outcome, made.reason) == ("failed", "too_many_redirects")
    assert len(site.asked) == 7


async def test_robots_txt_is_asked_for_once_and_kept_to(site: Website, visitor: Visitor) -> None:
    site.pages = {"/robots.txt": Reply(b"User-agent: *\nDisallow: /no"), "/yes": Reply(), "/no": Reply()}
    rows = await asyncio.gather(*(row(visitor, f"{site.url}{path}") for path in ("/yes", "/no", "/yes", "/no/x")))
    assert [(made.outcome, made.reason) for made in rows[:2]] == [("completed", None), ("skipped", "robots")]
    assert (site.times("/robots.txt"), site.times("/no"), site.times("/no/x")) == (1, 0, 0)


async def test_robots_txt_is_left_alone_where_that_was_asked(site: Website, new_visitor: NewVisitor) -> None:
    site.pages = {"/robots.txt": Reply(b"User-agent: *\nDisallow: /"), "/a": Reply()}
    assert (await row(new_visitor(robots=False), f"{site.url}/a")).outcome == "completed"
    assert site.asked == ["/a"]


async def test_without_a_readable_robots_txt_nothing_is_fetched(site: Website, visitor: Visitor) -> None:
    site.pages = {"/robots.txt": Reply(status=500), "/a": Reply()}
    made = await row(visitor, f"{site.url}/a")
    assert (made.outcome, made.reason, made.detail) == (
        "skipped",
        "robots",
        "robots.txt cannot be read: status 500",
    )
    assert site.times("/a") == 0


async def test_crawl_delay_is_kept_between_requests(site: Website, visitor: Visitor) -> None:
    site.pages = {"/robots.txt": Reply(b"User-agent: *\nCrawl-delay: 0.2"), "/a": Reply()}
    watch = Stopwatch()
    await asyncio.gather(*(row(visitor, f"{site.url}/a") for _ in range(4)))
    assert watch.took.seconds >= 0.6


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (500, TRIES), (502, TRIES), (429, PUSHBACK_TRIES)])
async def test_a_status_that_stays_is_a_failed_row(site: Website, visitor: Visitor, status: int, tries: int) -> None:
    site.pages["/a"] = Reply(status=status)
    made = await row(visitor, f"{site.url}/a")
    assert (made.outcome, made.status, made.reason, made.tries) == ("failed", status, str(status), tries)
    assert site.times("/a") == tries


async def test_trouble_that_passes_is_no_failure(site: Website, visitor: Visitor) -> None:
    site.pages["/a"] = lambda path: Reply(status=500) if site.times(path) < TRIES else Reply()
    made = await row(visitor, f"{site.url}/a")
    assert (made.outcome, made.tries) == ("completed", TRIES)


@pytest.mark.slow
async def test_no_request_is_sent_before_retry_after(site: Website, visitor: Visitor) -> None:
    """Of any URL of the host."""
    asked_at: list[float] = []

    def busy(path: str) -> Reply:
        asked_at.append(time.monotonic())
        return Reply(status=429, headers={"Retry-After": "1"}) if site.times(path) == 1 else Reply()

    site.pages = {"/a": busy, "/b": busy}
    first = await row(visitor, f"{site.url}/a")
    assert (first.outcome, first.tries) == ("completed", 2)
    assert asked_at[1] - asked_at[0] >= 1


async def test_a_rest_that_a_host_asks_for_is_told(site: Website, visitor: Visitor) -> None:
    site.pages["/a"] = Reply(status=503, headers={"Retry-After": "60"})
    visit = asyncio.create_task(row(visitor, f"{site.url}/a"))
    await wait_until(lambda: visitor.pauses, within=5, what="the host rests")
    progress = WarmupProgress(passes=2)
    progress.next_pass()
    progress.expect(7)
    assert progress.detail(visitor) == f"0 of 7, 0 in flight; waiting 60 s as {site.host} asks"
    visit.cancel()


async def test_a_host_that_asks_for_an_hour_gets_it(site: Website, visitor: Visitor) -> None:
    site.pages = {"/a": Reply(status=429, headers={"Retry-After": "3600"}), "/b": Reply()}
    made = [await row(visitor, f"{site.url}{path}") for path in ("/a", "/b")]
    assert [(one.outcome, one.reason) for one in made] == [("skipped", "retry_after")] * 2
    assert (site.times("/a"), site.times("/b")) == (1, 0)


async def test_a_body_that_drips_is_given_up(site: Website, new_visitor: NewVisitor) -> None:
    """However steadily: the time is for the whole answer."""
    site.pages["/a"] = Reply(b"x" * 1000, drip=0.05)
    watch = Stopwatch()
    with pytest.raises(NoAnswer, match="no whole answer within"):
        await new_visitor(robots=False, seconds=0.2).visit(URL(f"{site.url}/a"))
    assert watch.took.net < 2


async def test_a_huge_body_is_not_read_to_its_end(
    site: Website, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinds.warmup.client.MAX_BODY", 100_000)
    site.pages["/a"] = Reply(b"x" * 5_000_000)
    answer = await visitor.visit(URL(f"{site.url}/a"), keep=lambda _: 10)
    assert (answer.status, answer.body) == (200, b"x" * 10)
    assert 100_000 <= answer.size < 1_000_000


async def test_a_host_that_hangs_up_or_is_not_there_is_a_failed_row(site: Website, visitor: Visitor) -> None:
    site.pages["/a"] = Reply(hang_up=True)
    made = await row(visitor, f"{site.url}/a")
    assert (made.outcome, made.reason, made.tries) == ("failed", "protocol", TRIES)
    gone = await row(visitor, "http://nowhere.invalid/")
    assert (gone.outcome, gone.reason) == ("failed", "connection")
    assert "cannot be resolved" in gone.detail


async def test_links_off_the_allow_list_are_not_kept(site: Website, new_visitor: NewVisitor) -> None:
    site.pages["/a"] = links_to("/b", f"http://shop.example:{site.port}/c", "https://elsewhere.example/d")
    made = await row(new_visitor(allow=["127.0.0.1", "shop.example"]), f"{site.url}/a", known=KnownLinks())
    assert made.links == [f"{site.url}/b", f"http://shop.example:{site.port}/c"]


async def test_of_a_file_that_is_no_page_nothing_is_kept(site: Website, visitor: Visitor) -> None:
    """Hundreds are in flight at once. Were it kept, its links would be found."""
    page = links_to("/b").body
    site.pages = {"/a": Reply(page, headers={"Content-Type": "video/mp4"}), "/page": Reply(page)}
    kept = KnownLinks()
    made = [await row(visitor, f"{site.url}{path}", known=kept) for path in ("/a", "/page")]
    assert [(one.links, one.bytes) for one in made] == [([], len(page)), ([f"{site.url}/b"], len(page))]


async def test_pages_and_robots_are_read_beside_the_event_loop(
    site: Website, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other answers must not wait for a page of 4 MB."""
    threads: set[threading.Thread] = set()

    def reading(read: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: object, **options: object) -> Any:  # noqa: ANN401  # whatever it reads
            threads.add(threading.current_thread())
            return read(*args, **options)

        return noted

    monkeypatch.setattr(rows, "links", reading(rows.links))
    monkeypatch.setattr(Protego, "parse", reading(Protego.parse))
    site.pages = {"/robots.txt": Reply(b""), "/a": links_to("/b")}
    assert (await row(visitor, f"{site.url}/a", known=KnownLinks())).links == [f"{site.url}/b"]
    assert threads
    assert threading.main_thread() not in threads


async def test_what_was_named_needs_no_allow_list_but_the_guard(site: Website, new_visitor: NewVisitor) -> None:
    site.pages["/sitemap.xml"] = redirect("http://localhost/")
    with pytest.raises(Skipped) as skipped:
        await new_visitor(allow=[]).document(URL(f"{site.url}/sitemap.xml"), keep=100)
    assert skipped.value.reason == "private_address"


@pytest.mark.parametrize("target", ["http://shop.example:99999/", "http://shop.example:port/"])
async def test_a_redirect_to_no_address_is_a_failed_row(site: Website, visitor: Visitor, target: str) -> None:
    site.pages["/a"] = redirect(target)
    made = await row(visitor, f"{site.url}/a")
    assert (made.outcome, made.reason, made.tries) == ("failed", "protocol", 1)


@pytest.mark.parametrize("host", ["a..b", "x" * 64])
async def test_what_cannot_be_a_host_name_is_a_failed_row(host: str) -> None:
    """Python's own encoding of names refuses them before any name server is asked."""
    client = Client(Outbound(PrivateHosts()), user_agent="tests/1.0", seconds=5)
    visitor = Visitor(client, AllowList(None), user_agent="tests/1.0", respect_robots=False)
    made = await row(visitor, f"http://{host}/")
    assert (made.outcome, made.reason) == ("failed", "connection")


async def test_what_nobody_thought_of_is_a_failed_row(
    site: Website, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One odd host must not end a job of many."""

    async def fail(*_: object) -> None:
        raise ExceptionGroup("several", [OverflowError("odd")])

    await row(visitor, f"{site.url}/robots-first")
    monkeypatch.setattr(Outbound, "_addresses", fail)
    made = await row(visitor, f"http://shop.example:{site.port}/")
    assert (made.outcome, made.reason) == ("failed", "protocol")
    assert "ExceptionGroup" in made.detail


async def test_a_row_counts_the_requests_for_its_own_url(site: Website, visitor: Visitor) -> None:
    """With a host that is silent already to robots.txt there were none."""
    site.pages["/robots.txt"] = Reply(hang_up=True)
    made = await row(visitor, f"{site.url}/a")
    assert (made.outcome, made.reason, made.tries) == ("failed", "protocol", 0)


@pytest.mark.parametrize("text", ["", "soon", "-1", "9" * 400, "9" * 5000])
def test_a_senseless_retry_after_is_none_or_long(text: str) -> None:
    answer = Answer(URL("http://a.example"), 429, {"retry-after": text}, b"", 0, 0, 0)
    assert (retry_after(answer) or timedelta(days=365)) >= timedelta(days=365)


def test_retry_after_may_be_a_date() -> None:
    date = format_datetime(datetime.now(tz=UTC) + timedelta(seconds=60), usegmt=True)
    answer = Answer(URL("http://a.example"), 429, {"retry-after": date}, b"", 0, 0, 0)
    assert timedelta(seconds=55) < (retry_after(answer) or timedelta(0)) <= timedelta(seconds=60)
