"""What may be said of any job, whatever its kind."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from jobs.model import Usd, UserId
from jobs.priorities import DEFAULT_PRIORITY, PRIORITIES

MAX_START_DEADLINE = timedelta(days=30)


class JobOptions(BaseModel):
    """What may be said of any job."""

    model_config = ConfigDict(extra="forbid")

    user_id: UserId | None = None
    priority: Annotated[
        int, Field(ge=PRIORITIES.start, lt=PRIORITIES.stop, description="0 is served first, 9 last")
    ] = DEFAULT_PRIORITY
    max_attempts: Annotated[
        int | None, Field(ge=1, le=100, description="Runs before it fails for good; null: as the deployment has it")
    ] = None
    start_deadline_seconds: Annotated[
        int | None,
        Field(
            ge=1,
            le=int(MAX_START_DEADLINE.total_seconds()),
            description="It expires if no worker has started it by then; null: as the deployment has it",
        ),
    ] = None
    max_cost: Annotated[
        Usd | None,
        Field(
            description="USD. Before a call that would pass it the job fails with `budget_exceeded`, its finished steps"
            " kept; null: no limit",
            examples=[2.5],
        ),
    ] = None
