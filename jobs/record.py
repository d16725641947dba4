"""The fields of a job's hash, for Python and Lua alike: the scripts read and write no other (see scripts/prelude)."""

from typing import NotRequired, TypedDict


class JobRecord(TypedDict):
    """`hr:job:{id}`. All values are strings; times are ms since the epoch by Redis' clock; money is micro-dollars."""

    id: str
    format: NotRequired[str]
    """Of this record, if it is newer than the first of version 0.2. Who knows only older ones does not claim it."""
    kind: str
    queue: str
    priority: str
    input: str
    """From a key of its own (keys.INPUT). Version 0.1 kept it here."""
    user_id: str
    """Empty for none."""
    max_attempts: str
    max_cost: str
    """Empty for no limit."""
    time_limit: NotRequired[str]
    """Of one attempt, s, if it is not its kind's."""
    retention: NotRequired[str]
    """How long it is kept when it has ended, s, if not as long as the deployment has it."""
    retry_of: NotRequired[str]
    """The job that this one retries; empty for none."""
    dedup_key: NotRequired[str]
    schedule: NotRequired[str]
    """The schedule that made it."""
    batch: NotRequired[str]
    custom_id: NotRequired[str]

    state: str
    state_reason: str
    """A code of jobs/states.py, or empty."""
    created_at: str
    queued_at: NotRequired[str]
    """When it was last queued, if that is not when it was created."""
    started_at: NotRequired[str]
    """When it was first claimed."""
    finished_at: NotRequired[str]
    deadline: str
    """It expires if not started by then."""
    run_at: NotRequired[str]
    """Before it was not queued, as its client asked."""
    delay: NotRequired[str]
    """The same as ms from its creation, if it was asked for so."""
    retry_at: NotRequired[str]

    turn: NotRequired[str]
    """Its place in the order of its queue, since it was first released."""
    models: NotRequired[str]
    """Whom it asks, each as `provider/model` with a space between; a provider alone if it has no choice of models."""
    concurrency_key: NotRequired[str]
    concurrency_limit: NotRequired[str]
    """How many jobs with its key may run at once, itself included; 1 if not given."""
    slots: NotRequired[str]
    """The gates that it holds a slot of, each with a space between."""
    parked_at: NotRequired[str]
    """The gate that it may not pass now; see scripts/prelude/gates.lua."""
    deliveries: NotRequired[str]
    """How often a message was sent for it."""

    attempt: str
    fence: str
    """The fencing token: grows with each claim, and a write that carries an older one is refused."""
    claim: NotRequired[str]
    """The token of the last claim, which writes carry beside the fence."""
    worker: NotRequired[str]
    """Who runs it, or ran it last."""
    running_since: NotRequired[str]
    lease_until: NotRequired[str]
    waiting_for: NotRequired[str]
    """What a running job waits for: `provider` or `rate_limit`."""
    waiting_since: NotRequired[str]
    waiting_until: NotRequired[str]
    interruptions: NotRequired[str]
    """Hand-backs in a row without a step saved in between."""
    rate_waits: NotRequired[str]
    """Waits for a rate limit in a row without a call in between."""
    incapable_since: NotRequired[str]
    """When a worker first said that it cannot run it; none has saved a step since."""

    events: NotRequired[str]
    """Events so far: the number of the last one. There is none until the second, the first being its creation."""
    progress: NotRequired[str]
    """JSON."""
    result: NotRequired[str]
    """JSON."""
    error: NotRequired[str]
    """JSON: why it failed, or why its last attempt did."""
    files: NotRequired[str]
    """JSON list; once the worker has ended the job."""
    reused: NotRequired[str]
    """JSON: what earlier attempts had saved."""
    spent: NotRequired[str]
    """What its calls cost, with what is reserved for those in flight."""
    next: NotRequired[str]
    """The job that its worker claimed when it finished this one."""
    retried_as: NotRequired[str]
    """The job that retries it as a whole. With a step and a hash of the input after colons: from that step."""


FORMAT = 2
"""The newest that this version can read; raised when older workers would misread a record. Version 0.1 had 1."""
FIELDS = tuple(JobRecord.__annotations__)

DEFAULTS = {
    "state_reason": "",
    "user_id": "",
    "max_cost": "",
    "retry_of": "",
    "attempt": "0",
    "fence": "0",
}
"""What a field means that is not there: a queued job is small."""

FAMILIES = ("retried_as", "usage", "call", "slot")
"""Fields with a name of their own after a colon: retries from a step; what was used, by count and model; a call in
flight; a booked place under a rate."""
