"""A drill: Redis is lost, and restored from a copy that its jobs have outrun (docs/backup.md)."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis

from cli.embedded_redis import EmbeddedRedis
from tests.support.client import STORY
from tests.support.platform import NewPlatform, Platform
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


async def test_a_redis_restored_from_an_older_copy(new_platform: NewPlatform) -> None:
    platform = new_platform(HEADRACE_OFFLINE_DELAY="0.4", HEADRACE_CONCURRENCY="1")
    await platform.start()
    done = await platform.post_story(pages=4)
    await platform.until_state(done, "completed", within=60)
    held = await _post_report_of_a_paused_kind(platform)
    running = await platform.post_story(pages=5)
    saved = set(await platform.until_steps(running, 3, within=60))
    copied_at = datetime.now(UTC)
    copy = await _copy(platform)

    # All of this is lost: steps and the end of a job, one that got as far as two steps, one that has no file yet.
    await platform.until_state(running, "completed", within=60)
    key = str(uuid4())
    later = await _post(platform, key)
    await platform.until_steps(later, 3, within=60)
    traceless = await platform.post_story(pages=4)
    await _restore(platform, copy)

    told = _doctor(platform, copied_at)
    assert {job_id: one["what"] for job_id, one in told.items()} == {later: "gone", running: "repeated", held: "unhurt"}
    assert ".png" in told[running]["detail"]
    for job_id in (later, traceless):
        assert (await platform.client.get(f"/jobs/{job_id}")).status_code == 404
    assert (await platform.job(done))["state"] == "completed"

    platform.spawn_worker()
    await platform.client.post("/kinds/report/resume")
    for job_id in (running, held):
        await platform.until_state(job_id, "completed", within=60)
    calls = platform.ledger.steps(running)
    assert {step for step in saved if calls.count(step) > 1} == set(), "what the copy had is not paid again"
    assert len(calls) > len(set(calls)), "what it had not is"
    # The same request finds no job any more, and makes one.
    again = await _post(platform, key)
    assert again != later
    await platform.until_state(again, "completed", within=60)
    assert _doctor(platform, copied_at).keys() == {later}


async def _post(platform: Platform, key: str) -> str:
    answer = await platform.client.post("/stories", json=STORY | {"pages": 4}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.headers.get("Idempotent-Replayed")) == (202, None), answer.text
    return answer.json()["id"]


async def _post_report_of_a_paused_kind(platform: Platform) -> str:
    await platform.client.post("/kinds/report/pause", json={"by": "a test", "why": "a drill"})
    answer = await platform.client.post("/reports", json={"topic": "Foxes"})
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


async def _copy(platform: Platform) -> Path:
    """As docs/backup.md has it: a snapshot, moved away."""
    with redis.Redis(port=platform.redis.port) as client:
        before = client.lastsave()
        client.bgsave()
        await wait_until(lambda: client.lastsave() != before, within=15, what="the snapshot is saved")
    return Path(shutil.copy(platform.redis.folder / "dump.rdb", platform.folder / "copy.rdb"))


async def _restore(platform: Platform, copy: Path) -> None:
    """All is lost, Redis and its disk; the workers with it. The API stays."""
    for worker in platform.workers:
        worker.end()
    platform.redis.kill()
    folder = platform.folder / "restored"
    folder.mkdir()
    shutil.copy(copy, folder / "dump.rdb")
    # Without the append-only file at first: with it, the snapshot is not read.
    platform.redis = EmbeddedRedis(folder, port=platform.redis.port, aof=False)
    platform.redis.start()
    with redis.Redis(port=platform.redis.port) as client:
        client.config_set("appendonly", "yes")
        await wait_until(
            lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0, within=15, what="the file is written"
        )
    await wait_until(platform.api.answers, within=15, what="the API answers")


def _doctor(platform: Platform, copied_at: datetime) -> dict[str, dict[str, Any]]:
    """What it says of each job."""
    command = [sys.executable, "-c", "from cli.main import run; run()", "doctor", "--json"]
    done = subprocess.run(  # noqa: S603  # this interpreter
        [*command, "--restored", f"{copied_at:%Y-%m-%dT%H:%M:%S}"],
        env=platform.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {job["job_id"]: job for job in json.loads(done.stdout)["jobs"]}
