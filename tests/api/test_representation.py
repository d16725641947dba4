"""A job in JSON is what its documented model says, although it is written without making one."""

import json
from decimal import Decimal
from typing import Any

import pytest

from api import examples
from api.representation import JobBody, job_body, job_in_json
from jobs.model import FileRef, Job, UsageItem


def _job(example: JobBody, **changes: Any) -> Job:  # noqa: ANN401  # fields of a job
    files = [FileRef(**file.model_dump(exclude={"url"})) for file in example.files]
    fields = {name: getattr(example, name) for name in Job.model_fields} | {"files": files} | changes
    return Job.model_validate(fields)


@pytest.mark.parametrize(
    "job",
    [
        _job(examples.QUEUED),
        _job(examples.CANCELLED, max_cost=Decimal("0.25")),
        _job(examples.COMPLETED, usage=[UsageItem(provider="acme", model="writer", calls=2, cost=0.000013)]),
    ],
    ids=["queued", "cancelled", "completed"],
)
def test_a_job_in_json(job: Job) -> None:
    written = json.loads(job_in_json(job))
    assert written == json.loads(job_body(job).model_dump_json())
    assert JobBody.model_validate(written).id == job.id
