"""A job as the documentation shows it."""

from datetime import UTC, datetime, timedelta

from api.documentation import EXAMPLE_ID
from api.representation import BatchBody, BatchUrls, JobBody, OutcomeBody, job_body
from jobs.batches import PENDING, Batch
from jobs.events import Event
from jobs.model import FileRef, Job, Progress, QueuePlace, UsageItem, Waiting
from jobs.schedules import Overlap, Run, Schedule
from jobs.states import Reason, State

_CREATED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

QUEUED: JobBody = job_body(
    Job(
        id=EXAMPLE_ID,
        kind="story",
        state=State.QUEUED,
        user_id="9a0a594c-2699-400b-89e0-4a4ef78ced97",
        input={"title": "My Story", "prompt": "A magical adventure", "pages": 6, "seed": 0},
        progress=Progress(),
        waiting=Waiting(on="worker", since=_CREATED),
        attempt=0,
        max_attempts=3,
        priority=3,
        queue=QueuePlace(name="default"),
        created_at=_CREATED,
        deadline=_CREATED + timedelta(days=1),
    )
)

COMPLETED: JobBody = job_body(
    Job(
        id=EXAMPLE_ID,
        kind="story",
        state=State.COMPLETED,
        user_id="9a0a594c-2699-400b-89e0-4a4ef78ced97",
        input={"title": "My Story", "prompt": "A magical adventure", "pages": 6, "seed": 0},
        result={"title": "My Story", "provider": "offline"},
        progress=Progress(fraction=1, phase="book", detail="PDF and HTML"),
        attempt=1,
        max_attempts=3,
        priority=3,
        queue=QueuePlace(name="default"),
        worker="worker-1:17:a28c1a",
        created_at=_CREATED,
        started_at=_CREATED + timedelta(milliseconds=9),
        finished_at=_CREATED + timedelta(seconds=42),
        deadline=_CREATED + timedelta(days=1),
        usage=[UsageItem(provider="offline", model="writer", calls=1)],
        files=[
            FileRef(
                name="book.pdf",
                key=f"{EXAMPLE_ID}/f2ca1bb6c7e907d0/book.pdf",
                content_type="application/pdf",
                size=81234,
            )
        ],
    )
)

CANCELLED: JobBody = QUEUED.model_copy(
    update={"state": State.CANCELLED, "state_reason": Reason.USER_REQUEST, "waiting": None, "finished_at": _CREATED}
)

EVENT = Event(sequence=1, event="queued", at=_CREATED, data={"state": "queued"})

BATCH = BatchBody(
    **dict(
        Batch(
            id=EXAMPLE_ID,
            state=State.RUNNING,
            user_id=None,
            total=2,
            counts={PENDING: 0} | {state.value: 0 for state in State} | {"running": 1, "completed": 1},
            created_at=_CREATED,
        )
    ),
    urls=BatchUrls.of(EXAMPLE_ID),
)

BATCH_EVENT = Event(
    sequence=2, event="job", at=_CREATED, data={"job": EXAMPLE_ID, "custom_id": "book-17", "state": "completed"}
)

OUTCOME = OutcomeBody(
    custom_id="book-17", job_id=EXAMPLE_ID, state="completed", result={"title": "My Story"}, url=f"/jobs/{EXAMPLE_ID}"
)

SCHEDULE = Schedule(
    id=EXAMPLE_ID,
    kind="story",
    input={"title": "My Story", "prompt": "A magical adventure", "pages": 6, "seed": 0},
    user_id="9a0a594c-2699-400b-89e0-4a4ef78ced97",
    cron="0 9 * * MON-FRI",
    time_zone="Europe/Berlin",
    overlap=Overlap.SKIP,
    created_at=_CREATED,
    next_runs=[datetime(2026, 11, day, 8, 0, tzinfo=UTC) for day in (24, 25, 26, 27, 30)],
    made=1,
    left_out=0,
    runs=[
        Run(
            due_at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
            at=datetime(2026, 11, 23, 8, 0, 1, tzinfo=UTC),
            job_id="6f9619ff-8b86-5d01-b42d-00cf4fc964ff",
            state=State.COMPLETED,
        )
    ],
    priority=3,
    max_attempts=3,
    start_deadline_seconds=86400,
)
