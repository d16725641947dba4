"""What was used, and what it cost."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.dependencies import Usages
from api.documentation import answer, problems
from api.submission import invalid
from jobs.model import Frozen, UsageItem, UserId
from jobs.usage import cost, today, total

router = APIRouter(tags=["operation"])

MAX_DAYS = 366
USUAL_DAYS = 30

Cost = Annotated[float | None, Field(description="USD; null when the price of a model in it is not known")]


class UsageDay(Frozen):
    date: date
    usage: list[UsageItem]
    cost: Cost


class UsageReport(Frozen):
    """Days on which nothing was used are left out."""

    user_id: str | None = Field(description="Whose it is; null: everybody's")
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to", description="Included")
    days: list[UsageDay]
    usage: list[UsageItem] = Field(description="The sum of the days, by model")
    cost: Cost


_ITEM = UsageItem(
    provider="openai", model="gpt-5.4-mini", input_tokens=120_000, output_tokens=40_000, calls=160, cost=0.27
)
_EXAMPLE = UsageReport(
    user_id="9a0a594c-2699-400b-89e0-4a4ef78ced97",
    first=date(2026, 11, 1),
    last=date(2026, 11, 30),
    days=[UsageDay(date=date(2026, 11, 22), usage=[_ITEM], cost=0.27)],
    usage=[_ITEM],
    cost=0.27,
)


@router.get(
    "/usage",
    summary="Sum up what was used",
    responses={200: answer(_EXAMPLE.model_dump(mode="json", by_alias=True), model=UsageReport)} | problems(422, 503),
)
async def get_usage(
    usage: Usages,
    user_id: Annotated[UserId | None, Query(description="Only what this user's jobs used")] = None,
    first: Annotated[
        date | None, Query(alias="from", description="First day, UTC; usually 29 days before `to`")
    ] = None,
    last: Annotated[date | None, Query(alias="to", description="Last day, UTC, included; usually today")] = None,
) -> UsageReport:
    """By day and model, calls that failed included. Days are UTC and kept for 400 days."""
    until = last or today()
    since = first or until - min(timedelta(days=USUAL_DAYS - 1), until - date.min)
    if since > until:
        raise invalid("from", f"must not be after to ({until})", where="query")
    if (until - since).days >= MAX_DAYS:
        raise invalid("from", f"must be less than {MAX_DAYS} days before to ({until}); ask in parts", where="query")
    days = await usage.days(since, until, user_id=user_id)
    everything = total(item for day in days for item in day.usage)
    return UsageReport(
        user_id=user_id,
        first=since,
        last=until,
        days=[UsageDay(date=day.date, usage=day.usage, cost=cost(day.usage)) for day in days],
        usage=everything,
        cost=cost(everything),
    )
