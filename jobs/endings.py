"""How a worker ends a job."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.model import FileRef, JobError, Progress, Reused
from jobs.states import State


@dataclass(frozen=True)
class Ending:
    """What is written when a job ends under its worker."""

    state: State
    reason: str
    outcome: Mapping[str, str]
    """Fields of the record."""


def completed(
    *,
    result: Mapping[str, Any],
    counts: Mapping[str, int] | None = None,
    files: Sequence[FileRef] = (),
    reused: Reused | None = None,
) -> Ending:
    """Well. `counts` are the last of its progress, which is all of it now."""
    done = Progress(fraction=1, phase="done", counts=dict(counts) if counts else None)
    progress = done.model_dump_json(exclude_none=True)
    return Ending(
        State.COMPLETED, "", {"result": json.dumps(result), "progress": progress, **kept(files=files, reused=reused)}
    )


def failed(error: JobError, *, files: Sequence[FileRef] | None = None, reused: Reused | None = None) -> Ending:
    """For good. `files` are those of its finished steps; None: as far as they are saved."""
    return Ending(State.FAILED, error.reason, {"error": error.model_dump_json(), **kept(files=files, reused=reused)})


def kept(*, files: Sequence[FileRef] | None, reused: Reused | None) -> dict[str, str]:
    """What the record has of its files and of what was reused."""
    listed = {} if files is None else {"files": json.dumps([file.model_dump() for file in files])}
    return {**listed, "reused": (reused or Reused()).model_dump_json()}
