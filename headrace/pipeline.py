"""One run of a kind's pipeline, its result checked."""

from typing import Any, TypeVar

from pydantic import BaseModel

from headrace.context import JobContext
from headrace.errors import PipelineExited, WrongResult
from jobs.kind import Kind

Result = TypeVar("Result", bound=BaseModel)


async def run_pipeline(kind: Kind[Any, Result], job: JobContext, body: BaseModel) -> Result:
    """What the pipeline of `kind` makes of `body`, an input of that kind.

    Raises what the pipeline raises, PipelineExited, WrongResult, Rejected for models that cannot be asked for, and
    InvalidKind when there is no pipeline.
    """
    job.choose(body)
    try:
        result = await kind.pipeline()(job, body)
    except SystemExit as error:
        raise PipelineExited from error
    if not isinstance(result, kind.result):
        raise WrongResult(kind.name, result, kind.result)
    return result
