"""A short random run with every run of the tests; `make chaos` makes a long one."""

from pathlib import Path

import pytest

from tests.chaos.fleet import HURRIED
from tests.chaos.random_run import run


@pytest.mark.quick
@pytest.mark.timeout(300)
async def test_a_random_mix_of_faults_breaks_no_promise(tmp_path: Path) -> None:
    report = await run(tmp_path, jobs=10, faults=12, seed=7, workers=2, settings=HURRIED)
    assert report.verdict.faults == [], str(report)
    assert report.verdict.finals.total() == 10
