"""What a Redis that was restored from a copy says of its jobs, by its records and the files that are there."""

from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from jobs.files import FileStore
from jobs.ids import first_id_of, new_id
from jobs.restoration import examine_restored
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.jobs_at_hand import claimed, queued, story

PATIENCE = timedelta(seconds=5)


async def _told(redis: Redis, settings: Settings, copied_at: datetime) -> dict[str, tuple[str, str]]:
    report = await examine_restored(redis, FileStore.open(settings), copied_at=copied_at, patience=PATIENCE)
    assert not report.more
    return {job.job_id: (job.what, job.detail) for job in report.jobs}


async def test_what_waits_and_what_ran(store: JobStore, redis: Redis, settings: Settings) -> None:
    begun = await queued(store)
    ran = await queued(store)
    await store.save_step((await claimed(store, ran)).lease, "outline", "1")
    await claimed(store, begun)
    waits = await queued(store)
    later = (await store.create(story(delay=timedelta(hours=1)))).job_id

    assert await _told(redis, settings, datetime.now(UTC)) == {
        ran: ("repaired", "running in the copy; the sweep queues it, and it goes on from 1 saved steps"),
        begun: ("repaired", "running in the copy; the sweep queues it, and it begins anew"),
        waits: ("unhurt", "queued in the copy; begins anew"),
        later: ("unhurt", "scheduled in the copy; begins anew"),
    }


async def test_files_that_the_copy_does_not_know(store: JobStore, redis: Redis, settings: Settings) -> None:
    files = FileStore.open(settings)
    job_id = await queued(store)
    claim = await claimed(store, job_id)
    known = await files.put(job_id, "cover.png", b"1", "image/png")
    await store.save_step(claim.lease, "cover", "1", files=[known])
    assert (await _told(redis, settings, datetime.now(UTC)))[job_id][0] == "repaired"

    await files.put(job_id, "page-1.png", b"2", "image/png")

    what, detail = (await _told(redis, settings, datetime.now(UTC)))[job_id]
    assert what == "repeated"
    assert "page-1.png" in detail
    assert "cover.png" not in detail


async def test_jobs_that_are_gone_are_told_from_older_ones(redis: Redis, settings: Settings) -> None:
    """Those whose record ended by itself, of before the copy, are no loss; neither are uploads."""
    files = FileStore.open(settings)
    ended = new_id()
    await files.put(ended, "book.pdf", b"1", "application/pdf")
    await files.put_at(f"uploads/{new_id()}", b"1", "image/png")
    copied_at = _after(ended)
    gone = _id_of(copied_at + timedelta(seconds=1))
    await files.put(gone, "book.pdf", b"2", "application/pdf")
    await files.put(gone, "cover.png", b"3", "image/png")

    assert await _told(redis, settings, copied_at) == {gone: ("gone", "made after the copy; files of it: 2")}


def _after(job_id: str) -> datetime:
    """The first millisecond in which no job of that one's can have been made."""
    return datetime.fromtimestamp((int(job_id.replace("-", "")[:12], 16) + 1) / 1000, tz=UTC)


def _id_of(moment: datetime) -> str:
    return first_id_of(moment)[:-1] + "7"


async def test_an_id_of_a_moment_is_before_those_made_from_then_on() -> None:
    before, moment, after = (
        new_id(),
        datetime.now(UTC) + timedelta(milliseconds=5),
        _id_of(datetime.now(UTC) + timedelta(seconds=1)),
    )
    assert before < first_id_of(moment) < after
