"""The release before this one and this one at the same time, as a rolling deployment has them, under load.

`MIX_JOBS=200 .venv/bin/pytest tests/mixes` is the long form (`make mixes`).
"""

import os
from pathlib import Path

import pytest

from tests.mixes.release import Release
from tests.mixes.rollout import Rollout
from tests.support.platform import NewPlatform
from tests.support.waiting import pause

JOBS = int(os.environ.get("MIX_JOBS", "40"))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return Release(tmp_path_factory.mktemp("before") / "venv")


@pytest.fixture
async def rollout(new_platform: NewPlatform, before: Release) -> Rollout:
    rollout = Rollout(new_platform(), before)
    await rollout.start()
    return rollout


def test_the_release_is_the_one_before(before: Release) -> None:
    """Its code and its version, not those beside this test."""
    code = "import importlib.metadata, jobs.store; print(importlib.metadata.version('headrace'), jobs.store.__file__)"
    version, place = before.says(code).split()
    assert version == "0.1.0"
    assert Path(place).is_relative_to(before.folder)


async def test_workers_of_both_do_what_the_api_of_before_accepted(rollout: Rollout) -> None:
    """The order that docs/deployment.md recommends: the workers first, one after another."""
    early = await rollout.post(JOBS // 4)
    [old] = await rollout.old_workers(1)
    await rollout.new_workers(1)
    await rollout.post(JOBS - len(early))
    await rollout.until_completed(early, within=240)
    await rollout.stop(old)

    await rollout.until_completed(rollout.posted, within=240)
    assert rollout.faults == []
    await rollout.replace_api()
    assert await rollout.broken_promises(rollout.posted) == []


async def test_workers_of_before_leave_what_the_new_api_accepted(rollout: Rollout) -> None:
    """The other order. They go on with what they can do; the rest waits, and nothing of it is lost, failed or cut."""
    old = await rollout.old_workers(2)
    theirs = await rollout.post(JOBS // 4)
    await rollout.replace_api()
    ours = await rollout.post(JOBS // 2)
    ours += await rollout.post(JOBS // 8, delay_seconds=1)
    ours += await rollout.post_batch(JOBS // 8)
    await rollout.until_completed(theirs, within=120)
    # Several sweeps of theirs, in which the delayed ones come due.
    await pause(5)
    assert set((await rollout.states(ours)).values()) <= {"queued", "scheduled"}

    await rollout.new_workers(1)
    # All at once, as in the middle of a rolling deployment.
    await rollout.post(JOBS // 4)
    await pause(3)
    await rollout.stop(*old)

    await rollout.until_completed(rollout.posted, within=240)
    assert rollout.faults == []
    assert await rollout.broken_promises(rollout.posted) == []
