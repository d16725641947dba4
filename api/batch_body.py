"""The body that asks for a batch: one JSON document, or JSON lines. Checked as a whole before anything is stored."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, Field, ValidationError

from api.errors import UnsupportedMediaType
from api.hot_route import invalid_body
from api.problems import MAX_ERRORS
from api.submission import (
    NO_UPLOAD,
    KindName,
    check_time_limit,
    named_uploads,
    new_job,
    options_in_json,
    permitted,
    timed,
)
from jobs import kinds
from jobs.batches import MAX_JOBS, Item
from jobs.new_job import Idempotency
from jobs.options import BatchOptions, Timing
from jobs.settings import Settings
from jobs.uploads import Uploads

JSON = "application/json"
JSON_LINES = ("application/jsonl", "application/x-ndjson", "application/x-jsonlines")


class Entry(Timing):
    """One job of a batch. A time of its own comes before that of the batch."""

    model_config = ConfigDict(extra="forbid")

    custom_id: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9._:@/-]{1,64}$",
            description="Your own name for it, once in a batch",
            examples=["book-17"],
        ),
    ]
    kind: KindName
    input: Annotated[
        dict[str, Any],
        Field(
            description="What the kind asks for, see `GET /kinds`",
            examples=[{"title": "My Story", "prompt": "A magical adventure"}],
        ),
    ]


class NewBatchBody(BatchOptions):
    """Many jobs at once. The options hold for each of them."""

    jobs: Annotated[list[Entry], Field(min_length=1, max_length=MAX_JOBS, description="Of any kinds")]


class _Unchecked(BatchOptions):
    """The same, before its entries are looked at: how many they are decides whether they will be."""

    jobs: Annotated[list[Any], Field(min_length=1, max_length=MAX_JOBS)]


Place = tuple[str | int, ...]
"""Where an entry stands in the body: `jobs.17`, `line 18`."""
Entries = dict[Place, Entry]


class BatchRequest:
    """What a body asks for. Raises RequestValidationError, UnsupportedMediaType."""

    def __init__(self, raw: bytes, content_type: str, options: dict[str, str], settings: Settings) -> None:
        media_type = content_type.partition(";")[0].strip().lower()
        where = "body" if media_type == JSON else "query"
        if media_type == JSON:
            body = _parse_json(raw)
            self._options: BatchOptions = permitted(body, settings)
            entries = _entries(((("jobs", number), job) for number, job in enumerate(body.jobs)), Entry.model_validate)
        elif media_type in JSON_LINES:
            self._options = permitted(_parse_options(options), settings, where=where)
            entries = _parse_lines(raw)
        else:
            raise UnsupportedMediaType(JSON, *JSON_LINES[:1])
        check_time_limit(self._options, map(kinds.get, {entry.kind for entry in entries.values()}), where=where)
        self.user_id = self._options.user_id
        self.items = _items(entries, self._options, settings)
        self._places = list(entries)

    async def check_uploads(self, uploads: Uploads, token: Idempotency | None) -> None:
        """Whether the uploads are there that its jobs name. Raises RequestValidationError."""
        named: dict[Place, str] = {
            (*place, "input", field): upload_id
            for place, item in zip(self._places, self.items, strict=True)
            for field, upload_id in named_uploads(item.new.kind, item.new.input).items()
        }
        if named and (unknown := await uploads.unknown(named.values(), token)):
            raise RequestValidationError(
                [_fault(place, NO_UPLOAD) for place, upload_id in named.items() if upload_id in unknown]
            )

    def compared(self) -> dict[str, Any]:
        """What makes two requests the same."""
        jobs = [
            [item.custom_id, item.new.kind.name, item.new.input, str(item.new.run_at), str(item.new.delay)]
            for item in self.items
        ]
        return {"jobs": jobs, "options": options_in_json(self._options)}


def _parse_json(raw: bytes) -> _Unchecked:
    try:
        return _Unchecked.model_validate_json(raw)
    except ValidationError as error:
        raise invalid_body(error) from None


def _parse_options(options: dict[str, str]) -> BatchOptions:
    try:
        return BatchOptions.model_validate(options)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError([{**fault, "loc": ("query", *fault["loc"])} for fault in faults]) from None


def _parse_lines(raw: bytes) -> Entries:
    # Line by line: all of them at once may be a hundred times the body.
    lines = (((f"line {number}",), line) for number, line in enumerate(BytesIO(raw), 1) if line.strip())
    entries = _entries(lines, Entry.model_validate_json)
    if not entries:
        raise RequestValidationError([_fault((), f"must be 1 to {MAX_JOBS} jobs, one on each line; there is none")])
    return entries


def _entries(found: Iterable[tuple[Place, Any]], read: Callable[[Any], Entry]) -> Entries:
    """Goes no further than to the first job too many, or to more faults than are reported."""
    entries: Entries = {}
    faults: list[Any] = []
    for number, (place, one) in enumerate(found, 1):
        if number > MAX_JOBS:
            message = f"must be 1 to {MAX_JOBS} jobs; send the others, from here on, as another batch"
            raise RequestValidationError([_fault(place, message)])
        try:
            entries[place] = read(one)
        except ValidationError as error:
            faults += invalid_body(error, *place).errors()
        if len(faults) > MAX_ERRORS:
            break
    if faults:
        raise RequestValidationError(faults)
    return entries


def _items(entries: Entries, options: BatchOptions, settings: Settings) -> list[Item]:
    items: list[Item] = []
    faults: list[Any] = []
    known: dict[str, Place] = {}
    for place, entry in entries.items():
        if entry.custom_id in known:
            before = ".".join(map(str, known[entry.custom_id]))
            faults.append(_fault((*place, "custom_id"), f"{entry.custom_id!r} is used at {before} already"))
        known.setdefault(entry.custom_id, place)
        kind = kinds.get(entry.kind)
        try:
            content = kind.input.model_validate(entry.input).model_dump(mode="json")
        except ValidationError as error:
            faults += invalid_body(error, *place, "input").errors()
        else:
            items.append(Item(entry.custom_id, timed(new_job(kind, content, options, settings), entry)))
        if len(faults) > MAX_ERRORS:
            break
    if faults:
        raise RequestValidationError(faults)
    return items


def _fault(place: Place, message: str) -> dict[str, Any]:
    return {"type": "value_error", "loc": ("body", *place), "msg": message}
