"""One run of a kind's pipeline: its input read, its result checked."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from headrace.context import JobContext
from headrace.errors import PipelineExited, WrongResult
from jobs.kind import Kind

Result = TypeVar("Result", bound=BaseModel)


async def run_pipeline(kind: Kind[Any, Result], job: JobContext, input: Mapping[str, Any]) -> Result:  # noqa: A002  # what it is called everywhere
    """What the pipeline of `kind` makes of `input`.

    Raises what the pipeline raises, PipelineExited, WrongResult, Rejected for models that cannot be asked for,
    InvalidKind when there is no pipeline, and pydantic's ValidationError for an input that is none.
    """
    body = kind.input.model_validate(input)
    job.choose(body)
    try:
        result = await kind.pipeline()(job, body)
    except SystemExit as error:
        raise PipelineExited from error
    if not isinstance(result, kind.result):
        raise WrongResult(kind.name, result, kind.result)
    return result
