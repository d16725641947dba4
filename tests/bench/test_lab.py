"""The harness on real processes: what it notes is what was submitted, and nothing outlives it."""

from dataclasses import replace
from pathlib import Path
from signal import SIGKILL

import pytest

from bench.lab import DoesNotRun, Lab
from bench.systems import CELERY, HEADRACE, System

# In this environment, so that nothing is installed for a test.
PLAIN_CELERY = replace(CELERY, requirements=None)


@pytest.mark.parametrize("system", [HEADRACE, PLAIN_CELERY], ids=lambda system: system.name)
async def test_a_worker_does_what_its_systems_client_submits(system: System, tmp_path: Path) -> None:
    async with Lab(tmp_path / "lab", system) as lab, lab.submitter() as submitter:
        [worker] = await lab.ready_workers(submitter)
        done = await submitter.submit(2, first=7, milliseconds=50)
        await lab.expect(lambda: lab.count("end") >= 2, what="both jobs end")

        starts, ends = lab.notes("start"), lab.notes("end")
        assert [note.title for note in starts] == [note.title for note in ends] == ["7", "8"]
        assert {lab.runner(note) for note in starts} == {worker}
        assert done["began"] < starts[0].at <= ends[0].at - 0.05
        assert starts[0].pid in worker.members()
        assert worker.memory() > 0
    assert worker.members() == []


async def test_killing_a_worker_kills_all_of_its_processes(tmp_path: Path) -> None:
    async with Lab(tmp_path / "lab", PLAIN_CELERY) as lab, lab.submitter() as submitter:
        [worker] = await lab.ready_workers(submitter)
        assert len(worker.members()) > 1
        worker.signal_family(SIGKILL)
        await lab.expect(lambda: worker.members() == [], what="they are gone")


async def test_a_system_that_does_not_run_says_why(tmp_path: Path) -> None:
    system = replace(PLAIN_CELERY, client="bench.nothing", command=("celery", "-A", "bench.nothing", "worker"))
    async with Lab(tmp_path / "lab", system) as lab:
        with pytest.raises(DoesNotRun, match=r"No module named 'bench\.nothing'"):
            async with lab.submitter():
                pass
        worker = lab.start_worker()
        with pytest.raises(DoesNotRun, match=r"bench\.nothing"):
            await lab.until(lambda: False, of=worker, within=20)
