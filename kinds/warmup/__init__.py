"""A site's caches warmed: every URL fetched, with status, timing and cache state."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, ValidationInfo, field_validator

from headrace import FileRef, Frozen, Kind

MAX_URLS = 50_000
"""As many as one sitemap may have (sitemaps.org)."""
DEFAULT_URLS = 1000
DEFAULT_DEPTH = 1
DEFAULT_USER_AGENT = "headrace-warmup/1.0"

_URL = TypeAdapter(HttpUrl)
_HOST = re.compile(r"(\*\.)?[a-z0-9_.:\[\]-]+")


def _web_address(text: str) -> str:
    url = _URL.validate_python(text)
    if url.username or url.password:
        raise ValueError("must not carry a user name or password: they would be kept with the job")
    return str(url)


def _host(text: str) -> str:
    if not _HOST.fullmatch(host := text.strip().lower()):
        raise ValueError("must be a host name such as shop.example, or *.shop.example for all below it")
    return host


WebAddress = Annotated[str, Field(max_length=2048), AfterValidator(_web_address)]
Host = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_host)]


class WarmupInput(BaseModel):
    """Exactly one of `sitemap`, `urls` and `page` says what is fetched."""

    model_config = ConfigDict(extra="forbid")

    sitemap: Annotated[
        WebAddress | None,
        Field(
            description="A sitemap.xml; an index of sitemaps and gzip will do",
            examples=["https://example.com/sitemap.xml"],
        ),
    ] = None
    urls: Annotated[
        list[WebAddress] | None, Field(min_length=1, max_length=10_000, description="The URLs themselves")
    ] = None
    page: Annotated[
        WebAddress | None, Field(validate_default=True, description="A page whose links are followed to `depth`")
    ] = None
    depth: Annotated[
        int | None, Field(ge=0, le=5, description="Links from `page` to the furthest page fetched; null: 1")
    ] = None
    allow_hosts: Annotated[
        list[Host] | None,
        Field(
            max_length=100,
            description="Hosts that may be asked, `*.shop.example` for all below one; "
            "null: the host of `sitemap` or `page`, or those of `urls`",
        ),
    ] = None
    max_urls: Annotated[
        int,
        Field(ge=1, le=MAX_URLS, description="Most URLs taken from a sitemap or from links; the rest are left out"),
    ] = DEFAULT_URLS
    passes: Annotated[
        int, Field(ge=1, le=2, description="2: all that answered well once more, to see what is cached")
    ] = 1
    user_agent: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            pattern=r"^[!-~][ -~]*$",
            description="Sent to the hosts, and looked up in their robots.txt by the part before `/`",
        ),
    ] = DEFAULT_USER_AGENT
    timeout_seconds: Annotated[float, Field(ge=1, le=300, description="For one whole answer, body included")] = 30
    respect_robots: Annotated[
        bool, Field(description="Skip what robots.txt disallows; false: for sites of your own")
    ] = True

    @field_validator("urls", "page")
    @classmethod
    def _only_one(cls, value: object, info: ValidationInfo) -> object:
        given = [name for name in ("sitemap", "urls") if info.data.get(name) is not None]
        if value is not None and given:
            raise ValueError(f"cannot go with {given[0]}: give exactly one of sitemap, urls and page")
        if info.field_name == "page" and value is None and not given and {"sitemap", "urls"} <= info.data.keys():
            raise ValueError("give exactly one of sitemap, urls and page")
        return value

    @field_validator("depth")
    @classmethod
    def _only_from_a_page(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("page") is None:
            raise ValueError("goes with page only")
        return value


class Counts(Frozen):
    total: int = Field(description="URLs known; grows while links are followed")
    completed: int = Field(description="Answered with a status below 400")
    failed: int = Field(description="Answered with 400 or more, or not at all, after all tries")
    skipped: int = Field(description="Not fetched to the end, see `skipped`")
    pending: int


class Times(Frozen):
    """Of one answer, from sending the request to its last byte, redirects included, waiting and failed tries not."""

    p50_ms: int
    p95_ms: int
    longest_ms: int


class Pass(Frozen):
    number: int
    counts: Counts
    statuses: dict[str, int] = Field(description="Answers by HTTP status")
    cache: dict[str, int] = Field(description="hit, miss, bypass or unknown, as the answers' headers say")
    times: Times | None = Field(description="null when nothing completed")
    bytes: int = Field(description="Of all bodies, as sent")


class Finding(Frozen):
    """One URL of note; all are in `urls.csv`."""

    url: str
    ms: int | None = None
    status: int | None = None
    reason: str | None = None
    detail: str = ""


class WarmupResult(BaseModel):
    counts: Counts = Field(description="Of the first pass")
    left_out: int = Field(description="URLs beyond `max_urls`, as far as they were seen")
    passes: list[Pass]
    slowest: list[Finding] = Field(description="Up to ten of the first pass")
    failures: list[Finding] = Field(description="The first ten of the first pass")
    failed: dict[str, int] = Field(description="Failed URLs of the first pass by reason")
    skipped: dict[str, int] = Field(description="Skipped URLs of the first pass by reason")
    unread_sitemaps: list[Finding] = Field(description="The first ten of an index that could not be read, and why")
    rows: FileRef = Field(description="urls.csv: a line for each URL and pass")


KIND = Kind(
    name="warmup",
    path="/warmups",
    input=WarmupInput,
    result=WarmupResult,
    summary="A site's URLs fetched, as fast as its hosts take it: status, timing and cache state of each",
    make="kinds.warmup.pipeline:make",
    time_limit=timedelta(hours=2),
)
